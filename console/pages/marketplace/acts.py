"""What the forms of `/admin/marketplace` do, with scripts and without: an import is tried first,
and says what it would change. What happens is decided by `console.marketplaces`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

import orjson

from console import marketplaces
from console.audit import cut
from console.handler import text_of
from console.identity.rights import ADMIN, Right
from console.pages.act import Act
from console.pages.render import render
from ingest.marketplace import Item, listed, named, plain, sourced
from schema.errors import BadParameter, BadRequest

PATH = "/admin/marketplace"
HERE = f"{PATH}?tab=marketplaces"
_ALL = "*"
_ACTS = ("try", "import", "try_refresh", "refresh", "remove")
_FIELDS = ("name", "source", "listing")


class MarketActs(Act):
    """`try` and `import` take `name`, `source` and a file, or what a file held as `listing`; the
    others name a marketplace, `*` for all that are to be refreshed."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"POST": "marketplace.import"}

    async def prepare(self) -> None:
        self._given: dict[str, str] = {}
        for name, texts in self.request.body_arguments.items():
            if len(texts) > 1:
                raise BadParameter(name, f"{len(texts)} values", "give it once")
            self._given[name] = text_of(name, texts[0])
        named_by = [name for name in _ACTS[2:] if self._given.get(name)]
        about = self._given[named_by[0]] if named_by else self._given.get("name", "")
        self.about = f"marketplace:{cut(about, 64)}"
        await super().prepare()

    async def post(self) -> None:
        for name in self._given:
            if name not in ("_xsrf", *_FIELDS, *_ACTS):
                raise BadParameter.unknown(name, (*_FIELDS, *_ACTS), what="field")
        does: dict[str, Callable[[], Awaitable[None]]] = {
            "try": self._try,
            "import": self._import,
            "try_refresh": self._try_refresh,
            "refresh": self._refresh,
            "remove": self._remove,
        }
        match [name for name in _ACTS if self._given.get(name)]:
            case [act]:
                await does[act]()
            case _:
                raise BadRequest(
                    "the form asks for nothing", detail=f"Give one of {', '.join(_ACTS)}."
                )

    async def _try(self) -> None:
        name, source, items = await self._listing()
        told = await marketplaces.import_(
            self.instance, self.caller, name, source, items, dry_run=True
        )
        listing = orjson.dumps({"items": plain(items)}).decode()
        self._show([told], name=name, source=source, listing=listing)

    async def _import(self) -> None:
        name, source, items = await self._listing()
        told = await marketplaces.import_(self.instance, self.caller, name, source, items)
        self._done(f"{name} has {told['items']:,} items now; {_anew(told)}.")

    async def _try_refresh(self) -> None:
        told = await marketplaces.refresh(
            self.instance, self.caller, self._one("try_refresh"), dry_run=True
        )
        self._show(told, refresh=self._given["try_refresh"])

    async def _refresh(self) -> None:
        told = await marketplaces.refresh(self.instance, self.caller, self._one("refresh"))
        self._done("; ".join(f"{row['marketplace']}: {_anew(row)}" for row in told) + ".")

    async def _remove(self) -> None:
        name = self._given["remove"]
        told = await marketplaces.import_(self.instance, self.caller, name, "", ())
        self._done(f"{name} was removed, {told['removed']:,} items; {_anew(told)}.")

    async def _listing(self) -> tuple[str, str, list[Item]]:
        """Raises BadParameter, BadRequest for a file that is no listing."""
        name = named(self._given.get("name", ""))
        source = sourced(self._given.get("source", ""))
        files = self.request.files.get("file", [])
        sent = files[0]["body"] if files and files[0]["body"] else b""
        content = sent or self._given.get("listing", "").encode()
        if not content.strip():
            raise BadParameter("file", "", "a JSON listing, or a marketplace.json")
        called = files[0]["filename"] if sent else "the listing"
        items = await self.instance.store.offload(listed, content, cut(called, 80))
        return name, source, items

    def _one(self, act: str) -> str | None:
        given = self._given[act]
        return None if given == _ALL else given

    def _show(self, rows: list[dict[str, Any]], **found: Any) -> None:
        """What it would change: a part of the page, or a page of its own."""
        part = "marketplace/tried.html"
        xsrf = "" if self.is_live else self.xsrf_token.decode()
        context = {"name": "", "source": "", "listing": "", "refresh": "", **found}
        template = part if self.is_live else "marketplace/alone.html"
        shown = render(
            template, rows=rows, live=self.is_live, action=self.request.path, xsrf=xsrf, **context
        )
        self.answer(shown)

    def _done(self, text: str) -> None:
        if self.is_live:
            self.answer(self.said(text))
        else:
            self.lead(HERE)


def _anew(told: Mapping[str, Any]) -> str:
    return f"{told['changed_events']:,} calls attributed anew, {len(told['days']):,} days counted"


ROUTES: list[Any] = [(rf"{PATH}/act", MarketActs)]
