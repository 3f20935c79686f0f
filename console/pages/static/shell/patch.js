// Puts server-rendered HTML in a region's place, changing only what differs: a scrolled table, a selected text, an
// unfolded part, the focus stay as they are. Elements are the same when they have the same `id`, `data-audit-row` or
// `data-keep`; all others go by their order.
//   agnes.patch(region, html, { fresh, typing })   `fresh`: the reader asked for it, so that fields show what the server
//                            says; else what was typed and not sent stays, and so does what a script said in `data-said`.
//                            `typing`: a field that is never touched
{
  const FIELDS = "input, select, textarea, option";
  const keyOf = (node) => node.nodeType === 1 ? node.id || node.dataset?.auditRow || node.dataset?.keep || "" : "";
  const alike = (old, now) => old.nodeName === now.nodeName && !keyOf(old) && (old.nodeName !== "INPUT" || (old.type === now.type && old.name === now.name));

  const attributes = (old, now) => {
    for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) {
      const isReaders = name === "open" && /^(DETAILS|DIALOG)$/.test(old.nodeName);
      if (!now.hasAttribute(name) && !isReaders) old.removeAttribute(name);
    }
  };

  const isTyped = (field) => ({
    INPUT: () => field.value !== field.defaultValue || field.checked !== field.defaultChecked,
    TEXTAREA: () => field.value !== field.defaultValue,
    SELECT: () => [...field.options].some((one) => one.selected !== one.defaultSelected),
  })[field.nodeName]?.() ?? false;

  const field = (old, now) => {
    if (old.nodeName === "SELECT") for (const one of old.options) one.selected = one.defaultSelected;
    else {
      if (old.checked !== now.checked) old.checked = now.checked;
      if (old.value !== now.value) old.value = now.value;
    }
  };

  function morph(old, now, how) {
    if (old.nodeType !== 1) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    if (old === how.typing || (!how.fresh && old.hasAttribute("data-said"))) return;
    const isField = old.matches("input, select, textarea");
    if (old.isEqualNode(now) && !(how.fresh && (isField || old.querySelector(FIELDS)))) return;
    const stays = isField && !how.fresh && isTyped(old);
    attributes(old, now);
    if (stays) return;
    if (old.nodeName !== "TEXTAREA" || old.textContent !== now.textContent) children(old, now, how);
    if (isField) field(old, now);
  }

  function children(old, now, how) {
    const parts = [...now.childNodes];
    const wanted = new Set(parts.map(keyOf).filter(Boolean));
    const keyed = new Map([...old.childNodes].map((node) => [keyOf(node), node]).filter(([key]) => key));
    let at = old.firstChild;
    const drop = (until) => {
      while (at && at !== until) {
        const next = at.nextSibling;
        at.remove();
        at = next;
      }
    };
    for (const part of parts) {
      const key = keyOf(part);
      while (at && keyOf(at) && !wanted.has(keyOf(at))) drop(at.nextSibling);
      let same = key ? keyed.get(key) : at && alike(at, part) ? at : null;
      if (!same && !key && part.nodeType === 1) {
        for (let next = at?.nextSibling; next && !same; next = next.nextSibling) if (alike(next, part)) same = next;
        if (same) drop(same);
      }
      if (!same || same.nodeName !== part.nodeName) {
        old.insertBefore(part, at);
        continue;
      }
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      keyed.delete(key);
      morph(same, part, how);
    }
    drop(null);
  }

  // Where a part with the focus was made anew: the same control again, by its name or its number.
  const controls = (region) => [...region.querySelectorAll("a[href], button, input, select, textarea, summary")];
  const remember = (region) => {
    const at = document.activeElement;
    if (!at || at === document.body || !region.contains(at)) return null;
    const key = at.id ? `#${CSS.escape(at.id)}` : at.name ? `[name="${CSS.escape(at.name)}"]` : null;
    return { at, key, index: controls(region).indexOf(at), start: at.selectionStart, end: at.selectionEnd };
  };

  const last = new WeakMap(); // region -> the HTML it was made of

  agnes.patch = (region, html, how) => {
    if (!how.fresh && last.get(region) === html) return;
    last.set(region, html);
    const focus = remember(region);
    const now = region.cloneNode(false);
    now.innerHTML = html;
    children(region, now, how);
    if (!focus || document.activeElement === focus.at) return;
    const again = focus.key ? region.querySelector(focus.key) : controls(region)[focus.index];
    again?.focus({ preventScroll: true });
    if (again && focus.start != null) again.setSelectionRange?.(focus.start, focus.end);
  };
}
