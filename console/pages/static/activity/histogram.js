// The histogram: a drag, or Shift with the arrow keys, chooses a range of bars; a click or Enter zooms to it; Esc lets go.
{
  const hist = () => document.querySelector(".hist[data-zoom]");
  const bars = () => [...document.querySelectorAll(".hist .bar")];
  let drag = null; // {start, bars}: where the pointer went down
  let moved = false; // the click at the end of a drag is none
  let anchor = null; // where the bar begins from which the keyboard chooses

  const clock = (text, withDay) => {
    const local = agnes.kept("times") === "local";
    const form = { hour: "2-digit", minute: "2-digit", timeZone: local ? undefined : "UTC" };
    if (withDay) Object.assign(form, { day: "2-digit", month: "short" });
    if (new Date(text).getUTCSeconds()) form.second = "2-digit";
    return new Date(text).toLocaleString("en-GB", form).replace(",", "");
  };

  // Says what is chosen, or what is under the pointer: its time and its figures.
  const say = (chosen) => {
    const readout = document.querySelector(".hist .readout");
    if (!readout) return;
    if (!chosen.length) return readout.replaceChildren();
    const [first, last] = [chosen[0].dataset, chosen.at(-1).dataset];
    const sum = (name) => chosen.reduce((total, bar) => total + Number(bar.dataset[name]), 0);
    const [events, errors] = [sum("total"), sum("error")];
    const withDay = bars()[0].dataset.since.slice(0, 10) !== bars().at(-1).dataset.until.slice(0, 10);
    const zone = agnes.kept("times") === "local" ? "" : " UTC";
    const [from, to] = [clock(first.since, withDay), clock(last.end, withDay)];
    const until = withDay && from.slice(0, 6) === to.slice(0, 6) ? to.slice(7) : to;
    const when = Object.assign(document.createElement("b"), { textContent: `${from} – ${until}${zone}` });
    const figures = `${events.toLocaleString("en")} ${events === 1 ? "event" : "events"}, ${errors.toLocaleString("en")} ${errors === 1 ? "error" : "errors"}`;
    readout.replaceChildren(when, ` · ${figures}`);
  };

  // From the bar that begins at `since` to `other`; none when the page has asked anew and has no such bar any more.
  const range = (since, other, all = bars()) => {
    const [from, to] = [all.findIndex((bar) => bar.dataset.since === since), all.indexOf(other)].sort((left, right) => left - right);
    return from < 0 ? [] : all.slice(from, to + 1);
  };

  const brush = (chosen) => {
    const shape = document.querySelector(".hist .brush");
    if (!shape) return;
    shape.hidden = chosen.length === 0;
    if (!chosen.length) return;
    const plot = shape.parentElement.getBoundingClientRect();
    const [first, last] = [chosen[0], chosen.at(-1)].map((bar) => bar.querySelector(".hit").getBoundingClientRect());
    shape.style.left = `${first.left - plot.left}px`;
    shape.style.width = `${last.right - first.left}px`;
  };
  const release = () => {
    drag = anchor = null;
    brush([]);
    say([]);
  };

  const zoom = (chosen) => {
    const to = new URLSearchParams(hist().dataset.zoom);
    to.set("since", chosen[0].dataset.since);
    to.set("until", chosen.at(-1).dataset.until);
    release();
    agnes.go(`?${to}`);
  };

  // The bar at this place: the nearest one, also where the pointer has left the plot.
  const at = (x, all) => all.reduce((near, bar) => {
    const place = bar.querySelector(".hit").getBoundingClientRect();
    const away = Math.max(place.left - x, x - place.right, 0);
    return near && near.away <= away ? near : { bar, away };
  }, null).bar;

  // A bar is no link to be dragged away, nor is a text chosen.
  document.addEventListener("mousedown", (event) => !event.button && event.target.closest?.(".hist .plot") && event.preventDefault());
  document.addEventListener("pointerdown", (event) => {
    moved = false;
    if (event.button || !event.isPrimary || !event.target.closest?.(".hist .plot")) return;
    drag = { x: event.clientX, start: at(event.clientX, bars()).dataset.since };
  });
  const dragged = (event) => {
    const all = bars();
    return range(drag.start, at(event.clientX, all), all);
  };
  document.addEventListener("pointermove", (event) => {
    if (!drag) return event.target.closest?.(".hist .bar") && anchor === null && say([event.target.closest(".bar")]);
    if (!moved && Math.abs(event.clientX - drag.x) < 5) return;
    moved = true;
    const chosen = dragged(event);
    brush(chosen);
    say(chosen);
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const chosen = moved ? dragged(event) : [];
    if (chosen.length) zoom(chosen);
    drag = null;
  });
  document.addEventListener("pointercancel", () => drag && release());
  document.addEventListener("pointerout", (event) => {
    if (!drag && anchor === null && event.target.closest?.(".hist .bar") && !event.relatedTarget?.closest?.(".hist .bar")) say([]);
  });
  document.addEventListener("click", (event) => {
    const bar = event.target.closest?.(".hist .bar");
    if (!bar && moved && event.target.closest?.(".hist")) return event.preventDefault();
    if (!bar || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (moved) return;
    const chosen = anchor ? range(anchor, bar) : [];
    zoom(chosen.length ? chosen : [bar]);
  });

  document.addEventListener("focusin", (event) => {
    const bar = event.target.closest?.(".hist .bar");
    if (bar && anchor === null && bar.matches(":focus-visible")) say([bar]);
    else if (!bar && anchor !== null) release();
  });
  document.addEventListener("focusout", (event) => event.target.closest?.(".hist .bar") && anchor === null && say([]));
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (drag || anchor)) {
      moved = drag !== null; // the pointer is still down: what follows is no click
      release();
      return event.preventDefault();
    }
    const bar = event.target.closest?.(".hist .bar");
    if (!bar || !(event.key in STEPS) || event.metaKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    const all = bars();
    const next = all[Math.min(all.length - 1, Math.max(0, all.indexOf(bar) + STEPS[event.key]))];
    if (event.shiftKey) anchor ??= bar.dataset.since;
    else anchor = null;
    const chosen = anchor ? range(anchor, next, all) : [next];
    next.focus({ preventScroll: true });
    brush(anchor ? chosen : []);
    say(chosen);
  }, true);

  agnes.key("z", "Zoom out: twice the time", () => document.querySelector(".hist .zoom")?.click() ?? true);
  agnes.shown(() => {
    if (drag) return;
    const bar = document.activeElement?.closest?.(".hist .bar");
    const chosen = bar && anchor ? range(anchor, bar) : [];
    if (!chosen.length) anchor = null; // the page has asked anew, and the bar it began with is gone
    brush(chosen);
    const under = bar?.matches(":focus-visible") ? bar : document.querySelector(".hist .bar:hover");
    if (under) say(chosen.length ? chosen : [under]);
  });
}
