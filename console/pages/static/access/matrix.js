// The matrix: one cell is reached by Tab, the others by arrow keys.
{
  const rows = () => [...document.querySelectorAll(".matrix tbody tr")].map((row) => [...row.querySelectorAll(".cell")]);
  let place = [0, 0]; // of the cell that Tab reaches
  const here = () => {
    const every = rows();
    const row = every.findIndex((cells) => cells.includes(document.activeElement));
    return row < 0 ? null : [row, every[row].indexOf(document.activeElement)];
  };
  const rove = () => {
    const every = rows();
    if (!every.length) return;
    place = [Math.min(place[0], every.length - 1), Math.min(place[1], every[0].length - 1)];
    for (const cell of every.flat()) cell.tabIndex = -1;
    const at = every[place[0]]?.[place[1]];
    if (at) at.tabIndex = 0;
  };
  const walk = (down, right) => () => {
    const at = here();
    if (!at) return false;
    const to = rows()[at[0] + down]?.[at[1] + right];
    if (!to) return;
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  agnes.key("ArrowUp", "Cell above", walk(-1, 0));
  agnes.key("ArrowDown", "Cell below", walk(1, 0));
  agnes.key("ArrowLeft", "Cell before", walk(0, -1));
  agnes.key("ArrowRight", "Next cell", walk(0, 1));
  agnes.key("c", "Go to the matrix", () => {
    const cell = document.querySelector(".matrix .cell[tabindex='0']");
    return cell ? cell.focus() : false;
  });
  document.addEventListener("focusin", () => {
    const at = here();
    if (!at) return;
    place = at;
    rove();
  });
  agnes.shown(rove);
}
