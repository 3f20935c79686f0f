// The browser's half of console/pages/live.py: sends where the reader wants to go, patches what comes back.
// Links and forms inside [data-live] are taken over; all others, and every click with a modifier key, are the browser's.

const regions = () => document.querySelectorAll("[data-region]");

const controls = (region) => [...region.querySelectorAll("a[href], button, input, select")];

function remember(region) {
  const at = document.activeElement;
  if (!at || !region.contains(at)) return null;
  const key = at.id ? `#${CSS.escape(at.id)}` : at.name ? `[name="${CSS.escape(at.name)}"]` : null;
  return { key, index: controls(region).indexOf(at), start: at.selectionStart, end: at.selectionEnd };
}

// Replaces only what differs, so that a scrolled table, a selected text, an opened frame stay as they are.
function morph(old, now) {
  if (old.nodeName === "DETAILS") now.open = old.open;
  if (old.isEqualNode(now)) return;
  const shell = (node) => node.cloneNode(false);
  if (!shell(old).isEqualNode(shell(now)) || !old.hasChildNodes()) return old.replaceWith(now);
  const parts = [...now.childNodes];
  if (parts.length !== old.childNodes.length) return old.replaceChildren(...parts);
  [...old.childNodes].forEach((part, index) => morph(part, parts[index]));
}

function patch(region, html) {
  if (region.innerHTML === html) return;
  const focus = remember(region);
  const now = region.cloneNode(false);
  now.innerHTML = html;
  // What a reader typed or chose is no part of the tree: a form is always made anew.
  if (region.querySelector("form")) region.replaceChildren(...now.childNodes);
  else morph(region, now);
  const again = focus && (focus.key ? region.querySelector(focus.key) : controls(region)[focus.index]);
  if (again) {
    again.focus({ preventScroll: true });
    if (focus.start != null && again.setSelectionRange) again.setSelectionRange(focus.start, focus.end);
  }
}

// "3 min ago" and "in 3 min" as console/pages/render.py writes them; `data-age` is in seconds, below 0 for what comes.
const seen = new WeakMap();

function age(time) {
  if (!seen.has(time)) seen.set(time, performance.now() - 1000 * time.dataset.age);
  const seconds = Math.round((performance.now() - seen.get(time)) / 1000);
  const size = Math.abs(seconds);
  const [unit, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([unit]) => size >= unit) ?? [1, "s"];
  const text = `${Math.floor(size / unit)} ${name}`;
  const shown = seconds < 0 ? `in ${text}` : `${text} ago`;
  if (time.textContent !== shown) time.textContent = shown;
}

function query(form) {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  return "?" + new URLSearchParams(given);
}

export function render({ model, view }) {
  let waiting = null; // where the reader wants to go, until it is shown
  let turned = null; // the region that the reader wants to see from its beginning
  let clock = null; // until the page asks again by itself
  let lost = false; // without a connection every link and form is the browser's again
  const wait = (search) => {
    waiting = search;
    document.body.toggleAttribute("aria-busy", search !== null);
  };
  const go = (search, push = true) => {
    if (lost) return location.assign(location.pathname + search);
    wait(search);
    model.send_msg({ go: search, push });
  };
  // A page whose state changes by itself says in `data-again` after how many milliseconds it is to be asked again.
  const again = () => {
    clearTimeout(clock);
    const after = document.querySelector("[data-again]")?.dataset.again;
    if (after) clock = setTimeout(beat, after);
  };
  const beat = () => {
    clearTimeout(clock);
    if (lost || waiting !== null || document.hidden) return; // each of these ends with a beat or an answer
    model.send_msg({ go: location.search || "?", push: false, beat: true });
  };
  const tell = (html) => {
    document.querySelector("[data-region=notice]").innerHTML = html;
  };
  const act = async (form, button) => {
    const given = new FormData(form, button);
    wait(location.search);
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(given), headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) throw answer;
      tell(await answer.text());
    } catch {
      return location.reload(); // the server is gone, or somebody else answers; the browser says so better
    } finally {
      wait(null);
    }
    beat();
  };
  view.model.document.on_event("connection_lost", () => {
    lost = true;
    delete document.body.dataset.live;
    if (waiting !== null) go(waiting);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-live] a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.pathname !== location.pathname || link.target || link.hasAttribute("download")) return;
    event.preventDefault();
    turned = link.dataset.show ?? (link.closest(".pager") && "rows");
    go(to.search || "?");
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-live] form[method=get], form[data-live][method=get]");
    if (!form || new URL(form.action).pathname !== location.pathname) return;
    event.preventDefault();
    go(query(form));
  });
  document.addEventListener("submit", (event) => {
    if (lost || !event.target.matches("[data-live] form[method=post]")) return;
    event.preventDefault();
    if (waiting === null) act(event.target, event.submitter);
  });
  // "Run now" becomes "Cancel" in the same place: the second half of a double click, or a key held down, is not meant.
  const twice = (event) => (event.detail > 1 || event.repeat) && event.target.closest?.("[data-live] button[form]") && event.preventDefault();
  document.addEventListener("click", twice);
  document.addEventListener("keydown", twice);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && document.querySelector("[data-again]")) beat();
  });
  setInterval(() => document.querySelectorAll("[data-age]").forEach(age), 5000);
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form && event.target.matches("select, input[type=checkbox]") && form.matches("[data-live] form, form[data-live]")) form.requestSubmit();
  });
  document.addEventListener("agnes:go", (event) => {
    if (lost) return;
    event.preventDefault();
    go(event.detail.search || "?", event.detail.push);
  });
  window.addEventListener("popstate", () => go(location.search || "?", false));

  model.on("regions", () => {
    for (const region of regions()) {
      const html = model.regions[region.dataset.region];
      if (html !== undefined) patch(region, html);
    }
    const shown = turned && document.querySelector(`[data-region=${turned}]`);
    const top = shown?.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight / 2) shown.scrollIntoView();
    shown?.querySelector("[tabindex='-1']")?.focus({ preventScroll: true });
    turned = null;
    wait(null);
    again();
    document.dispatchEvent(new CustomEvent("agnes:shown"));
  });
  // `push` comes with the address, and may come after it.
  model.on("address", () => queueMicrotask(() => {
    if (model.push && location.pathname + location.search !== model.address) history.pushState(null, "", model.address);
  }));
  if (document.querySelector("[data-later]")) beat(); // what the first paint left out
  again();
  document.body.dataset.live = "true";
  return document.createElement("span");
}
