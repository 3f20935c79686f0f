// The conversation of a replay: sections of events, loaded when they come near the screen and let go when they are far, so
// that a hundred thousand events cost what some hundred do. What is not loaded keeps its height, at first an estimated one.
// What stands before the reader's eyes stays where it is, whatever is filled or grows above it.
//   agnes.replay.show(turn, { focus, mark })  brings this event before the reader's eyes and marks it; a promise of its
//                            element, null where it is not among those shown
//   agnes.replay.current()   the event that the reader is at
// Says `replay:ready` when there are other events than before, `agnes:dated` when new ones are on the page.
{
  const NEAR = 1400; // pixels around the screen that are loaded
  const KEPT = 7; // sections that stay loaded
  const TALLEST = 12e6; // pixels; a browser has no taller page
  const LINE = 0.25; // of the screen's height: where the reader is
  const AT_ONCE = 2; // sections that are fetched at the same time
  const END = {};

  let box = null; // the container
  let mark = ""; // what it shows, to tell whether it is still the same
  let parts = []; // sections: { element, first, turn, loading, queued }
  let height = 90; // pixels of an event, as far as is known
  let held = null; // { element, at }: what stays where it is, and its place on the page; or END
  let stood = null; // the turn that the reader was at; its event may be gone from the page since
  let here = null; // the turn of the marked event
  let goal = null; // the turn that is on its way to the screen
  let busy = 0;

  const number = (text) => (text === undefined || text === "" ? null : Number(text));
  const line = () => innerHeight * LINE;
  const isLoaded = (part) => !part.element.hasAttribute("data-away");
  const size = () => number(box.dataset.size);
  const total = () => number(box.dataset.total);

  // -- sections

  const empty = (first, count, turn) => {
    const element = document.createElement("section");
    Object.assign(element.dataset, { keep: `s${first}`, first, count, turn: turn ?? "", away: "" });
    element.style.height = `${Math.round(count * height)}px`;
    return element;
  };
  const known = (element) => ({ element, first: number(element.dataset.first), turn: number(element.dataset.turn), loading: null });
  const add = (first, count, turn) => {
    const part = known(empty(first, count, turn));
    parts.push(part);
    box.append(part.element);
    seen.observe(part.element);
    return part;
  };

  const build = () => {
    const step = size();
    const all = total();
    const turns = box.dataset.turns ? JSON.parse(box.dataset.turns) : null;
    const given = box.querySelector("section[data-first]");
    const from = number(given.dataset.first);
    const count = given.querySelectorAll("[data-turn]").length;
    if (count > 20) height = given.getBoundingClientRect().height / count;
    if (all !== null) height = Math.min(height, TALLEST / all);
    parts = [];
    const last = all ?? from + number(given.dataset.count);
    for (let first = 0; first < last; first += step) {
      if (first === from) {
        parts.push(known(given));
        continue;
      }
      const turn = turns ? turns[first / step] : box.dataset.kinds ? null : first;
      parts.push(known(empty(first, Math.min(step, last - first), turn)));
    }
    box.replaceChildren(...parts.map((part) => part.element));
    if (all === null) grow(given);
    for (const part of parts) seen.observe(part.element);
  };
  // Without an index nobody knows how many there are: each section says where the next one begins.
  const grow = (element) => {
    const next = number(element.dataset.next);
    if (next === null || parts.some((part) => part.first === next)) return;
    add(next, size(), box.dataset.kinds ? null : next);
  };

  // -- loading and letting go

  const distance = (part) => {
    const { top, bottom } = part.element.getBoundingClientRect();
    return top > innerHeight ? top - innerHeight : bottom < 0 ? -bottom : 0;
  };
  const load = (part) => {
    if (isLoaded(part)) return Promise.resolve(part);
    part.loading ??= (async () => {
      busy += 1;
      try {
        const asked = new URLSearchParams({ from: part.first, limit: size() });
        if (box.dataset.kinds) asked.set("kinds", box.dataset.kinds);
        const mine = mark;
        const answer = await fetch(`${box.dataset.url}?${asked}`, { headers: { Accept: "text/html" } });
        const text = await answer.text();
        if (mine !== mark) return part;
        if (!answer.ok) throw new Error(said(text) || `The server answered ${answer.status}.`);
        fill(part, text);
      } catch (error) {
        failed(part, error.message);
      } finally {
        busy -= 1;
        part.loading = null;
        next();
      }
      return part;
    })();
    return part.loading;
  };
  const said = (text) => {
    try {
      const { error, detail } = JSON.parse(text);
      return [error, detail].filter(Boolean).join(". ");
    } catch {
      return "";
    }
  };
  const fill = (part, html) => {
    const made = document.createElement("template");
    made.innerHTML = html; // our own templates', which escape what is not
    const given = made.content.querySelector("section");
    const { element } = part;
    notice();
    element.replaceChildren(...given.childNodes);
    for (const name of ["count", "turn", "next"]) {
      if (given.dataset[name] === undefined) delete element.dataset[name];
      else element.dataset[name] = given.dataset[name];
    }
    part.turn = number(element.dataset.turn) ?? part.turn;
    delete element.dataset.away;
    element.classList.remove("lost");
    element.style.height = "";
    if (total() === null) grow(element);
    again(element);
    hold();
    document.dispatchEvent(new CustomEvent("agnes:dated"));
    letGo();
  };
  const failed = (part, reason) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "btn", textContent: "Try again" });
    button.addEventListener("click", () => load(part));
    const words = document.createElement("p");
    words.append(`These events did not come. ${reason} `, button);
    part.element.classList.add("lost");
    part.element.replaceChildren(words);
  };
  const letGo = () => {
    const loaded = parts.filter(isLoaded);
    if (loaded.length <= KEPT) return;
    const far = loaded.map((part) => [distance(part), part]).sort(([one], [other]) => other - one);
    for (const [away, { element }] of far.slice(0, loaded.length - KEPT)) {
      if (away < NEAR || element.contains(document.activeElement) || held?.element === element || element.contains(held?.element)) continue;
      element.style.height = `${element.getBoundingClientRect().height}px`;
      element.dataset.away = "";
      element.replaceChildren();
    }
  };

  const wanted = new Set();
  const seen = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) wanted.add(target);
      else wanted.delete(target);
    }
    next();
  }, { rootMargin: `${NEAR}px 0px` });
  // The nearest first, and only a few at once: who drags the scroll bar passes many that nobody will read.
  const next = () => {
    if (busy >= AT_ONCE || !box) return;
    const waits = parts.filter((part) => wanted.has(part.element) && !isLoaded(part) && !part.loading && !part.element.classList.contains("lost"));
    const [nearest] = waits.map((part) => [distance(part), part]).sort(([one], [other]) => one - other);
    if (!nearest) return;
    load(nearest[1]);
    next();
  };

  // -- what stays where it is

  const bottom = () => document.documentElement.scrollHeight - innerHeight;
  const hold = () => {
    if (held === END) return scrollTo({ top: bottom(), behavior: "instant" });
    if (!held?.element.isConnected) return;
    const moved = place(held.element) - held.at; // whatever the reader has scrolled meanwhile
    if (Math.abs(moved) < 1) return;
    held.at += moved;
    scrollBy({ top: moved, behavior: "instant" });
  };
  const place = (element) => element.getBoundingClientRect().top + scrollY;
  const holding = (element) => ({ element, at: place(element) });
  const notice = () => {
    if (!box?.isConnected) return;
    if (scrollY > 0 && scrollY >= bottom() - 2) held = END;
    else {
      const { left, width } = box.getBoundingClientRect();
      const found = document.elementFromPoint(left + width / 2, line())?.closest(".event, .events > section");
      held = found && box.contains(found) ? holding(found) : null;
    }
    stood = standing();
  };
  const standing = () => {
    const marked = here === null ? null : element(here);
    if (marked) {
      const { top, bottom } = marked.getBoundingClientRect();
      if (bottom > 0 && top < innerHeight) return here;
    }
    const first = parts[0]?.turn ?? 0;
    if (scrollY === 0) return first;
    const at = held === END ? [...box.querySelectorAll(".event")].at(-1) : held?.element;
    return number(at?.dataset.turn ?? at?.closest("section")?.dataset.turn) ?? first;
  };
  let asked = 0;
  addEventListener("scroll", () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(notice);
  }, { passive: true });
  // What the reader unfolds stays under the pointer, at the end of the page, too.
  document.addEventListener("click", (event) => {
    const element = held === END ? event.target.closest?.(".event, .events > section") : null;
    if (element) held = holding(element);
  }, true);
  // What is unfolded, the pictures that come late.
  const grown = new ResizeObserver(hold);

  // -- going somewhere

  const partOf = (turn) => {
    let found = null;
    for (const part of parts) {
      if (part.turn === null) continue;
      if (part.turn > turn) break;
      found = part;
    }
    return found;
  };
  const element = (turn) => {
    const found = document.getElementById(`t${turn}`);
    return found && box?.contains(found) ? found : null;
  };
  const reach = async (turn) => {
    if (element(turn)) return element(turn);
    if (total() === null && !box.dataset.kinds) {
      for (let first = parts.length * size(); first <= turn; first += size()) add(first, size(), first);
    }
    const part = partOf(turn);
    if (part) {
      await part.loading;
      await load(part);
    }
    return element(turn);
  };
  const again = (within) => {
    const marked = here === null ? null : within.querySelector(`#t${here}`);
    marked?.classList.add("here");
  };
  let going = 0;
  const show = async (turn, { focus = false, mark: marks = true } = {}) => {
    turn = Number(turn);
    if (!box || !Number.isInteger(turn)) return null;
    const mine = ++going;
    goal = turn;
    const part = partOf(turn);
    if (part && !isLoaded(part)) { // seen at once, filled when it comes
      held = null;
      part.element.scrollIntoView({ block: "start", behavior: "instant" });
    }
    const found = await reach(turn);
    if (mine !== going) return found;
    goal = null;
    if (!found) return null;
    for (let fold = found.parentElement?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (marks) {
      for (const old of box.querySelectorAll(".here")) old.classList.remove("here");
      found.classList.add("here");
      here = turn;
    }
    scrollBy({ top: found.getBoundingClientRect().top - line(), behavior: "instant" });
    held = holding(found);
    stood = turn;
    if (focus) found.focus({ preventScroll: true });
    return found;
  };
  const current = () => {
    if (goal === null) notice();
    return goal ?? stood ?? 0;
  };
  agnes.replay = { show, current };

  // -- the page

  const start = () => {
    const now = document.querySelector("[data-events]");
    const what = now ? [now.dataset.url, now.dataset.kinds, now.dataset.total].join(" ") : "";
    if (now && now === box && what === mark) {
      const given = [...now.children]; // a patch has put back what the server knows of, the first section
      if (given.length === parts.length) return;
      const top = scrollY;
      now.replaceChildren(...parts.map((part) => part.element));
      scrollTo({ top, behavior: "instant" });
      hold();
      return;
    }
    const told = location.hash.match(/^#t(\d{1,9})$/)?.[1];
    const at = box && mark ? goal ?? stood ?? number(told) ?? 0 : null;
    seen.disconnect();
    grown.disconnect();
    wanted.clear();
    [box, mark, parts, held, stood] = [now, what, [], null, null];
    if (!now) return;
    build();
    grown.observe(box);
    document.dispatchEvent(new CustomEvent("replay:ready"));
    if (at !== null) nearest(at);
  };
  // Where other kinds are shown than before, the reader stays near the event that they were at.
  const nearest = async (turn) => {
    const part = partOf(turn) ?? parts[0];
    if (!part) return;
    await load(part);
    const turns = [...part.element.querySelectorAll("[data-turn]")].map((one) => Number(one.dataset.turn));
    const after = turns.find((one) => one >= turn) ?? turns.at(-1);
    if (after !== undefined) show(after, { mark: false });
  };

  agnes.shown(start);

  // The rest of a long text, when its reader wants it.
  document.addEventListener("toggle", async (event) => {
    const fold = event.target;
    if (!fold.open || !fold.matches?.("details[data-whole]") || fold.dataset.asked) return;
    fold.dataset.asked = "1";
    const answer = await fetch(fold.dataset.whole).catch(() => null);
    if (!answer?.ok) return; // its link is still there, and says why
    const text = await answer.text();
    const before = fold.previousElementSibling?.matches(".text") ? fold.previousElementSibling : null;
    const begun = before?.textContent ?? "";
    const at = text.indexOf(begun);
    const rest = document.createElement("div");
    rest.className = before?.className ?? "text mono";
    rest.textContent = at < 0 ? text : text.slice(at + begun.length).trimEnd();
    fold.querySelector(".whole").replaceWith(rest);
  }, true);
}
