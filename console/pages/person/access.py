"""What they may open and why, their groups, tokens and browsers, and their account itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console import activity, effective, links
from console.effective import Path
from console.identity import tokens
from console.identity.lookup import Row
from console.pages.access import done as access_done
from console.pages.access.done import Done
from console.pages.access.tokens import Form, Token, dressed
from console.pages.person.reading import Reading
from console.pages.person.state import UserState
from console.queries import people
from schema.bind import At, Text

TOKENS = 50  # that are shown here


@dataclass(frozen=True)
class Access:
    """`groups`: theirs; `others`: those they could be put into. `tokens`: at most 50 of `size`.
    `is_last_admin`: they can be neither deactivated nor made no admin. `log`: their changes."""

    row: Row
    groups: Sequence[Row]
    others: Sequence[Row]
    paths: Sequence[Path]
    tokens: Sequence[Token]
    size: int
    live: int
    browsers: Sequence[Row]
    is_last_admin: bool
    is_self: bool
    log: str
    form: Form


def read(reading: Reading) -> Access:
    store, id = reading.reader.instance.store, reading.owner
    access = effective.read(store)
    mine = set(access.members.get(id, ()))
    held = [dressed(row, reading.at) for row in store.read(tokens.listing(owner=id)).to_pylist()]
    row = access.people[id]
    return Access(
        row=row,
        groups=[group for group in access.groups if group["id"] in mine],
        others=[group for group in access.groups if group["id"] not in mine],
        paths=access.of_person(id),
        tokens=held[:TOKENS],
        size=len(held),
        live=sum(one.state == "live" for one in held),
        browsers=store.rows(people.signed_in, Text(id), At(reading.at)),
        is_last_admin=[admin["id"] for admin in access.admins] == [id],
        is_self=reading.caller.me.user_id == id,
        log=links.changes_of(f"user:{id}"),
        form=Form(()),
    )


def done(reading: Reading) -> Done | None:
    """What a button of theirs has just done."""
    if not isinstance(reading.state, UserState) or not reading.state.done:
        return None
    reader = activity.Reader(reading.reader.instance, reading.reader.principal)
    return access_done.of_event(reader, reading.caller, reading.state.done)
