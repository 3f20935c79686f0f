"""Saved views: a filter of a page under a name, for the person who saved it and nobody else.

The functions are steps for `Store.write`: they check inside the write, where nothing can race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import ibis
import ibis.expr.types as ir
import orjson

from console.audit import Caller, entry, new_id, now
from console.identity import typed
from console.identity.lookup import Reads, Row, changes, only, where
from schema.bind import Text
from schema.errors import BadParameter, BadRequest, Conflict
from schema.table import rows_of
from schema.tables import USER_OBSERVABILITY_VIEWS as VIEWS
from schema.transaction import Transaction

NAME_LIMIT, PAGE_LIMIT = 80, 80  # characters
QUERY_LIMIT = 64 * 1024  # bytes of a query as JSON
MOST = 100  # views of one person
FIRST_PAGE = "activity"
_SAID = ("id", "page", "name", "query", "is_default")
Step = Callable[[Transaction], Row]


def listing(user_id: str, page: str | None = None) -> ir.Table:
    """Somebody's views, the newest first; of one page, if it is named."""
    rows = where(VIEWS, user_id=user_id, **({} if page is None else {"page": page}))
    return rows.order_by([ibis.desc("created_at"), ibis.desc("id")])


def of_page(user_id: Text, page: Text) -> ir.Table:
    """Somebody's views of one page, as a question that is compiled once for everybody."""
    rows = rows_of(VIEWS)
    return rows.filter(rows.user_id == user_id.text, rows.page == page.text)


def shown(row: Row) -> Row:
    """`{id, page, name, query, is_default, created_at}`, `query` as it was given."""
    query, is_default = orjson.loads(row["query"]), bool(row["is_default"])
    names = ("id", "page", "name", "created_at")
    return {**{name: row[name] for name in names}, "query": query, "is_default": is_default}


def asks(row: Row) -> dict[str, str]:
    """What a view asks of its page, as the parameters of a URL. A view may have been saved over
    the API with any JSON: a text is taken for a URL's query, else for a typed one; a value that is
    no text, number or flag says nothing to a page."""
    query = orjson.loads(row["query"])
    if isinstance(query, str):
        named = dict(parse_qsl(query.removeprefix("?")))
        query = named if named and all(map(str.isidentifier, named)) else {"query": query}
    said = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if isinstance(value, str | int | float)
    }
    return {name: text for name, text in said.items() if text}


def look(id: str, at: datetime) -> Callable[[Transaction], None]:
    """Note that its owner has opened a view by its name. Like a token's last use this is no change
    that anybody made: it stands in no audit row."""

    def step(transaction: Transaction) -> None:
        transaction.update(VIEWS, {"id": id}, {"looked_at": at})

    return step


def save(
    caller: Caller, wanted: Mapping[str, Any], *, replace: bool = True
) -> Callable[[Transaction], tuple[Row, bool]]:
    """Keep `name`, `query`, and, if given, `page` and `is_default`; in place of the view of that
    name and page, if there is one and `replace` is meant. The answer is the row, and whether it is
    a new one. Raises BadParameter, BadRequest for one too many, Conflict for a name that is
    taken."""
    given = {"page": FIRST_PAGE, **_checked(wanted)}
    me = caller.me.user_id

    def step(transaction: Transaction) -> tuple[Row, bool]:
        mine = transaction.read(listing(me))
        same = [row for row in mine if _place(row) == _place(given)]
        if same and not replace:
            raise _taken(same[0]["name"])
        if same:
            return _write(transaction, caller, same[0], given), False
        if len(mine) >= MOST:
            raise BadRequest(
                f"there are {MOST} saved views already, which is the most",
                detail="Delete one, or save under the name of one.",
            )
        new = {"id": new_id(), "user_id": me, "created_at": now()}
        new |= {"is_default": False, "looked_at": None}
        return _write(transaction, caller, None, {**new, **given}), True

    return step


def update(caller: Caller, id: str, wanted: Mapping[str, Any]) -> Step:
    """Set what is `wanted` of name, query, is_default. Raises NotFound, also for somebody else's
    view, BadParameter, and Conflict for a name that another view of the page has."""
    given = _checked(wanted)

    def step(transaction: Transaction) -> Row:
        before = _mine(transaction, caller, id)
        after = {**before, **given}
        for row in transaction.read(listing(caller.me.user_id)):
            if row["id"] != id and _place(row) == _place(after):
                raise _taken(row["name"])
        return _write(transaction, caller, before, given)

    return step


def delete(caller: Caller, id: str) -> Callable[[Transaction], None]:
    """Raises NotFound, also for somebody else's view."""

    def step(transaction: Transaction) -> None:
        before = _mine(transaction, caller, id)
        transaction.delete(VIEWS, {"id": id})
        params = {"id": id, "page": before["page"], "name": before["name"]}
        transaction.insert(
            entry(caller, "views.delete", resource=f"view:{id}", params=params, before=before)
        )

    return step


def _write(transaction: Transaction, caller: Caller, before: Row | None, given: Row) -> Row:
    """Write the view that `given` makes of the one `before`, with its audit row. A page has one
    default at most."""
    row = {**(before or {}), **given}
    if before is not None and not changes(before, given):
        return shown(row)
    if row["is_default"]:
        place = {"user_id": row["user_id"], "page": row["page"]}
        transaction.update(VIEWS, place, {"is_default": False})
    transaction.put(VIEWS, row)
    params = {name: row[name] for name in _SAID}
    transaction.insert(
        entry(caller, "views.save", resource=f"view:{row['id']}", params=params, before=before)
    )
    return shown(row)


def _taken(name: str) -> Conflict:
    return Conflict(
        f"a view with the name {name} exists already",
        detail="Use another name, or delete that view.",
    )


def _mine(reads: Reads, caller: Caller, id: str) -> Row:
    return only(reads.read(where(VIEWS, id=id, user_id=caller.me.user_id)), "view", id)


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["page"], row["name"]


def _checked(wanted: Mapping[str, Any]) -> Row:
    """`wanted` as it is stored. Raises BadParameter."""
    given = dict(wanted)
    for name, limit in (("name", NAME_LIMIT), ("page", PAGE_LIMIT)):
        if name in given:
            given[name] = typed.label(name, given[name], limit)
    if "query" in given:
        text = orjson.dumps(given["query"])
        if len(text) > QUERY_LIMIT:
            short = f"{len(text)} bytes"
            raise BadParameter("query", short, f"at most {QUERY_LIMIT // 1024} KiB as JSON")
        given["query"] = text.decode()
    return given
