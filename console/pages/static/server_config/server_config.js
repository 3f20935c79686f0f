// The settings: who opens one goes on in its field.
{
  const opens = () => document.querySelector(".tried") ?? document.querySelector("[data-opens]");
  let open = opens()?.dataset.opens;
  agnes.shown(() => {
    const now = opens();
    if (now && now.dataset.opens !== open) (now.matches(".tried") ? now : now.querySelector("input, select, a"))?.focus();
    open = now?.dataset.opens;
  });
}
