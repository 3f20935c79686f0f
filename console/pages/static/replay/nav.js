// Going through a session by keyboard and mouse: findings, errors, prompts, events, matches. Where the reader is stands in
// the address as #t<turn>, is framed in the strip, and is where every step begins.
{
  const KEPT = "a[href*='#t']";
  let outline = ["{}", {}]; // as it was written, and what it says: that of a long session is long
  const read = (name, fallback) => {
    const text = document.getElementById("outline")?.dataset.outline ?? "{}";
    if (text !== outline[0]) outline = [text, JSON.parse(text)];
    return outline[1][name] ?? fallback;
  };
  const reader = () => agnes.replay; // the conversation's own script
  const inHash = () => Number(/^#t(\d+)$/.exec(location.hash)?.[1] ?? NaN);
  let at = null; // the turn that the last step led to
  let wanted = null; // the turn that is shown as soon as all kinds are
  let last = null; // the last stop of a way, after which the next press leaves the session
  const current = () => at ?? reader()?.current() ?? 0;

  const nearest = (turns, from, by) => by > 0 ? turns.find((turn) => turn > from) : turns.findLast((turn) => turn < from);

  const mark = (turn) => {
    if (inHash() !== turn) history.replaceState(history.state, "", `#t${turn}`);
    for (const cell of document.querySelectorAll("[data-cells] .cell")) {
      const here = Number(cell.dataset.first) <= turn && turn <= Number(cell.dataset.last);
      cell.classList.toggle("here", here);
      if (here) cell.setAttribute("aria-current", "true");
      else cell.removeAttribute("aria-current");
      cell.tabIndex = here ? 0 : -1;
    }
    if (!document.querySelector("[data-cells] .here")) document.querySelector("[data-cells] .cell")?.setAttribute("tabindex", "0");
    const stops = read("findings", []);
    const passed = stops.filter((stop) => stop <= turn).length;
    for (const place of document.querySelectorAll("[data-at]")) {
      place.textContent = passed ? `${passed} of ${stops.length}` : String(stops.length);
    }
    for (const one of document.querySelectorAll("[data-finding-turn]")) one.classList.toggle("on", one.dataset.findingTurn === String(turn));
    matched(turn);
  };

  // Show an event. One that the chosen kinds leave out is shown with all others again.
  const go = async (turn, focus = true) => {
    at = turn;
    last = null;
    if (!reader()) return mark(turn);
    const shown = await reader().show(turn, { focus });
    if (at !== turn) return; // the reader has gone on meanwhile
    const asked = new URLSearchParams(location.search);
    if (!shown && asked.has("kinds")) {
      asked.delete("kinds");
      wanted = turn;
      agnes.toast(`Turn ${turn} is of another kind: all events are shown again.`);
      mark(turn);
      return agnes.go(`?${asked}`);
    }
    mark(turn);
  };

  const step = (name, by, what) => {
    const turns = read(name, []);
    const next = nearest(turns, current(), by);
    if (next !== undefined) return void go(next);
    if (!read("indexed", false)) return agnes.toast("The index of this session is still being made.");
    agnes.toast(turns.length ? `No ${what} ${by > 0 ? "after" : "before"} this one.` : `There is no ${what} in this session.`);
  };

  // Past the last finding stands the next session of the list that has any; one more press goes there.
  const finding = (by) => {
    const stops = read("findings", []);
    const next = nearest(stops, current(), by);
    if (next !== undefined) return void go(next);
    const walk = document.querySelector("[data-walk]")?.dataset ?? {};
    const to = by > 0 ? walk.after : walk.before;
    const none = stops.length ? `That was the ${by > 0 ? "last" : "first"} of ${stops.length} finding${stops.length === 1 ? "" : "s"}.` : "Nothing was found in this session.";
    if (!to) return agnes.toast(`${none} No other session ${by > 0 ? "after" : "before"} it in the list has any.`);
    if (last === by) return location.assign(to);
    last = by;
    agnes.toast(`${none} Press ${by > 0 ? "n" : "N"} again for the ${by > 0 ? "next" : "previous"} session with findings.`);
  };

  // The next event on the page; where it is not loaded, the next turn.
  const events = () => [...document.querySelectorAll("[data-events] .event")].filter((one) => one.getClientRects().length > 0);
  const holding = (turn) => document.getElementById(`t${turn}`)?.closest(".event") ?? null;
  const event = (by) => {
    const all = events(), here = all.indexOf(holding(current()));
    const next = here < 0 ? null : all[here + by];
    if (next) return void go(Number(next.dataset.turn));
    const turn = current() + by, total = read("total", Infinity);
    if (turn >= 0 && turn < total) void go(turn);
  };
  const after = (turn) => {
    const shown = [...document.querySelectorAll("[data-events] section [data-turn]")].map((one) => Number(one.dataset.turn));
    return shown.find((one) => one >= turn) ?? shown.at(-1) ?? null;
  };
  const unfold = () => {
    const parts = [...(holding(current())?.querySelectorAll("details") ?? [])];
    if (!parts.length) return false;
    const open = parts.some((one) => !one.open);
    for (const one of parts) one.open = open;
  };
  const permalink = async () => {
    const could = await agnes.copy(`${location.origin}${location.pathname}${location.search}#t${current()}`);
    agnes.toast(could ? `Link to turn ${current()} copied` : "This browser does not let the page copy", could ? "good" : "bad");
  };

  agnes.key("n", "Next finding, then the next session with any", () => finding(1));
  agnes.key("N", "Finding before", () => finding(-1));
  agnes.key("e", "Next error", () => step("errors", 1, "error"));
  agnes.key("E", "Error before", () => step("errors", -1, "error"));
  agnes.key("j", "Next event", () => event(1));
  agnes.key("k", "Event before", () => event(-1));
  agnes.key("J", "Next prompt", () => step("prompts", 1, "prompt"));
  agnes.key("K", "Prompt before", () => step("prompts", -1, "prompt"));
  agnes.key("o", "Unfold or fold the event", unfold);
  agnes.key("c", "Copy the permalink", () => void permalink());

  // Words to find: the server says at which turns they stand.
  const form = () => document.querySelector("form.find");
  const matches = () => JSON.parse(form()?.dataset.turns ?? "[]");
  const matched = (turn) => {
    const place = form()?.querySelector("[data-count]"), turns = matches();
    if (!place || !turns.length) return;
    const number = turns.indexOf(turn) + 1;
    place.textContent = number ? `${number} of ${turns.length}` : `${turns.length} event${turns.length === 1 ? "" : "s"}`;
  };
  const match = (by) => {
    const turns = matches();
    if (!turns.length) return;
    void go(nearest(turns, current(), by) ?? (by > 0 ? turns[0] : turns.at(-1)), false);
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.find")) return;
    const field = event.target.elements.find;
    if (!field.value.trim() || field.value.trim() !== event.target.dataset.words) return;
    event.preventDefault(); // they are found already
    event.stopPropagation();
    match(1);
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.("form.find input") || event.isComposing) return;
    if (event.key === "Enter" && event.shiftKey) {
      event.preventDefault();
      match(-1);
    }
    if (event.key === "Escape") {
      event.preventDefault();
      event.target.blur();
      form().querySelector("[data-unfind]")?.click();
    }
  });

  // The words are marked in what is loaded, without touching the conversation's elements.
  const highlight = () => {
    if (!CSS.highlights) return;
    CSS.highlights.delete("found");
    const words = (form()?.dataset.words ?? "").toLowerCase().split(/[\s"]+/).filter(Boolean);
    const place = document.querySelector("[data-events]");
    if (!words.length || !place) return;
    const found = new Highlight();
    const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.data.toLowerCase();
      if (text.length !== texts.currentNode.data.length) continue; // a letter that is longer in small: offsets differ
      for (const word of words) {
        for (let from = text.indexOf(word); from >= 0; from = text.indexOf(word, from + word.length)) {
          const range = new Range();
          range.setStart(texts.currentNode, from);
          range.setEnd(texts.currentNode, from + word.length);
          found.add(range);
        }
      }
    }
    CSS.highlights.set("found", found);
  };
  let soon = null;
  const highlightSoon = () => {
    clearTimeout(soon);
    soon = setTimeout(highlight, 150);
  };
  new MutationObserver((changes) => {
    if (changes.some(({ target }) => target.closest?.("[data-events]"))) highlightSoon();
  }).observe(document.querySelector("[data-region=events]"), { childList: true, subtree: true });

  // By mouse: links to turns of this page are steps, too.
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const permalinks = event.target.closest?.("[data-permalink]");
    if (permalinks) return void permalink();
    const link = event.target.closest?.(KEPT);
    if (!link || link.pathname !== location.pathname || link.search !== location.search) return;
    const turn = /^#t(\d+)$/.exec(link.hash);
    if (!turn) return;
    event.preventDefault();
    if (link.dataset.finding) return finding(Number(link.dataset.finding));
    if (link.dataset.match) return match(Number(link.dataset.match));
    void go(Number(turn[1]), !link.closest("[data-cells]"));
  }, true);
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("[data-cells] .cell");
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!cell || !by || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const next = by > 0 ? cell.nextElementSibling : cell.previousElementSibling;
    if (!next) return;
    next.focus();
    void go(Number(next.dataset.first), false);
  });

  // By scrolling: the address follows what is on the screen.
  let scrolled = null;
  addEventListener("scroll", () => {
    if (scrolled) return;
    scrolled = setTimeout(() => {
      scrolled = null;
      const element = at === null ? null : holding(at)?.getBoundingClientRect();
      if (element && element.bottom > 0 && element.top < innerHeight) return; // still in sight
      at = null;
      if (reader()) mark(reader().current());
    }, 250);
  }, { passive: true });

  // Where a link leads: to a turn, or, from the session beside, to its first or last finding.
  let arrived = false; // false while there is no conversation yet: its reader may have to say first why they look
  const arrive = () => {
    if (!document.querySelector("[data-events]")) return;
    arrived = true;
    const stops = read("findings", []);
    const turn = { "#first-finding": stops[0], "#last-finding": stops.at(-1) }[location.hash] ?? inHash();
    if (Number.isInteger(turn)) void go(turn, false);
    else mark(current());
  };
  addEventListener("hashchange", arrive);
  document.addEventListener("replay:ready", () => {
    if (wanted === null) return;
    const turn = wanted;
    wanted = null;
    setTimeout(() => void go(turn));
  });

  let wasIndexed = read("indexed", false);
  let sought = "";
  const follow = () => {
    const words = form()?.dataset.words ?? "";
    if (words && words !== sought && !matches().includes(current())) match(1);
    sought = words;
    highlightSoon();
  };
  document.addEventListener("agnes:shown", () => {
    if (!wasIndexed && read("indexed", false)) {
      wasIndexed = true;
      return agnes.go(location.search || "?", false); // now all of it can be shown
    }
    if (!arrived) {
      arrive();
      return follow();
    }
    const was = at ?? inHash();
    if (at !== null && !holding(at)) at = null;
    if (wanted === null && was >= 0 && !holding(was)) at = after(was); // of a kind that is no longer shown
    setTimeout(() => mark(current())); // by then the address is the new one, without a place in it
    follow();
  });
  arrive(); // before anything else looks where the reader is: the link says it
  follow();
}
