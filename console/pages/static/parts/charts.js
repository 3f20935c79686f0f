// The chart of a tab: a root of the page's Bokeh document that stands at the end of the body when it comes. Here it is put
// into its place in the region, whenever that is drawn anew, dressed in the theme, and its zoom becomes the page's window.
// Says `agnes:chart` with each new figure, for a page that has more to hear from it.
{
  const TAG = "agnes-tokens";
  const DAY = 86400000;
  let chart = null; // the root's element
  let root = null; // and its model
  let names = null; // colour as drawn -> name of the token
  const worn = new WeakMap(); // model -> {property: token}

  const figure = () => root && [...root.references()].find((model) => model.tags?.some((tag) => tag?.[TAG] || tag?.get?.(TAG)));

  const colour = (value) => (typeof value === "string" ? value : typeof value?.value === "string" ? value.value : null);

  // Which tokens a model was drawn with is remembered: in the dark theme its colours are no longer the drawn ones.
  const tokensOf = (model) => {
    if (!worn.has(model)) {
      const found = [];
      for (const property of model) {
        if (!/color$/.test(property.attr)) continue;
        const name = names.get(colour(property.get_value())?.toLowerCase());
        if (name) found.push([property.attr, name, typeof property.get_value() !== "string"]);
      }
      worn.set(model, found);
    }
    return worn.get(model);
  };

  const dress = () => {
    const shown = figure();
    if (!shown) return;
    if (!names) {
      const tag = shown.tags.map((tag) => tag?.[TAG] ?? tag?.get?.(TAG)).find(Boolean);
      const tokens = [...(tag instanceof Map ? tag : Object.entries(tag))].reverse(); // of two with one colour the first
      names = new Map(tokens.map(([name, value]) => [value.toLowerCase(), name]));
    }
    const style = getComputedStyle(document.documentElement);
    for (const model of root.references()) {
      const now = {};
      for (const [property, token, boxed] of tokensOf(model)) {
        const value = style.getPropertyValue(`--${token}`).trim();
        if (value) now[property] = boxed ? { value } : value;
      }
      if (Object.keys(now).length) model.setv(now, { sync: false });
    }
    listen(shown);
    show();
  };

  // The chart of the figures that stood here before says nothing true until its successor comes.
  const show = () => {
    const slot = document.querySelector("[data-chart]");
    chart?.classList.toggle("dressed", !!slot && figure()?.name === slot.dataset.chart);
  };

  // A stretch of the chart becomes the window, in whole seconds; the place in the list and the open event are left.
  const heard = new WeakSet();
  const listen = (shown) => {
    if (heard.has(shown)) return;
    heard.add(shown);
    document.dispatchEvent(new CustomEvent("agnes:chart", { detail: { figure: shown } }));
    shown.on_event("rangesupdate", ({ x0, x1 }) => {
      if (!(x1 - x0 >= 1000)) return;
      const iso = (at) => new Date(Math.round(at / 1000) * 1000).toISOString();
      const asked = new URLSearchParams(location.search);
      for (const name of ["since_minutes", "cursor_ts", "cursor_id", "newer", "offset"]) asked.delete(name);
      asked.set("since", iso(x0));
      asked.set("until", iso(Math.min(x1, Date.now() + DAY)));
      agnes.go(`?${asked}`);
    });
  };

  const place = () => {
    const slot = document.querySelector("[data-chart]");
    if (!chart) return;
    if (!slot) chart.remove();
    else if (chart.parentNode !== slot) slot.append(chart);
    show();
  };

  const found = (element) => {
    chart = element;
    const drawn = window.Bokeh.documents.find((one) => one.roots().some((model) => model.css_classes?.includes("agnes-chart")));
    root = drawn.roots().find((model) => model.css_classes?.includes("agnes-chart"));
    drawn.on_change((event) => {
      if (event.attr === "children") dress();
    });
    dress();
    place();
  };

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) if (node.classList?.contains("agnes-chart")) found(node);
    }
  }).observe(document.body, { childList: true });
  new MutationObserver(() => root && dress()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.addEventListener("agnes:shown", place);
}
