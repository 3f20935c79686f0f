// The time range: typed in the reader's zone, copied, pasted, made absolute. The URL is always UTC. A range as text is
// what the query box understands: since:24h, since:2026-11-22T06:00:00Z until:2026-11-23T06:00:00Z.
{
  const NAMES = ["since_minutes", "since", "until"];
  const SPAN = /^(\d{1,5})\s*(m|h|d|w)$/, UNITS = { m: 1, h: 60, d: 1440, w: 10080 };
  const LONGEST = 43200; // minutes; the server's own bound of a relative range
  const menu = () => document.querySelector("details.range");
  const shown = () => {
    const { minutes, since, until, openEnd } = menu().dataset;
    return { minutes, since: since && utc(new Date(since)), until: until && utc(new Date(until)), openEnd };
  };
  const isLocal = () => document.documentElement.dataset.times === "local";
  const two = (number) => String(number).padStart(2, "0");
  const utc = (at) => at.toISOString().replace(/(\.000)?Z$/, "Z");

  const inUnits = (minutes) => minutes % 1440 === 0 && minutes > 1440 ? `${minutes / 1440}d` : minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
  const text = ({ minutes, since, until, openEnd }) =>
    minutes ? `since:${inUnits(Number(minutes))}` : openEnd === undefined ? `since:${since} until:${until}` : `since:${since}`;

  // A time without a zone is UTC, as everywhere in this console.
  const moment = (said) => {
    const at = new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(said) || !said.includes("T") ? said : `${said}Z`);
    if (!/^\d{4}-\d\d-\d\d/.test(said) || Number.isNaN(+at)) throw new Error(`${said.slice(0, 40)} is no ISO time such as 2026-11-22T14:00Z`);
    return at;
  };

  const read = (said) => {
    const words = Object.fromEntries([...said.trim().matchAll(/(since|until):(\S+)/gi)].map(([, name, value]) => [name.toLowerCase(), value]));
    const [begin, end] = said.trim().split("/");
    const since = words.since ?? begin, until = words.until ?? (words.since ? undefined : end);
    if (!since || (!words.since && said.trim().includes(" "))) throw new Error("what was copied is no range such as since:24h");
    const span = since.match(SPAN);
    if (span && !until) {
      const minutes = span[1] * UNITS[span[2]];
      if (minutes < 1 || minutes > LONGEST) throw new Error("a relative range reaches back 1 minute to 30 days");
      return { since_minutes: String(minutes) };
    }
    const range = { since: utc(moment(since)), ...(until && { until: utc(moment(until)) }) };
    if (range.until && range.until <= range.since) throw new Error("the end is not after the beginning");
    return range;
  };

  const show = (range) => {
    const asked = new URLSearchParams(menu().dataset.base);
    for (const name of NAMES) if (range[name]) asked.set(name, range[name]);
    agnes.go(`?${asked}`);
  };

  const acts = {
    copy: async () => {
      if (!menu().dataset.since) return agnes.toast("There is no range to copy: the filter could not be read.", "bad");
      const said = text(shown());
      agnes.kept("range", said);
      await agnes.copy(said);
      agnes.toast(`Copied ${said}`);
    },
    paste: async () => {
      // Without https a browser lends no clipboard, and some readers say no: then what was copied here last.
      const said = await navigator.clipboard?.readText().catch(() => null) || agnes.kept("range");
      if (!said) return agnes.toast("Nothing was copied yet: t c copies a range.", "bad");
      try {
        const range = read(said);
        show(range);
        agnes.toast(`Range pasted: ${said.trim()}`);
      } catch (error) {
        agnes.toast(`No range pasted: ${error.message}.`, "bad");
      }
    },
    fix: () => {
      const { minutes, since, until, openEnd } = shown();
      if (!since) return;
      if (!minutes && openEnd === undefined) return agnes.toast("The range is absolute already.");
      show({ since, until });
      agnes.toast("The range is absolute now: a link to it stays true.");
    },
  };
  if (menu()) {
    agnes.key("t c", "Copy the time range", () => void acts.copy());
    agnes.key("t v", "Paste a time range", () => void acts.paste());
    agnes.key("t a", "Make the time range absolute", () => void acts.fix());
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-range-act]");
    if (!button) return;
    menu().open = false;
    menu().querySelector("summary").focus();
    acts[button.dataset.rangeAct]();
  });

  // The fields, in the zone that the reader has chosen.
  const typed = (at) => {
    const [y, mo, d, h, mi, s] = isLocal()
      ? [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()]
      : [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
    return `${y}-${two(mo + 1)}-${two(d)}T${two(h)}:${two(mi)}${s ? `:${two(s)}` : ""}`;
  };
  const meant = (value) => new Date(isLocal() ? value : `${value}Z`);
  // Only where the range or the zone is another one: what the reader is about to type stays, whatever is shown anew meanwhile.
  const filled = new WeakMap(); // field -> what it was filled from
  const fill = () => document.querySelectorAll("[data-range] [data-at]").forEach((field) => {
    const from = `${field.dataset.at} ${isLocal()}`;
    if (filled.get(field) === from) return;
    filled.set(field, from);
    field.value = typed(new Date(field.dataset.at));
  });
  document.addEventListener("agnes:times", fill);
  agnes.shown(fill);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-range]")) return;
    event.preventDefault();
    event.stopPropagation();
    const [since, until] = ["since", "until"].map((name) => form.elements[name].value);
    const wrong = !since ? "Say when it begins." : until && meant(until) <= meant(since) ? "The end must be after the beginning." : "";
    form.querySelector("[data-wrong]").textContent = wrong;
    if (wrong) return form.elements[since ? "until" : "since"].focus();
    menu().open = false;
    menu().querySelector("summary").focus();
    show({ since: utc(meant(since)), ...(until && { until: utc(meant(until)) }) });
  }, true);
}
