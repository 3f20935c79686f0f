// Every <time datetime> in the reader's way: UTC as the server wrote it, the browser's zone, or how long ago. It is part
// of the page, behind the regions, so that what is painted first is right already.
//   data-age   an age in seconds, below 0 for what comes: relative in every way, and the server's clock for all others
// Times of the day without seconds are ends of ranges and marks on an axis: they are never relative.
(() => {
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const ISO_DAY = /\d{4}-\d\d-\d\d/, DAY = new RegExp(`\\b\\d{1,2} (?:${MONTHS.join("|")})\\b(?: \\d{4})?`);
  const CLOCK = /(?<!\d)\d\d:\d\d(:\d\d(\.\d+)?)?/;
  const root = document.documentElement;
  const two = (number) => String(number).padStart(2, "0");
  const written = new WeakMap(); // time -> what it says by us, and what the server had written
  let ahead = null; // milliseconds that this browser's clock is ahead of the server's

  const zone = (at = new Date()) => {
    const minutes = -at.getTimezoneOffset(), size = Math.abs(minutes);
    return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${size % 60 ? `:${two(size % 60)}` : ""}`;
  };
  const day = (at) => `${two(at.getDate())} ${MONTHS[at.getMonth()]}`;

  const local = (text, at) => {
    const isToday = at.toDateString() === new Date(Date.now() - (ahead ?? 0)).toDateString();
    const shown = text
      .replace(ISO_DAY, () => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`)
      .replace(DAY, (found) => found.length > 6 ? `${day(at)} ${at.getFullYear()}` : day(at))
      .replace(CLOCK, (found, seconds) => `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`)
      .replace(/Z$| UTC$/, "");
    return /^\d\d:\d\d:\d\d/.test(text) && !isToday ? `${day(at)} ${shown}` : shown;
  };

  const ago = (at) => {
    const seconds = Math.round((Date.now() - (ahead ?? 0) - at) / 1000), size = Math.abs(seconds);
    const [unit, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([unit]) => size >= unit) ?? [1, "s"];
    const text = `${Math.floor(size / unit)} ${name}`;
    return seconds < 0 ? `in ${text}` : `${text} ago`;
  };

  const show = (time) => {
    const at = new Date(time.dateTime);
    if (Number.isNaN(+at) || time.childElementCount) return;
    const before = written.get(time);
    const from = before?.text === time.textContent && before.at === +at ? before.from : time.textContent;
    const clock = from.match(CLOCK);
    const text = "age" in time.dataset || (root.dataset.times === "relative" && clock?.[1]) ? ago(at)
      : root.dataset.times === "local" && (clock || DAY.test(from) || ISO_DAY.test(from)) ? local(from, at) : from;
    if (time.textContent !== text) time.textContent = text;
    const full = `${at.toISOString().replace("T", " ").replace(/(\.000)?Z$/, "")} UTC`;
    if (time.title !== full) time.title = full;
    written.set(time, { at: +at, text, from });
  };

  const all = () => {
    const known = ahead === null && document.querySelector("time[data-age]");
    if (known) ahead = Date.now() - 1000 * known.dataset.age - new Date(known.dateTime);
    document.querySelectorAll("time[datetime]").forEach(show);
    const isLocal = root.dataset.times === "local";
    for (const place of document.querySelectorAll("[data-zone]")) place.textContent = isLocal ? zone() : "UTC";
    for (const place of document.querySelectorAll("[data-zone-here]")) place.textContent = zone();
    for (const button of document.querySelectorAll("[data-times-set]")) {
      button.setAttribute("aria-pressed", String(button.dataset.timesSet === root.dataset.times));
    }
    root.dataset.timesShown = "";
  };
  const count = () => {
    if (!document.hidden) document.querySelectorAll(root.dataset.times === "relative" ? "time[datetime]" : "[data-age]").forEach(show);
  };

  all();
  document.addEventListener("agnes:shown", all);
  document.addEventListener("agnes:dated", all); // a script has put times on the page
  document.addEventListener("visibilitychange", count);
  setInterval(count, 5000);
  addEventListener("storage", (event) => {
    if (event.key !== "agnes-times" || !["utc", "local", "relative"].includes(event.newValue)) return;
    root.dataset.times = event.newValue;
    all();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-times-set]");
    if (!button) return;
    root.dataset.times = button.dataset.timesSet;
    try { localStorage.setItem("agnes-times", root.dataset.times); } catch { /* for this page, then */ }
    all();
    document.dispatchEvent(new CustomEvent("agnes:times"));
  });
})();
