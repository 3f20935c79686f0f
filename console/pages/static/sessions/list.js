// The list of sessions. Who comes back from a replay is where they left.
{
  const ROW = "[data-session]";
  const { all, show } = agnes.rows({ row: ROW, list: ".list-of-sessions", noun: "session" });
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.(`${ROW} a.at`)?.closest(ROW);
    if (row) history.replaceState({ ...history.state, session: row.dataset.session }, "");
  });
  const left = all().find((row) => row.dataset.session === history.state?.session);
  if (left && document.activeElement === document.body) show(left);
}
