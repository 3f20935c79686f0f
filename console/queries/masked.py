"""The audit log as somebody sees it who is no admin: other people's rows masked before anything is
searched, filtered, sorted or counted. Else a search would tell what the mask hides.

What is shown is masked by `console.masking`; this says the same to the database, which shows
nothing. Where it cannot say exactly the same it sees less: of a query it knows no word.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import ibis
import ibis.expr.types as ir

from console.masking import SHOWN, SQL_KEYS
from schema.bind import Value, point
from schema.policy import Seen

_SIGN = r"(?:[^\"\\]|\\.)"  # one character of a JSON text, as it is written there
_LONG = rf"(\"{_SIGN}{{{SHOWN - 1}}}){_SIGN}{{2,}}"
_QUERY = rf"\"({'|'.join(sorted(SQL_KEYS))})\":\"{_SIGN}*\""
_UNSURE = rf"\"({'|'.join(sorted(SQL_KEYS))})\":[^\"]"  # queries in a list or in an object


@dataclass(frozen=True)
class SeenMasked(Seen):
    """`Seen` for holders of the grant: all rows, those of others with `resource` and `search` as
    the mask leaves them. Admins, who can reveal a row, keep the plain one and its speed."""

    def shape(self) -> Hashable:
        return ("masked", super().shape(), self.principal.view is None)

    def values(self) -> Mapping[str, Value]:
        me = self.principal
        if me.view is None:
            return {"me": me.user_id}
        return {**super().values(), "by": me.view.by}  # whose rows, and who reads them

    def bound(self, prefix: str) -> Self:
        seen, view = super().bound(prefix), self.principal.view
        if view is None:
            return seen
        view = replace(view, by=point(prefix + "by", view.by))
        return replace(seen, principal=replace(seen.principal, view=view))

    def rows(self) -> ir.Table:
        rows: Any = super().rows()
        own = (rows.user_id == self.principal.reader).fill_null(False)
        short = rows.params.fill_null("").length() <= SHOWN
        plain = short & ~rows.params.fill_null("").contains('"sql') & ~_is_long(rows.resource)
        return rows.mutate(
            resource=ibis.ifelse(own, rows.resource, _cut(rows.resource)),
            search=ibis.ifelse(own | plain, rows.search, _search(rows)),
        )


def _search(rows: Any) -> Any:
    """What `schema.search.search_text` makes, of the masked row."""
    params = rows.params.fill_null("")
    bare = ibis.ifelse(params.contains('"sql'), params.re_replace(_QUERY, ""), params)
    params = ibis.ifelse(params.re_search(_UNSURE), "", bare.re_replace(_LONG, r"\1…"))
    return (rows.action + "\n" + _cut(rows.resource).fill_null("") + "\n" + params).lower()


def _is_long(text: Any) -> Any:
    return (text.length() > SHOWN).fill_null(False)


def _cut(text: Any) -> Any:
    return ibis.ifelse(_is_long(text), text.left(SHOWN - 1) + "…", text)
