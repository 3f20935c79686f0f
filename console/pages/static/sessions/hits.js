// Lines found: a key goes to the first, the arrows go on from line to line.
{
  const lines = () => [...document.querySelectorAll(".hits a.line")];
  agnes.key("h", "Go to the lines found", () => {
    const [first] = lines();
    if (!first) return false;
    first.focus();
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = event.target.closest?.(".hits a.line");
    if (!here || !step || event.metaKey || event.ctrlKey || event.altKey || event.shiftKey) return;
    const all = lines();
    all[all.indexOf(here) + step]?.focus();
    event.preventDefault();
  });
}
