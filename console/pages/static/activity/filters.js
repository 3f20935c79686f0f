// The query box: completes fields, then values of the facets that stand in the page. It asks nobody while one types.
{
  const MOST = 12;
  const FIELDS = {
    action: "what was done", resource: "to what", result: "success, error, denied", source: "web, cli, agent, scheduler",
    user: "who, by e-mail or name", kind: "kind of client", correlation: "what belongs together", since: "2h, 7d, a time", until: "a time",
  };
  const FIXED = {
    result: ["success", "error", "denied", "none", "other"],
    source: ["web", "cli", "agent", "external", "scheduler", "system", "other"],
    kind: ["web", "cli", "agent", "external", "scheduler", "none"],
    since: ["1h", "6h", "24h", "7d", "30d"],
    user: ["none"],
    resource: ["none"],
  };
  const list = document.createElement("ul");
  Object.assign(list, { id: "completion", className: "completion", role: "listbox", ariaLabel: "Completions", hidden: true });
  document.body.append(list);
  let offers = []; // what is offered: { text, about, more } (`more`: one goes on typing behind it)
  let chosen = -1;

  const box = () => document.getElementById("query");

  // The word at the caret: where it begins and ends, its minus, its field, what follows.
  function wordAt(input) {
    const text = input.value, caret = input.selectionStart;
    const found = [...text.matchAll(/-?(?:[A-Za-z_]+:=?)?(?:"(?:[^"\\]|\\.)*"?|\S*)/g)]
      .find((match) => match[0] && match.index <= caret && caret <= match.index + match[0].length);
    const start = found?.index ?? caret;
    const [, minus, field, value] = text.slice(start, caret).match(/^(-?)(?:([A-Za-z_]+):=?)?([\s\S]*)$/);
    return { start, end: Math.max(caret, start + (found?.[0].length ?? 0)), minus, field: field?.toLowerCase(), value: value.replace(/^"|"$/g, "").toLowerCase() };
  }

  function values(field) {
    const known = [...document.querySelectorAll(".facets a.pick")].filter((pick) => pick.dataset.field === field);
    const found = known.map(({ dataset }) => ({ text: dataset.word, about: dataset.hint ? dataset.label : "", sought: `${dataset.label} ${dataset.hint ?? ""} ${dataset.word}` }));
    const has = new Set(found.map((one) => one.text));
    const fixed = (FIXED[field] ?? []).map((value) => ({ text: `${field}:${value}`, about: "", sought: value }));
    return [...found, ...fixed.filter((one) => !has.has(one.text))];
  }

  function offered({ field, minus, value }) {
    if (!field) {
      const fits = Object.entries(FIELDS).filter(([name]) => name.startsWith(value) && !(minus && /since|until/.test(name)));
      return fits.map(([name, about]) => ({ text: `${name}:`, about, more: true }));
    }
    const fits = values(field).filter((one) => one.sought.toLowerCase().includes(value));
    const begins = (one) => Number(one.sought.toLowerCase().startsWith(value)); // these first
    fits.sort((left, right) => begins(right) - begins(left));
    return fits.filter((one) => one.text.replace(/:=?"?/, ":").toLowerCase() !== `${field}:${value}`).slice(0, MOST);
  }

  function choose(number) {
    chosen = number;
    [...list.children].forEach((item, index) => {
      item.ariaSelected = String(index === number);
      if (index === number) item.scrollIntoView({ block: "nearest" });
    });
    if (number < 0) box()?.removeAttribute("aria-activedescendant");
    else box()?.setAttribute("aria-activedescendant", list.children[number].id);
  }

  function close() {
    list.hidden = true;
    offers = [];
    chosen = -1;
    box()?.setAttribute("aria-expanded", "false");
    box()?.removeAttribute("aria-activedescendant");
  }

  function open(input) {
    offers = offered(wordAt(input));
    if (!offers.length) return close();
    list.replaceChildren(...offers.map(({ text, about }, index) => {
      const item = document.createElement("li"), what = document.createElement("span"), more = document.createElement("span");
      Object.assign(item, { id: `completion-${index}`, role: "option" });
      Object.assign(what, { className: "what", textContent: text });
      Object.assign(more, { className: "about", textContent: about });
      item.append(what, more);
      return item;
    }));
    const place = input.getBoundingClientRect();
    list.style.left = `${place.left + scrollX}px`;
    list.style.top = `${place.bottom + scrollY}px`;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(-1);
  }

  function take(input, number) {
    const { start, end, minus } = wordAt(input), { text, more } = offers[number];
    const before = input.value.slice(0, start), after = input.value.slice(end);
    const typed = before + minus + text + (more || after.startsWith(" ") ? "" : " ");
    input.value = typed + after;
    input.setSelectionRange(typed.length, typed.length);
    input.scrollLeft = input.scrollWidth;
    close();
    if (more) open(input);
  }

  document.addEventListener("input", (event) => event.target.id === "query" && open(event.target));
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (input.id !== "query" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && list.hidden) open(input);
    if (move && offers.length) choose(((chosen < 0 && move < 0 ? 0 : chosen) + move + offers.length) % offers.length);
    else if (event.key === "Enter" && chosen >= 0) take(input, chosen);
    else if (event.key === "Tab" && !event.shiftKey && offers.length) take(input, Math.max(chosen, 0));
    else if (event.key === "Escape" && !list.hidden) close();
    else {
      if (event.key === "Enter") close();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }, true);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const item = event.target.closest("li");
    if (item) take(box(), [...list.children].indexOf(item));
  });
  document.addEventListener("focusout", (event) => event.target.id === "query" && close());
  document.addEventListener("agnes:shown", () => document.activeElement !== box() && close());
}
