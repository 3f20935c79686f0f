// When the connection is lost: says so, tries again, and brings the page back as it was: its address, the place in it,
// the focus, what was typed and not sent, what was unfolded.
{
  const WAITS = [1, 2, 4, 8, 15]; // seconds between two tries; the last one again and again
  const OFTEN = 3; // reloads in a minute, after which only the reader tries
  const banner = document.getElementById("lost");
  let readAt = new Date();
  let tries = 0;
  let clock = null;
  let wanted = null; // where the reader was going when the connection was lost
  let leaving = 0; // when the reader set out for elsewhere; a download is no going away

  const session = (name, value) => {
    try {
      if (value === undefined) return JSON.parse(sessionStorage.getItem(`agnes-${name}`));
      sessionStorage.setItem(`agnes-${name}`, JSON.stringify(value));
    } catch { /* nothing is kept, then; the address still is */ }
    return null;
  };

  // Where an element stands, in words that find it in the page made anew.
  const FIELDS = "input:not([type=hidden], [type=password], [type=file]), select, textarea";
  const within = (element) => element.closest("[data-region]")?.dataset.region ?? "";
  const family = (region, kind) => [...document.querySelectorAll(region ? `[data-region="${CSS.escape(region)}"] ${kind}` : kind)];
  const place = (element, kind) => {
    if (element.id) return { id: element.id };
    const region = within(element);
    return { region, kind, number: family(region, kind).indexOf(element) };
  };
  const find = ({ id, region, kind, number }) => id ? document.getElementById(id) : family(region, kind)[number];

  const typed = (field) => field.type === "checkbox" || field.type === "radio"
    ? field.checked !== field.defaultChecked
    : field.matches("select") ? [...field.options].some((one) => one.selected !== one.defaultSelected) : field.value !== field.defaultValue;

  const picture = () => {
    const fields = [...document.querySelectorAll(FIELDS)].filter((field) => !field.closest("dialog") && typed(field));
    const focus = document.activeElement;
    const kind = focus?.matches("a, button, input, select, textarea, summary") ? focus.localName : null;
    return {
      url: location.pathname + location.search,
      at: Date.now(),
      scroll: [scrollX, scrollY],
      fields: fields.map((field) => ({ place: place(field, field.localName), value: field.value, checked: field.checked })),
      open: [...document.querySelectorAll("[data-region] details[open]")].map((one) => place(one, "details")),
      focus: kind && { place: place(focus, kind), start: focus.selectionStart ?? null, end: focus.selectionEnd ?? null },
    };
  };

  const restore = (kept) => {
    for (const one of kept.open) Object.assign(find(one) ?? {}, { open: true });
    for (const { place, value, checked } of kept.fields) {
      const field = find(place);
      if (!field) continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = checked;
      else field.value = value;
    }
    const focus = kept.focus && find(kept.focus.place);
    focus?.focus({ preventScroll: true });
    if (focus && kept.focus.start !== null) focus.setSelectionRange?.(kept.focus.start, kept.focus.end);
    scrollTo(...kept.scroll);
  };

  const again = () => {
    session("reloads", [...reloads(), Date.now()]);
    if (wanted !== null) return location.assign(location.pathname + wanted);
    session("return", picture());
    location.reload();
  };
  const reloads = () => (session("reloads") ?? []).filter((at) => Date.now() - at < 60_000);
  agnes.again = again;

  const answers = async () => {
    try {
      return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
    } catch {
      return false;
    }
  };
  const isLive = () => document.body.dataset.live === "true";

  const attempt = async (asked) => {
    clearTimeout(clock);
    banner.toggleAttribute("aria-busy", true);
    const back = await answers();
    banner.toggleAttribute("aria-busy", false);
    if (banner.hidden) return;
    if (Date.now() - leaving < 10_000) return void (clock = setTimeout(attempt, 5000));
    if (back && isLive()) return found(); // the network was away, the connection was not
    if (back && (asked || reloads().length < OFTEN)) {
      // A page that nobody looks at comes back when somebody does, not together with all the others.
      if (!document.hidden) again();
      return;
    }
    clock = setTimeout(attempt, 1000 * WAITS[Math.min(tries++, WAITS.length - 1)]);
  };
  const found = () => {
    banner.hidden = true;
    wanted = null;
    agnes.go(location.search || "?", false);
  };
  const lost = (event) => {
    wanted = event?.detail ?? wanted;
    if (!banner.hidden) return;
    const local = agnes.kept("times") === "local";
    const text = readAt.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: local ? undefined : "UTC" });
    const time = banner.querySelector("time");
    time.textContent = local ? text : `${text} UTC`;
    time.dateTime = readAt.toISOString();
    banner.hidden = false;
    tries = 0;
    clock = setTimeout(attempt, 300 + 700 * Math.random()); // not all readers at the same moment
  };

  document.addEventListener("agnes:lost", lost);
  document.addEventListener("agnes:slow", async () => (await answers()) || lost());
  addEventListener("offline", () => lost());
  addEventListener("online", () => banner.hidden || attempt());
  document.addEventListener("visibilitychange", () => document.hidden || banner.hidden || attempt());
  addEventListener("beforeunload", () => (leaving = Date.now())); // what the reader wants comes first
  banner.querySelector("button").addEventListener("click", () => attempt(true));
  document.addEventListener("agnes:shown", () => (readAt = new Date()));

  const kept = session("return");
  if (kept && !location.pathname.startsWith("/login")) {
    session("return", null);
    if (kept.url === location.pathname + location.search && Date.now() - kept.at < 3_600_000) restore(kept);
  }
}
