// The reader's columns and their widths; this browser remembers them. static/activity/remembered.js applies them at the
// next visit, before the first paint.
{
  const root = document.documentElement;
  const table = () => JSON.parse(agnes.kept("table") ?? "{}");
  const heads = () => [...document.querySelectorAll(".rows th")];
  const name = (head) => head.querySelector(".edge").dataset.edge;
  const boxes = () => [...document.querySelectorAll("[data-column]")];
  const usual = () => boxes().filter((box) => box.defaultChecked).map((box) => box.dataset.column);

  // Keeps what differs from the usual, with the width below which the table scrolls, and applies it as before the paint.
  const keep = ({ columns, widths = {} }) => {
    const shown = columns ?? usual();
    const least = heads().filter((head) => shown.includes(name(head))).reduce((sum, head) => sum + (widths[name(head)] ?? Number(head.dataset.width)), 0);
    const plain = !columns && !Object.keys(widths).length;
    const fill = heads().length > 0 && !heads().some((head) => "elastic" in head.dataset && shown.includes(name(head)) && !widths[name(head)]);
    agnes.kept("table", plain ? null : JSON.stringify({ columns, widths, least: least || undefined, fill }));
    if (columns) root.dataset.columns = columns.join(" ");
    else delete root.dataset.columns;
    for (const head of heads()) {
      const width = widths[name(head)];
      if (width) root.style.setProperty(`--w-${name(head)}`, `${width}px`);
      else root.style.removeProperty(`--w-${name(head)}`);
    }
    if (plain || !least) root.style.removeProperty("--rows");
    else root.style.setProperty("--rows", `${least}px`);
    root.toggleAttribute("data-fill", fill);
    tell();
  };
  const tell = () => {
    const { columns = usual(), widths = {} } = table();
    for (const box of boxes()) box.checked = columns.includes(box.dataset.column);
    for (const head of heads()) head.querySelector(".edge").ariaValueNow = widths[name(head)] ?? head.dataset.width;
  };
  const widen = (column, width) => {
    const { columns, widths = {} } = table();
    if (width === null) delete widths[column];
    else widths[column] = Math.round(Math.min(900, Math.max(48, width)));
    keep({ columns, widths });
  };
  const width = (handle) => handle.parentElement.getBoundingClientRect().width;
  let held = null; // the edge that is dragged
  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest?.("[data-edge]");
    if (!handle || event.button) return;
    event.preventDefault();
    held = { handle, x: event.clientX, width: width(handle) };
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("held");
  });
  document.addEventListener("pointermove", (event) => held && widen(held.handle.dataset.edge, held.width + event.clientX - held.x));
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => {
      held?.handle.classList.remove("held");
      held = null;
    });
  }
  document.addEventListener("dblclick", (event) => {
    const handle = event.target.closest?.("[data-edge]");
    if (handle) widen(handle.dataset.edge, null);
  });
  document.addEventListener("keydown", (event) => {
    const handle = event.target.closest?.("[data-edge]");
    const by = { ArrowLeft: -10, ArrowRight: 10, Home: null }[event.key];
    if (!handle || by === undefined) return;
    event.preventDefault();
    widen(handle.dataset.edge, by === null ? null : width(handle) + by);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-column]")) {
      const columns = boxes().filter((box) => box.checked).map((box) => box.dataset.column);
      if (!columns.length) columns.push("time"); // a table of nothing could not be opened again by keyboard
      keep({ ...table(), columns });
    }
  });
  document.addEventListener("click", (event) => event.target.closest?.("[data-columns-reset]") && keep({}));
  agnes.shown(tell);
}
