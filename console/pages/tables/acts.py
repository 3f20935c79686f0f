"""What the forms of `/admin/tables` do: one address, with scripts and without.

With scripts a refusal comes back as the words beside a field, and what was done as a sentence with
the address to go to; without them it is a page, or the way back. What happens is decided by
`console.tables.registered`, `console.identity.grants` and `console.changes.rollback`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from console.audit import cut
from console.changes.rollback import rollback
from console.handler import text_of
from console.identity import grants
from console.identity.lookup import where_id
from console.identity.rights import ADMIN, Right
from console.pages.act import Act
from console.pages.render import error_page, render
from console.pages.tables.state import TablesState
from console.queries.registered import listing
from console.reveal import LONGEST
from console.tables import registered
from console.tables.registered import File
from console.tables.synced_now import sync_now
from schema.errors import AgnesError, BadParameter, BadRequest, Conflict

PATH = "/admin/tables"
_ACTIONS = {
    "register": "registry.create",
    "change": "registry.update",
    "describe": "registry.update",
    "remove": "registry.delete",
    "sync": "sync.trigger",
    "grant": "resource_grants.add",
    "ungrant": "resource_grants.remove",
    "undo": "audit.rollback",
}
# What the forms of a source have, beside its name and what it holds.
_OF_SOURCE = {
    "local": ("location",),
    "files": ("location", "format", "sync_mode", "schedule"),
    "url": ("location", "format", "sync_mode", "schedule"),
    "sql": ("connection", "statement", "query_mode", "sync_mode", "cursor_column", "schedule"),
}
_EVERY = tuple(dict.fromkeys(name for names in _OF_SOURCE.values() for name in names))
_FIELDS = (
    *("name", "source_type", "description", "bucket", "table", "group_id", "reason"),
    *_EVERY,
)
_MEANS = "means."  # and the name of a column


class TableActs(Act):
    """A button's name says what is done, its value to which table, grant or event; `table` is the
    id of the table whose page it stands on."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}

    async def prepare(self) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self._acts: list[str] = []
        self._given: dict[str, str] = {}
        for name, texts in self.request.body_arguments.items():
            if len(texts) > 1:
                raise BadParameter(name, f"{len(texts)} values", "give it once")
            self._given[name] = text_of(name, texts[0]).strip()
        self._acts = [name for name in _ACTIONS if self._given.get(name)]
        if self._acts:
            self.refused_as(_ACTIONS[self._acts[0]])
            table = self._given.get("table") or self._given.get("name", "")
            self.about = f"table:{cut(table, 64)}"
        await super().prepare()

    async def post(self) -> None:
        for name in self._given:
            if name not in ("_xsrf", *_FIELDS, *_ACTIONS) and not name.startswith(_MEANS):
                raise BadParameter.unknown(name, _FIELDS, what="field")
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "register": self._register,
            "change": self._change,
            "describe": self._describe,
            "remove": self._remove,
            "sync": self._sync,
            "grant": self._grant,
            "ungrant": self._ungrant,
            "undo": self._undo,
        }
        match self._acts:
            case [act]:
                await acts[act]()
            case _:
                raise BadRequest(
                    "the form asks for nothing", detail=f"Give one of {', '.join(acts)}."
                )

    # -- what they do

    async def _register(self) -> None:
        source = self._given.get("source_type") or registered.LOCAL
        if source not in _OF_SOURCE:
            raise BadParameter("source_type", source, ", ".join(_OF_SOURCE))
        names = ("name", "description", *_OF_SOURCE[source])
        given = {name: self._given.get(name, "") for name in names}
        given = {name: text for name, text in given.items() if text or name == "name"}
        given["source_type"] = source
        file = await self._looked_at(given, None)
        try:
            step = registered.register(self.caller, given, file, self.instance.settings)
            row = await self._written(step)
        except BadParameter as error:
            if error.name != "id":
                raise
            raise Conflict(
                f"{given['name']} is the name or the id of another registered table",
                detail="Use another name.",
            ) from None
        syncs = source != registered.LOCAL and row["query_mode"] != "remote"
        then = "Sync it, and admins may read it." if syncs else "Admins may read it."
        self._done(f"{row['name']} is registered. {then}", row["id"])

    async def _change(self) -> None:
        """With the same location, its columns are read anew."""
        names = ("name", "description", "bucket", *_EVERY)
        given = {name: self._given[name] for name in names if name in self._given}
        store = self.instance.store
        rows = await store.offload(store.read, where_id(listing(), self._table))
        file = await self._looked_at(given, next(iter(rows.to_pylist()), None))
        settings = self.instance.settings
        step = registered.change(self.caller, self._table, given, file, settings)
        row = await self._written(step)
        self._done(f"{row['name']} was changed.", row["id"])

    async def _describe(self) -> None:
        meanings = {
            name.removeprefix(_MEANS): text
            for name, text in self._given.items()
            if name.startswith(_MEANS)
        }
        given = {"meanings": meanings}
        row = await self._written(registered.change(self.caller, self._table, given, None))
        self._done(f"What the columns of {row['name']} mean was saved.", row["id"])

    async def _remove(self) -> None:
        id = self._table
        await self._written(registered.remove(self.caller, id))
        self._done(f"{id} is not registered any more. Its source stays as it is.", id)

    async def _sync(self) -> None:
        id = self._table
        (one,) = await sync_now(self.instance, self.caller, [id])
        took = f"{one.duration_ms / 1000:.1f} s"
        if one.status == "error":
            self._done(f"{id} could not be synced: {one.error}", id)
        elif one.status == "unchanged":
            self._done(f"{id} is as it was at its source.", id)
        else:
            self._done(f"{id} was synced: {one.rows:,} rows in {took}.", id)

    async def _grant(self) -> None:
        if not self._given.get("group_id"):
            raise BadParameter("group_id", "", "choose a group")
        wanted = {"group_id": self._given["group_id"], "resource_id": self._table}
        row = await self._written(grants.create(self.caller, resource_type="table", **wanted))
        self._done(f"{row['group_name']} may read {self._table}.", self._table)

    async def _ungrant(self) -> None:
        await self._written(grants.remove(self.caller, self._given["ungrant"]))
        self._done("The grant was taken back.", self._table)

    async def _undo(self) -> None:
        reason = self._given.get("reason", "")
        if len(reason) > LONGEST:
            raise BadParameter("reason", reason, f"at most {LONGEST} characters")
        step = rollback(self.caller, self._given["undo"], reason=reason or None)
        await self._written(step)
        self._done("The change was undone.", self._table)

    # -- what they share

    @property
    def _table(self) -> str:
        if not self._given.get("table"):
            raise BadParameter("table", "", "the id of a registered table")
        return self._given["table"]

    async def _looked_at(self, given: Mapping[str, Any], there: Any) -> File | None:
        if given.get("source_type") == registered.LOCAL and not given.get("location"):
            raise BadParameter("location", "", "the path of a CSV or Parquet file")
        work = registered.looked_at
        return await self.instance.store.offload(work, self.instance.settings, given, there)

    async def _written(self, step: Any) -> Any:
        return await self.instance.store.awrite(step)

    def _done(self, text: str, table: str) -> None:
        to = PATH + TablesState().at(table)
        if not self.is_live:
            self.lead(to)
            return
        self.set_header("Content-Location", to)
        self.answer(text)

    def show_error(self, error: AgnesError) -> None:
        """With scripts beside the field that it is about."""
        field = error.name if isinstance(error, BadParameter) else ""
        if isinstance(error, Conflict) and {"register", "change"} & {*self._acts}:
            field = "name"
        self.answer(
            render("tables/refused.html", error=error, field=field)
            if self.is_live
            else error_page(error, self.caller.principal)
        )


ROUTES: list[Any] = [(rf"{PATH}/act", TableActs)]
