// The list of events: rows by keyboard and mouse, and whether the page looks for new ones by itself.
{
  const root = document.documentElement;
  const rows = () => [...document.querySelectorAll("[data-audit-row]")];
  const link = (row) => row?.querySelector("a.at");
  const opened = () => new URLSearchParams(location.search).get("row");
  const current = () => document.activeElement?.closest?.("[data-audit-row]") ?? document.querySelector("[data-audit-row].on");

  let edge = null; // the row to go to once the page beside is shown: "first" or "last"
  let follow = null; // until the open panel goes along: holding a key down asks once
  const show = (row) => {
    link(row)?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    if (!opened() || opened() === row.dataset.auditRow) return;
    clearTimeout(follow);
    follow = setTimeout(() => {
      const search = new URL(link(row).href).search;
      history.replaceState(history.state, "", search); // Back leads to where the panel was opened, not through all rows
      agnes.go(search, false);
    }, 120);
  };
  const turn = (way, then) => {
    const to = document.querySelector(`.pager a[rel=${way}]`);
    edge = to ? then : null;
    to?.click();
  };
  const step = (by) => {
    const all = rows();
    if (!all.length) return false;
    const at = all.indexOf(current());
    if (at < 0) return show(all[0]);
    const next = all[at + by];
    if (next) show(next);
    else turn(by > 0 ? "next" : "prev", by > 0 ? "first" : "last");
  };
  const close = () => {
    const was = opened();
    if (!was) return false;
    clearTimeout(follow);
    const to = new URLSearchParams(location.search);
    to.delete("row");
    to.delete("undo");
    document.addEventListener("agnes:shown", () => link(rows().find((row) => row.dataset.auditRow === was))?.focus(), { once: true });
    agnes.go(`?${to}`);
  };
  agnes.key("j", "Next event", () => step(1));
  agnes.key("k", "Event before", () => step(-1));
  agnes.key("Enter", "Open the event", (event) => {
    if (event.target !== document.body) return false; // a link or button knows itself what to do
    const row = document.querySelector("[data-audit-row].on");
    return row ? link(row).click() : false;
  });
  agnes.key("Escape", "Close the event", close);
  agnes.key("[", "Page before", () => turn("prev", null));
  agnes.key("]", "Next page", () => turn("next", null));
  agnes.key(".", "Show new events", () => document.querySelector(".pill")?.click());

  document.addEventListener("click", (event) => {
    const row = event.target.closest?.("[data-audit-row]");
    if (!row || event.defaultPrevented || event.button || event.target.closest("a, button, input, label, summary")) return;
    if (!getSelection().isCollapsed) return; // the text is wanted, not the event
    link(row)?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey, shiftKey: event.shiftKey }));
  });

  // What a column is too narrow for, one can read all the same.
  document.addEventListener("mouseover", (event) => {
    const cell = event.target.closest?.(".rows td");
    if (cell && !cell.title && cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent.trim();
  });
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
    const all = rows();
    const scroll = document.querySelector(".list-of-events");
    if (scroll && first !== null && all[0]?.dataset.auditRow !== first) scroll.scrollTop = 0;
    first = all[0]?.dataset.auditRow ?? "";
    const auto = document.getElementById("auto");
    if (auto) auto.checked = root.dataset.auto !== "off";
    if (!edge) return;
    const row = edge === "first" ? all[0] : all.at(-1);
    edge = null;
    if (row) show(row);
  });
}
