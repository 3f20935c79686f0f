// The grid of syncs: the arrow keys walk the cells, and the one under hand is said below the grid.
{
  const strip = ".strip a";
  const rows = () => [...document.querySelectorAll(".grid tbody tr")].map((row) => [...row.querySelectorAll(strip)]);
  const place = (cell) => [...cell.parentNode.children].indexOf(cell);

  const say = (cell) => {
    const line = document.querySelector(".syncs .said");
    if (line) line.textContent = cell?.title ?? "";
  };

  // The nearest cell with runs, in this row or in the next one that has any.
  const beside = (cell, key) => {
    const all = rows();
    const at = all.findIndex((row) => row.includes(cell));
    const column = all[at].indexOf(cell);
    if (key === "ArrowLeft" || key === "ArrowRight") return all[at][column + (key === "ArrowLeft" ? -1 : 1)];
    if (key === "Home" || key === "End") return all[at].at(key === "Home" ? 0 : -1);
    const others = key === "ArrowUp" ? all.slice(0, at).reverse() : all.slice(at + 1);
    const far = (one) => Math.abs(place(one) - place(cell));
    return others.find((row) => row.length)?.reduce((best, one) => (far(one) < far(best) ? one : best));
  };

  // One cell takes part in the order of Tab, as in every grid.
  const only = (chosen) => {
    for (const cell of document.querySelectorAll(strip)) cell.tabIndex = cell === chosen ? 0 : -1;
  };

  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(strip);
    const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
    if (!cell || !keys.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = beside(cell, event.key);
    if (!next) return;
    only(next);
    next.focus();
  });
  for (const kind of ["pointerover", "focusin"]) {
    document.addEventListener(kind, (event) => {
      const cell = event.target.closest?.(strip);
      if (cell) say(cell);
      else if (kind === "pointerover") say(document.activeElement?.closest?.(strip));
    });
  }
  document.addEventListener("focusout", (event) => event.target.closest?.(strip) && say(null));

  const seen = new WeakSet();

  agnes.shown(() => {
    const grid = document.querySelector(".syncs .scroll");
    if (grid && !seen.has(grid)) grid.scrollLeft = grid.scrollWidth; // the newest first, where not all fit
    if (grid) seen.add(grid);
    const cells = document.querySelectorAll(strip);
    if (cells.length) only(document.activeElement?.closest?.(strip) ?? cells[0]);
  });
}
