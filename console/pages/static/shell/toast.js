// Short messages in the corner: at most three, gone after five seconds unless somebody is at them; errors stay.
{
  const MOST = 3;
  const STAY = 5000; // milliseconds
  const place = document.getElementById("toasts");

  const toast = (said, kind = "") => {
    const one = document.createElement("div");
    one.className = `toast ${kind}`;
    const text = document.createElement("div");
    text.append(said); // a text, or nodes that the server rendered; never parsed here
    const close = Object.assign(document.createElement("button"), { type: "button", className: "x", textContent: "×", ariaLabel: "Dismiss" });
    one.append(text, close);
    let clock = null;
    const gone = () => {
      clearTimeout(clock);
      one.remove();
    };
    const start = () => {
      clearTimeout(clock);
      if (kind !== "bad" && !one.matches(":hover, :focus-within")) clock = setTimeout(gone, STAY);
    };
    close.addEventListener("click", gone);
    for (const at of ["pointerenter", "focusin"]) one.addEventListener(at, () => clearTimeout(clock));
    for (const at of ["pointerleave", "focusout"]) one.addEventListener(at, () => setTimeout(start));
    place.append(one);
    while (place.children.length > MOST) (place.querySelector(".toast:not(.bad)") ?? place.firstChild).remove();
    start();
    return one;
  };
  agnes.toast = toast;
}
