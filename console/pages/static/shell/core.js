// What all scripts of ours share: `agnes`. It loads after the first paint, before everything else.
//   agnes.go(search, push)   show this query of the page; through the websocket when it is up
//   agnes.shown(act)         call `act` now, and after each time regions were patched
//   agnes.key(keys, says, act, also)   a shortcut: "j", "g a", "Ctrl-K"; `says` for the overlay. `act(event)`
//                            answers false where the key is not for it. `also.typing`: while typing, too
//   agnes.shortcuts          all of them, with `everywhere`: declared by the shell, not by a page
//   agnes.toast(text, kind)  a short message; kind "bad" for what failed (shell/toast.js)
//   agnes.kept(name, value)  read, or with a value write, what this browser remembers
//
// Shortcuts of elements are declared where they stand: `data-key="x"` clicks it, or focuses it if it is typed in.
window.agnes = (() => {
  const go = (search, push = true) => {
    const event = new CustomEvent("agnes:go", { detail: { search, push }, cancelable: true });
    if (document.dispatchEvent(event)) location.assign(location.pathname + search);
  };
  const shown = (act) => {
    document.addEventListener("agnes:shown", act);
    act();
  };
  const kept = (name, value) => {
    try {
      if (value === undefined) return localStorage.getItem(`agnes-${name}`);
      if (value === null) localStorage.removeItem(`agnes-${name}`);
      else localStorage.setItem(`agnes-${name}`, value);
    } catch { /* a browser that remembers nothing shows what is there without it */ }
    return value ?? null;
  };
  const shortcuts = [];
  const key = (keys, says, act, also = {}) => {
    const everywhere = Boolean(document.currentScript?.src.includes("/shell.js"));
    shortcuts.push({ keys, says, act, everywhere, ...also });
  };
  const toast = (text) => console.info(text); // until shell/toast.js is there
  return { go, shown, kept, key, shortcuts, toast };
})();
