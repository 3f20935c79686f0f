// A list of rows: by keyboard and mouse, page by page, and whether the page looks for new ones by itself.
//   agnes.rows({ row, list, noun, seen })   `row`: what selects a row, whose own link is `a.at`; `list`: what scrolls;
//                 `noun`: what a row is; `seen(row)`: the reader has gone to it by key. -> { all, link, show }
agnes.rows = ({ row, list, noun, seen }) => {
  const root = document.documentElement;
  const all = () => [...document.querySelectorAll(row)];
  const link = (one) => one?.querySelector("a.at");
  const name = (one) => one.dataset.auditRow ?? one.dataset.keep;
  const current = () => document.activeElement?.closest?.(row) ?? document.querySelector(`${row}.on`);

  let edge = null; // the row to go to once the page beside is shown: "first" or "last"
  const show = (one) => {
    link(one)?.focus({ preventScroll: true });
    one.scrollIntoView({ block: "nearest" });
    seen?.(one);
  };
  const turn = (way, then) => {
    const to = document.querySelector(`.pager a[rel=${way}]`);
    edge = to ? then : null;
    to?.click();
  };
  const step = (by) => {
    const rows = all();
    if (!rows.length) return false;
    const at = rows.indexOf(current());
    if (at < 0) return show(rows[0]);
    const next = rows[at + by];
    if (next) show(next);
    else turn(by > 0 ? "next" : "prev", by > 0 ? "first" : "last");
  };
  agnes.key("j", `Next ${noun}`, () => step(1));
  agnes.key("k", noun[0].toUpperCase() + noun.slice(1) + " before", () => step(-1));
  agnes.key("Enter", `Open the ${noun}`, (event) => {
    if (event.target !== document.body) return false; // a link or button knows itself what to do
    const chosen = document.querySelector(`${row}.on`);
    return chosen ? link(chosen).click() : false;
  });
  agnes.key("[", "Page before", () => turn("prev", null));
  agnes.key("]", "Next page", () => turn("next", null));

  document.addEventListener("click", (event) => {
    const on = event.target.closest?.(row);
    if (!on || event.defaultPrevented || event.button || event.target.closest("a, button, input, label, summary")) return;
    if (!getSelection().isCollapsed) return; // the text is wanted, not the row
    link(on)?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey, shiftKey: event.shiftKey }));
  });

  // What a column is too narrow for, one can read all the same.
  document.addEventListener("mouseover", (event) => {
    const cell = event.target.closest?.(".rows td");
    if (cell && !cell.title && cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent.trim();
  });
  if (agnes.kept("auto") === "off") root.dataset.auto = "off";
  document.addEventListener("change", (event) => {
    if (event.target.id !== "auto") return;
    agnes.kept("auto", event.target.checked ? null : "off");
    if (event.target.checked) delete root.dataset.auto;
    else root.dataset.auto = "off";
    document.dispatchEvent(new Event("visibilitychange")); // on again: look at once
  });

  // After each patch.
  let first = null;
  agnes.shown(() => {
    const rows = all();
    const scroll = document.querySelector(list);
    const top = rows.length ? name(rows[0]) : "";
    if (scroll && first !== null && top !== first) scroll.scrollTop = 0;
    first = top;
    const auto = document.getElementById("auto");
    if (auto) auto.checked = root.dataset.auto !== "off";
    if (!edge) return;
    const to = edge === "first" ? rows[0] : rows.at(-1);
    edge = null;
    if (to) show(to);
  });
  return { all, link, show };
};
