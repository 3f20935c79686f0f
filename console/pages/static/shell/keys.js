// The keyboard: runs the shortcuts of `agnes.key` and of [data-key]; `?` lists them all.
{
  const PATIENCE = 1200; // milliseconds between the keys of a sequence
  const NAMES = { Escape: "Esc", " ": "Space", ArrowUp: "Up", ArrowDown: "Down", ArrowLeft: "Left", ArrowRight: "Right" };
  const TYPED = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=range]), textarea, select, [contenteditable]:not([contenteditable=false])";
  let begun = ""; // the keys of a sequence so far
  let clock = null;

  const nameOf = (event) => {
    const name = NAMES[event.key] ?? event.key;
    const typed = event.getModifierState("AltGraph"); // how some keyboards write "/" or "?"
    const held = typed ? "" : (event.ctrlKey || event.metaKey ? "Ctrl-" : "") + (event.altKey ? "Alt-" : "");
    const shift = event.shiftKey && name.length > 1 ? "Shift-" : "";
    return held + shift + (held && name.length === 1 ? name.toUpperCase() : name);
  };
  const normal = (keys) => keys.split(" ").map((key) => NAMES[key] ?? key).join(" ");
  const isShown = (element) => element.getClientRects().length > 0;

  // What is declared by elements: only those one could click now, and the menu's, which may be folded.
  const declared = () => [...document.querySelectorAll("[data-key]")]
    .filter((element) => !element.disabled && (isShown(element) || element.closest("nav")))
    .map((element) => ({
      keys: element.dataset.key,
      says: element.dataset.says ?? element.ariaLabel ?? (element.textContent.trim() || element.title),
      everywhere: !element.closest("[data-region]"),
      isPlace: element.closest("nav") !== null,
      act: () => element.matches(TYPED) ? (element.focus(), element.select?.()) : element.click(),
    }));
  const all = () => [...agnes.shortcuts, ...declared()].map((each) => ({ ...each, keys: normal(each.keys) }));
  // What can also be had by its name: all that does something, but for what only opens a list of all.
  agnes.commands = () => all().filter(({ keys, says, isPlace }) => says && !isPlace && !["Esc", "/", "?", "Ctrl-K"].includes(keys));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
    const pressed = nameOf(event);
    const isTyping = event.target.matches?.(TYPED) || event.target.isContentEditable;
    const inDialog = document.querySelector("dialog:modal") !== null;
    const fit = (keys) => all().filter((each) => each.keys === keys && !(isTyping && !each.typing) && !inDialog);
    const before = begun;
    begun = "";
    clearTimeout(clock);
    for (const keys of before ? [`${before} ${pressed}`, pressed] : [pressed]) {
      // The newest first: what a page says of a key comes before what the shell says.
      for (const each of fit(keys).reverse()) {
        if (each.act(event) === false) continue;
        return event.preventDefault();
      }
      if (!isTyping && !inDialog && all().some((each) => each.keys.startsWith(`${keys} `))) {
        begun = keys;
        clock = setTimeout(() => (begun = ""), PATIENCE);
        return;
      }
    }
  });

  const overlay = document.getElementById("shortcuts");
  const make = (tag, ...parts) => {
    const made = document.createElement(tag);
    made.append(...parts);
    return made;
  };
  const written = (keys) => keys.split(" ").flatMap((key) => [make("kbd", key), " "]);
  const line = ([says, ways]) => make("div", make("dt", ...[...ways].flatMap((keys, number) => [number ? "or " : "", ...written(keys)])), make("dd", says));
  const list = () => {
    for (const group of overlay.querySelectorAll("dl")) {
      const rows = new Map(); // what is done -> the ways to do it
      for (const { keys, says, everywhere } of all()) {
        if (!says || everywhere !== (group.dataset.group === "everywhere")) continue;
        rows.set(says, (rows.get(says) ?? new Set()).add(keys));
      }
      group.replaceChildren(...[...rows].map(line));
      group.parentElement.hidden = rows.size === 0;
    }
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-shortcuts]") || overlay.open) return;
    list();
    overlay.showModal();
  });

  // Every dialog closes by its button and by a click beside it; Esc and the focus are the browser's.
  document.addEventListener("click", (event) => {
    const dialog = event.target.closest?.("dialog");
    if (!dialog) return;
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const beside = event.target === dialog && event.detail > 0 &&
      (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom);
    if (beside || event.target.closest("[data-close]")) dialog.close();
  });

  agnes.key("Esc", "Close what is open", () => false);
}
