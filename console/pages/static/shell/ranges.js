// What this browser remembers of time ranges: the last ones used, to choose again, and the one that goes along to the
// other pages that have one. A link of the menu takes it only if its page says so (`data-ranged`).
{
  const menu = () => document.querySelector("details.range");

  const name = (range) => {
    const { since_minutes: minutes, since, until } = Object.fromEntries(new URLSearchParams(range));
    if (minutes) return [`Last ${minutes % 1440 === 0 && minutes > 1440 ? `${minutes / 1440} d` : minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`}`];
    const time = (said) => {
      const at = Object.assign(document.createElement("time"), { dateTime: said, textContent: said });
      const date = new Date(said);
      if (!Number.isNaN(+date)) at.textContent = `${date.toUTCString().slice(5, 11)}${date.getFullYear() === new Date().getFullYear() ? "" : ` ${date.getUTCFullYear()}`} ${date.toISOString().slice(11, 16)}`;
      return at;
    };
    return since && until ? [time(since), " – ", time(until)] : since ? ["Since ", time(since)] : ["Until ", time(until)];
  };
  const list = (ranges) => {
    const place = document.querySelector("[data-recent]");
    if (!place) return;
    place.querySelectorAll("a").forEach((link) => link.remove());
    for (const range of ranges) {
      const link = document.createElement("a");
      const base = menu().dataset.base.slice(1);
      link.href = `?${[base, range].filter(Boolean).join("&")}`;
      link.append(...name(range));
      place.append(link);
    }
    place.hidden = ranges.length === 0;
    document.dispatchEvent(new CustomEvent("agnes:dated"));
  };
  const take = (range) => {
    for (const link of document.querySelectorAll("nav a[data-ranged]")) {
      link.setAttribute("href", link.pathname + (range ? `?view=default&${range}` : ""));
    }
  };

  agnes.shown(() => {
    let session = null;
    try { session = sessionStorage; } catch { /* then a range stays on its page */ }
    if (!menu()) return take(session?.getItem("agnes-range"));
    const range = menu().dataset.range;
    session?.setItem("agnes-range", range);
    take(range);
    let used = [];
    try { used = JSON.parse(agnes.kept("ranges") ?? "[]").filter((one) => typeof one === "string"); } catch { /* not ours */ }
    if (range) agnes.kept("ranges", JSON.stringify([range, ...used.filter((one) => one !== range)].slice(0, 4)));
    list(used.filter((one) => one !== range).slice(0, 3));
  });
}
