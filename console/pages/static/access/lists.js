// People and tokens: rows by keyboard, which of them are ticked, and how many.
{
  const ROW = ".listed tbody tr";
  const { all } = agnes.rows({ row: ROW, list: ".listed", noun: "row" });
  const box = (row) => row?.querySelector("input[name=chosen]:not(:disabled)");
  const boxes = () => all().map(box).filter(Boolean);
  const said = () => {
    const on = boxes().filter((one) => one.checked).length;
    const place = document.querySelector("[data-ticked]");
    if (place) place.textContent = on ? `${on} ticked` : "";
    document.querySelector(".bulk")?.toggleAttribute("data-some", on > 0);
    const every = document.querySelector("[data-all]");
    if (every) Object.assign(every, { checked: on > 0 && on === boxes().length, indeterminate: on > 0 && on < boxes().length });
  };
  const tick = (some, on) => {
    for (const one of some) one.checked = on;
    said();
  };
  agnes.key("x", "Tick the row", () => {
    const one = box(document.activeElement?.closest?.(ROW));
    return one ? tick([one], !one.checked) : false;
  });
  agnes.key("*", "Tick all on this page, or none", () => boxes().length ? tick(boxes(), boxes().some((one) => !one.checked)) : false);
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-all]")) tick(boxes(), event.target.checked);
    else if (event.target.name === "chosen") said();
  });
  document.addEventListener("reset", () => setTimeout(said));
  agnes.shown(said);
}
