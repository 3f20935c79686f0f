// `/` and Ctrl-K: go anywhere by typing a part of its name. What may be found is decided by /api/palette;
// what this page can do comes from its own shortcuts.
{
  const KINDS = { page: "Page", view: "Saved view", user: "Person", table: "Table", report: "Report", session: "Session", act: "Do" };
  const PAUSE = 80; // milliseconds without a key before the server is asked
  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const said = dialog.querySelector("[role=status]");
  let rows = [];
  let at = 0;
  let answered = null; // the text that `rows` answer
  let hurried = null; // Enter was pressed before the answer was there: whether in a tab of its own
  let asked = null; // the request under way
  let clock = null;

  const make = (tag, text, set = {}) => Object.assign(document.createElement(tag), { textContent: text, ...set });

  const mark = (index) => {
    at = index;
    [...list.children].forEach((option, number) => option.setAttribute("aria-selected", number === at));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    if (list.children[at]) input.setAttribute("aria-activedescendant", list.children[at].id);
    else input.removeAttribute("aria-activedescendant");
  };

  const show = (found, text, words) => {
    rows = found;
    list.replaceChildren(...rows.map((row, number) => {
      const option = make("div", "", { id: `palette-${number}`, className: "option" });
      option.setAttribute("role", "option");
      option.append(make("span", row.label, { className: "label" }), " ");
      if (row.detail) option.append(make("span", row.detail, { className: "muted detail" }), " ");
      option.append(make("span", KINDS[row.kind] ?? "", { className: "muted kind" }));
      return option;
    }));
    input.setAttribute("aria-expanded", rows.length > 0);
    said.textContent = words ?? (rows.length ? `${rows.length} found` : "Nothing of that name. Try a shorter part of it.");
    mark(0);
    answered = text;
    if (hurried === null || answered !== input.value) return;
    take(rows[0], hurried);
    hurried = null;
  };

  // What the keys of this page do, and what is marked with `data-command`, can be had by name too.
  const acts = (text) => {
    const marked = [...document.querySelectorAll("[data-command]")].map((one) => ({ says: one.dataset.command, keys: one.dataset.key ?? "", act: () => one.click() }));
    const wanted = text.trim().toLowerCase();
    const known = [...agnes.commands(), ...marked].filter(({ says }) => wanted && says.toLowerCase().includes(wanted));
    const names = new Set();
    return known.filter(({ says }) => !names.has(says) && names.add(says)).slice(0, 5)
      .map(({ says, keys, act }) => ({ kind: "act", label: says, detail: keys, act }));
  };

  const ask = async () => {
    asked?.abort();
    const mine = (asked = new AbortController());
    const text = input.value;
    try {
      const answer = await fetch(`/api/palette?${new URLSearchParams({ q: text })}`, { signal: mine.signal });
      if (!answer.ok) throw new Error((await answer.json()).error);
      const { rows: found, total } = await answer.json();
      const words = total > found.length ? `${found.length} of ${total}: type more of the name` : undefined;
      if (asked === mine && dialog.open) show([...found, ...acts(text)], text, words);
    } catch (error) {
      if (mine.signal.aborted) return;
      show(acts(text), text, error instanceof TypeError ? "The server does not answer. Try again in a moment." : error.message);
    }
  };

  const take = (row, apart) => {
    if (!row) return;
    dialog.close();
    input.blur(); // where nothing had the focus before, a closed dialog may keep it, and swallow the next shortcut
    clearTimeout(clock);
    if (row.act) return void row.act(new Event("palette"));
    const to = new URL(row.href, location.href);
    if (to.origin !== location.origin) return;
    if (apart) window.open(to.href, "_blank", "noopener");
    else if (to.pathname === location.pathname && !to.hash) agnes.go(to.search || "?");
    else location.assign(to.href);
  };

  const open = () => {
    if (dialog.open) return;
    input.value = "";
    hurried = null;
    show([], null, "");
    dialog.showModal();
    ask();
  };

  input.addEventListener("input", () => {
    clearTimeout(clock);
    hurried = null;
    clock = setTimeout(ask, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const last = rows.length - 1;
    const to = { ArrowDown: at < last ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : last, PageDown: Math.min(at + 8, last), PageUp: Math.max(at - 8, 0) }[event.key];
    if (to !== undefined) mark(to);
    else if (event.key === "Enter" && answered !== input.value) hurried = event.ctrlKey || event.metaKey;
    else if (event.key === "Enter") take(rows[at], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    const index = [...list.children].indexOf(event.target.closest("[role=option]"));
    if (index >= 0 && index !== at) mark(index);
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays where one types
  list.addEventListener("click", (event) => {
    const index = [...list.children].indexOf(event.target.closest("[role=option]"));
    take(rows[index], event.ctrlKey || event.metaKey);
  });
  dialog.addEventListener("close", () => asked?.abort());
  document.addEventListener("click", (event) => event.target.closest?.("[data-palette]") && open());
  agnes.key("Ctrl-K", "Go to a page, view, person or session", open, { typing: true });
}
