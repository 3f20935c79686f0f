// The inbox: rows by keyboard, which of them are ticked, and what is done with those, or with the row one is at.
{
  const ROW = "[data-report]";
  const { all, show } = agnes.rows({ row: ROW, list: ".list-of-reports", noun: "report" });
  const box = (row) => row?.querySelector("input[name=report]");
  const boxes = () => all().map(box);
  const ticked = () => boxes().filter((one) => one.checked);
  const here = () => document.activeElement?.closest?.(ROW);

  const said = () => {
    const on = ticked().length;
    const place = document.querySelector("[data-ticked]");
    if (place) place.textContent = on ? `${on} ticked` : "";
    document.querySelector(".bulk")?.toggleAttribute("data-some", on > 0);
    const every = document.getElementById("all");
    if (every) Object.assign(every, { checked: on > 0 && on === boxes().length, indeterminate: on > 0 && on < boxes().length });
  };
  const tick = (some, on) => {
    for (const one of some) one.checked = on;
    said();
  };
  // What is ticked; where nothing is, the row with the focus is ticked and meant.
  const meant = () => {
    if (ticked().length) return true;
    if (!here()) return agnes.toast("Go to a report (j, k) or tick some (x)."), false;
    tick([box(here())], true);
    return true;
  };
  const press = (act) => meant() && document.querySelector(`.bulk button[value=${act}]`).click();

  agnes.key("x", "Tick the report", () => here() ? tick([box(here())], !box(here()).checked) : false);
  agnes.key("*", "Tick all on this page, or none", () => tick(boxes(), ticked().length < boxes().length));
  agnes.key("e", "Resolve: write the answer, Enter sends it", () => meant() && document.getElementById("resolution").focus());
  agnes.key("a", "Assign to me", () => press("mine"));
  agnes.key("t t", "Triaged", () => press("triage"));
  agnes.key("w", "Won't fix", () => press("wontfix"));
  agnes.key("m", "Merge the ticked ones", () => ticked().length > 1 ? press("merge") : agnes.toast("Tick two or more reports first (x)."));
  agnes.key(".", "Show new reports", () => document.querySelector(".pill")?.click());
  agnes.key("Escape", "Leave the field, untick all", (event) => {
    if (event.target.matches?.(".bulk input")) return event.target.blur(), show(ticked()[0]?.closest(ROW) ?? all()[0]);
    if (!ticked().length) return false;
    tick(boxes(), false);
  }, { typing: true });

  document.addEventListener("change", (event) => {
    if (event.target.id === "all") tick(boxes(), event.target.checked);
    else if (event.target.name === "report") said();
  });
  document.addEventListener("reset", () => setTimeout(said));
  let last = null; // the box that was clicked before: with Shift all between the two follow
  document.addEventListener("click", (event) => {
    const one = event.target.closest?.(`${ROW} input[name=report]`);
    if (!one) return;
    const every = boxes();
    const [from, to] = [every.indexOf(last), every.indexOf(one)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) tick(every.slice(from, to + 1), one.checked);
    last = one;
  });

  // Who comes back from a report is where they left.
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.(`${ROW} a.at`)?.closest(ROW);
    if (row) history.replaceState({ ...history.state, report: row.dataset.report }, "");
  });
  const left = all().find((row) => row.dataset.report === history.state?.report);
  if (left && document.activeElement === document.body) show(left);
  agnes.shown(said);
}
