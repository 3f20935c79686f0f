// Before the first paint, so that nothing jumps: the columns, their widths and the pause that this browser remembers.
// static/activity/table.js writes them.
{
  const root = document.documentElement;
  root.dataset.scripts = "";
  try {
    const { columns, widths = {}, least, fill } = JSON.parse(localStorage.getItem("agnes-table") ?? "{}");
    if (columns) root.dataset.columns = columns.join(" ");
    for (const [column, width] of Object.entries(widths)) root.style.setProperty(`--w-${column}`, `${Number(width)}px`);
    if (least) root.style.setProperty("--rows", `${Number(least)}px`);
    root.toggleAttribute("data-fill", Boolean(fill)); // no column is left that takes what the others leave
    if (localStorage.getItem("agnes-auto") === "off") root.dataset.auto = "off";
  } catch { /* a browser that remembers nothing shows the columns everybody begins with */ }
}
