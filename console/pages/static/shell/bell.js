// The bell: how many messages the reader has not read, and a menu with the latest. It asks when it is opened, when the
// reader comes back to the page, and once a minute while they look at it; never twice within five seconds by itself.
{
  const EVERY = 60_000, APART = 5_000; // milliseconds
  const bell = document.getElementById("bell");
  const form = document.getElementById("bell-act");
  const sheet = bell?.querySelector(".sheet");
  const count = bell?.querySelector(".count");
  const said = document.getElementById("bell-said");
  const hidden = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: " not read" });
  let asked = Date.now(); // what the page came with was true then
  let asking = null;

  const show = (unread) => {
    const before = Number(count.dataset.unread);
    count.dataset.unread = unread;
    count.hidden = unread === 0;
    count.replaceChildren(unread < 100 ? String(unread) : "99+", hidden);
    const more = unread - before;
    said.textContent = more > 0 ? `${more} new notification${more === 1 ? "" : "s"}` : "";
  };
  const ask = async (apart) => {
    if (asking || Date.now() - asked < apart) return asking;
    asked = Date.now();
    asking = fetch("/me/notifications/latest").catch(() => null);
    const answer = await asking;
    const html = answer?.ok && answer.headers.get("Content-Type")?.startsWith("text/plain") ? await answer.text() : null;
    asking = null;
    if (html === null) return; // the connection's own banner says what there is to say
    agnes.patch(sheet, html, { fresh: false });
    document.dispatchEvent(new CustomEvent("agnes:dated"));
    show(Number(sheet.querySelector("[data-unread]")?.dataset.unread ?? 0));
  };
  // Once, as soon as so much time is over since it asked last: what has changed meanwhile must not be missed.
  let later = null;
  const soon = (apart) => {
    clearTimeout(later);
    later = setTimeout(() => (asking ? soon(apart) : ask(0)), Math.max(0, apart - (Date.now() - asked)));
  };
  const send = (body, keepalive = false) => fetch(form.action, {
    method: "POST", body: new URLSearchParams([["_xsrf", form.elements._xsrf.value], ...body]), headers: { Accept: "text/x-notice" }, keepalive,
  });

  if (bell) {
    bell.addEventListener("toggle", () => bell.open && ask(0));
    addEventListener("focus", () => ask(APART));
    document.addEventListener("visibilitychange", () => document.hidden || ask(APART));
    setInterval(() => document.hidden || ask(EVERY - APART), EVERY);
    // The page has marked some as read, or shows what the bell does not know yet.
    document.addEventListener("agnes:shown", () => location.pathname === "/me/notifications" && soon(1000));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { name, value } = event.submitter;
      try {
        const answer = await send([[name, value]]);
        if (!answer.ok) agnes.toast("That was refused. Load the page again and try once more.", "bad");
      } catch {
        agnes.toast("The server did not answer. Try again in a moment.", "bad");
      }
      await ask(0);
      (sheet.querySelector("button, a[href]") ?? bell.querySelector("summary")).focus();
    });
    // Who follows a message has read it.
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[data-notice]");
      if (link?.dataset.notice) send([["read", link.dataset.notice]], true).catch(() => null);
    });
  }
}
