// The marketplaces: rows by keyboard; who asks to remove one goes on in the answer.
{
  agnes.rows({ row: ".items tbody tr", list: ".items", noun: "item" });
  let open = document.querySelector("[data-opens]")?.dataset.opens;
  agnes.shown(() => {
    const now = document.querySelector("[data-opens]");
    if (now && now.dataset.opens !== open) now.querySelector("button")?.focus();
    open = now?.dataset.opens;
  });
}
