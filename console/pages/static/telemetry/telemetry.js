// The Telemetry page: the keyboard walks the rows of its table.
{
  const rows = () => [...document.querySelectorAll(":is(.groups, .people) tbody .pick")];
  const step = (by) => () => {
    const all = rows();
    if (!all.length) return false;
    const at = all.indexOf(document.activeElement?.closest?.("tr")?.querySelector(".pick"));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  agnes.key("j", "Next row", step(1));
  agnes.key("k", "Previous row", step(-1));
  const turn = (rel) => () => {
    const link = document.querySelector(`.pager a[rel=${rel}]`);
    if (!link) return false;
    link.click();
  };
  agnes.key("]", "Next page", turn("next"));
  agnes.key("[", "Previous page", turn("prev"));
}
