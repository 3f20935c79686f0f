"""What a button has just done, as a sentence: its event in the log, whether it can be undone, and
where the object's other changes stand. The address names the event, so that it needs no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console import activity, diffs, links
from console.activity import Reader, Row
from console.audit import Caller
from console.changes.undoing import ROLLBACK, ROLLBACKS, parsed
from console.pages.access.reading import Reading
from console.queries.audit_filter import AuditFilter, Term
from schema.errors import NotFound

_OF_MANY = ("token.revoke", "user.deactivate")  # what is done with all that are ticked
_BY_HAND = "It cannot be undone from here; change it back by hand."
_FINAL = {
    "token.revoke": "It cannot be undone: make a new token.",
    "token.create": "It cannot be undone, but revoked.",
    "user.deactivate": "It can be activated again; what was ended stays ended.",
    "user.create": "It cannot be undone, but deactivated.",
    "user.sign_in_link": "It works once, for 15 minutes.",
    "auth.logout": "It cannot be undone: they sign in again.",
}


@dataclass(frozen=True)
class Done:
    """`undo`: the id of an event that can be undone now, else `why_not`. `log`: where the object's
    changes stand."""

    text: str
    log: str
    undo: str = ""
    why_not: str = ""


def read(reading: Reading[Any]) -> Done | None:
    """None where nothing was done, or its event is gone."""
    return of_event(reading.reader, reading.caller, reading.state.done)


def of_event(reader: Reader, caller: Caller, id: str) -> Done | None:
    if not id:
        return None
    try:
        row = activity.raw(reader, id)
    except NotFound:
        return None
    action, text = row["action"], sentence(reader, row) + _others(reader, row)
    log = links.changes_of(row["resource"] or "")
    if action in ROLLBACKS or action == ROLLBACK:
        barred = diffs.barred(reader, caller, row)
        if barred is None:
            return Done(text, log, undo=id)
        return Done(text, log, why_not=f"{barred.message[:1].upper()}{barred.message[1:]}.")
    return Done(text, log, why_not=_FINAL.get(action, _BY_HAND))


def _others(reader: Reader, row: Row) -> str:
    """How many more the same button did."""
    if row["action"] not in _OF_MANY:
        return ""
    terms = (
        Term("correlation_id", (row["correlation_id"],)),
        Term("action_in", (row["action"],)),
    )
    near = timedelta(minutes=1)
    at = row["timestamp"]
    filter = AuditFilter(since=at - near, until=at + near, terms=terms)
    others = activity.kpis(reader, filter)["events_total"] - 1
    return f" And {others:,} more." if others > 0 else ""


def sentence(reader: Reader, row: Row) -> str:
    """What this event did, in words."""
    params = parsed(row["params"])
    tell = _TOLD.get(row["action"])
    return tell(reader, params, row) if tell else f"Done: {row['action']}."


def _who(reader: Reader, id: Any) -> str:
    person = reader.instance.people.get(id if isinstance(id, str) else None)
    return person.email if person else "somebody"


def _what(params: Mapping[str, Any]) -> str:
    id = params.get("resource_id")
    return f"{params.get('resource_type')} {id}" if id else f"{params.get('resource_type')}"


def _updated(reader: Reader, params: Row, row: Row) -> str:
    changed = [str(name) for name in params.get("changed") or ()]
    if changed == ["is_active"]:
        return f"{params.get('email')} may sign in again."
    named = ", ".join(_FIELDS.get(name, name) for name in changed)
    return f"{params.get('email')}: {named or 'nothing'} changed."


def _deactivated(reader: Reader, params: Row, row: Row) -> str:
    ended = params.get("ended") or {}
    parts = [f"{ended.get(name, 0)} {name}" for name in ("sessions", "tokens")]
    return f"{params.get('email')} is deactivated; {' and '.join(parts)} were ended."


def _logged_out(reader: Reader, params: Row, row: Row) -> str:
    return f"A browser of {_who(reader, (row['resource'] or '').partition(':')[2])} is signed out."


def _link_made(reader: Reader, params: Row, row: Row) -> str:
    return f"A sign-in link for {_who(reader, params.get('user_id'))} was made."


def _undone(reader: Reader, params: Row, row: Row) -> str:
    return f"{params.get('action')} was undone."


_FIELDS = {"is_admin": "admin", "is_active": "active", "email": "e-mail", "oidc_subject": "SSO"}
_TOLD: Mapping[str, Callable[[Reader, Row, Row], str]] = {
    "user.create": lambda reader, params, row: f"{params.get('email')} was added.",
    "user.update": _updated,
    "user.deactivate": _deactivated,
    "user.sign_in_link": _link_made,
    "auth.logout": _logged_out,
    "user_groups.create": lambda r, params, row: f"The group {params.get('name')} was made.",
    "user_groups.update": lambda r, params, row: f"The group {params.get('name')} was changed.",
    "user_groups.delete": lambda r, params, row: (
        f"The group {params.get('name')} was deleted, with {params.get('members')} memberships "
        f"and {params.get('grants')} grants."
    ),
    "user_group_members.add": lambda r, params, row: (
        f"{params.get('email')} is in {params.get('group_name')}."
    ),
    "user_group_members.remove": lambda r, params, row: (
        f"{params.get('email')} is no longer in {params.get('group_name')}."
    ),
    "resource_grants.add": lambda r, params, row: (
        f"{params.get('group_name')} may open {_what(params)}."
    ),
    "resource_grants.remove": lambda r, params, row: (
        f"{params.get('group_name')} may no longer open {_what(params)}."
    ),
    "token.create": lambda r, params, row: f"The token {params.get('name')} was made.",
    "token.update": lambda r, params, row: f"The token is called {params.get('name')} now.",
    "token.revoke": lambda r, params, row: f"The token {params.get('name')} works no more.",
    ROLLBACK: _undone,
}
