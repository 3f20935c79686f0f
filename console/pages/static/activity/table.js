// The list of events: what is open beside it goes along with the reader, and what is new waits above it.
{
  const opened = () => new URLSearchParams(location.search).get("row");
  let follow = null; // until the open panel goes along: holding a key down asks once
  const seen = (row) => {
    if (!opened() || opened() === row.dataset.auditRow) return;
    clearTimeout(follow);
    follow = setTimeout(() => {
      const search = new URL(link(row).href).search;
      history.replaceState(history.state, "", search); // Back leads to where the panel was opened, not through all rows
      agnes.go(search, false);
    }, 120);
  };
  const { all, link } = agnes.rows({ row: "[data-audit-row]", list: ".list-of-events", noun: "event", seen });
  const close = () => {
    const was = opened();
    if (!was) return false;
    clearTimeout(follow);
    const to = new URLSearchParams(location.search);
    to.delete("row");
    to.delete("undo");
    document.addEventListener("agnes:shown", () => link(all().find((row) => row.dataset.auditRow === was))?.focus(), { once: true });
    agnes.go(`?${to}`);
  };
  agnes.key("Escape", "Close the event", close);
  agnes.key(".", "Show new events", () => document.querySelector(".pill")?.click());
}
