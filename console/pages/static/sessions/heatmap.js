// The heatmap: a click on a cell asks for its kind and week (a second one for all again), a box of cells for the weeks
// it spans, cut where the page's window is, and for its kind, or for any where it holds several.
{
  const DAY = 86400000;
  // The cells that a click or a box touches: a week is as wide as 1 around its number, a kind reaches from one to the next.
  const touched = (source, kinds, { x, y, x0 = x, x1 = x, y0 = y, y1 = y }) => {
    const [left, right] = [x0, x1].map(Math.round).sort((one, other) => one - other);
    const [low, high] = [y0, y1].map(Math.floor).sort((one, other) => one - other);
    const isTouched = (week, row) => left <= week && week <= right && low <= row && row <= high;
    const column = (name) => [...source.get(name)];
    const [weeks, rows, mondays, types] = ["week", "kind", "monday", "finding_type"].map(column);
    return weeks.flatMap((week, place) => (isTouched(week, kinds.indexOf(rows[place])) ? { week: mondays[place], kind: types[place] } : []));
  };
  const asked = (cells) => {
    const to = new URLSearchParams(location.search);
    const weeks = [...new Set(cells.map(({ week }) => week))].sort();
    const kinds = new Set(cells.map(({ kind }) => kind));
    const [first, last, kind] = [weeks[0], weeks.at(-1), kinds.size === 1 ? cells[0].kind : "any"];
    for (const name of ["offset", "lines"]) to.delete(name);
    if (cells.length === 1 && to.get("week") === first && to.get("has_finding") === kind) {
      for (const name of ["week", "has_finding"]) to.delete(name);
      return to;
    }
    to.set("has_finding", kind);
    if (first === last) {
      to.set("week", first);
      return to;
    }
    const bounds = document.querySelector("figure.findings").dataset;
    const end = `${new Date(Date.parse(last) + 6 * DAY).toISOString().slice(0, 10)}T23:59:59.999999Z`;
    for (const name of ["week", "since_minutes", "until"]) to.delete(name);
    to.set("since", Date.parse(bounds.since) > Date.parse(first) ? bounds.since : `${first}T00:00:00Z`);
    // A window that is open to now stays so.
    if (Date.parse(end) < (bounds.until ? Date.parse(bounds.until) : Date.now())) to.set("until", end);
    else if (bounds.until) to.set("until", bounds.until);
    return to;
  };
  // A narrow cell has room for its findings alone, or for nothing.
  const ROOM = { names: 128, both: 76, findings: 34 }; // pixels: of the kinds' names, and of a text
  let written = null; // the texts of the chart that is shown: their source, as they were, and how many weeks there are
  const fit = () => {
    const slot = document.querySelector("[data-chart]");
    if (!written || !slot) return;
    const room = (slot.clientWidth - ROOM.names) / written.weeks;
    const shown = written.whole.map((text) => (room >= ROOM.both ? text : room >= ROOM.findings ? text.split(" in ")[0] : ""));
    written.texts.set("text", shown);
    written.texts.change.emit();
  };
  window.addEventListener("resize", fit);
  document.addEventListener("agnes:chart", ({ detail: { figure } }) => {
    const sources = figure.renderers.map((drawn) => drawn.data_source);
    const source = sources.find((one) => one?.get_column?.("monday"));
    if (!source) return;
    const texts = sources.find((one) => one?.get_column?.("text"));
    written = texts ? { texts, whole: [...texts.get("text")], weeks: new Set(source.get("monday")).size } : null;
    fit();
    figure.on_event("selectiongeometry", ({ geometry, final }) => {
      const cells = final ? touched(source, figure.y_range.factors, geometry) : [];
      if (cells.length) agnes.go(`?${asked(cells)}`);
    });
  });
}
