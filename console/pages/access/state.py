"""What the reader of a page of users & access has chosen. All of it lives in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from console.pages.state import ListState
from schema.errors import BadParameter

# Of one step, no part of what the page shows: which form is open, what a button has just done.
STEP = ("do", "done")


class AccessState(ListState):
    """`do`: the form that is open; `done`: the event of what the reader has just done."""

    filters: ClassVar[Sequence[str]] = ("q",)
    more: ClassVar[Sequence[str]] = STEP
    forms: ClassVar[Sequence[str]] = ()
    choices: ClassVar[Sequence[str]] = ()  # what `only` may be
    sorts: ClassVar[Sequence[str]] = ()
    plain: ClassVar[str] = ""  # how it is sorted without a word

    @classmethod
    def of(cls, query: str) -> Self:
        """Raises BadParameter, also for a form, a filter or an order that there is not."""
        state = super().of(query)
        for name, text, allowed in (
            ("do", state.do, cls.forms),
            ("only", state.only, cls.choices),
            ("sort", state.sort.removesuffix(":asc").removesuffix(":desc"), cls.sorts),
        ):
            if text and text not in allowed:
                raise BadParameter(name, text, "one of " + ", ".join(allowed))
        return state

    @property
    def asks(self) -> dict[str, str]:
        return {name: text for name, text in super().asks.items() if name not in STEP}

    @property
    def do(self) -> str:
        return str(self.rest.get("do", ""))

    @property
    def done(self) -> str:
        return str(self.rest.get("done", ""))

    @property
    def q(self) -> str:
        return str(self.given.get("q", ""))

    @property
    def only(self) -> str:
        return str(self.given.get("only", ""))

    @property
    def order(self) -> tuple[str, bool]:
        """By what it is sorted, and whether the most comes first."""
        by, _, direction = (self.sort or self.plain).partition(":")
        return by, direction == "desc"

    @property
    def is_narrowed(self) -> bool:
        return bool(self.given)


class UsersState(AccessState):
    filters = ("q", "only", "group")
    choices = ("active", "admin", "deactivated", "never", "alone")
    forms = ("create",)
    sorts = ("name", "account", "groups", "seen", "sessions", "tokens", "created")
    plain = "name:asc"

    @property
    def group(self) -> str:
        return str(self.given.get("group", ""))


class GroupsState(AccessState):
    """`group`: the one that is open, by its id."""

    forms = ("create", "change", "delete")
    sorts = ("name", "members", "grants", "created")
    plain = "name:asc"
    more = ("group", *STEP)

    @property
    def group(self) -> str:
        return str(self.rest.get("group", ""))

    def at(self, group: str | None) -> str:
        """The query that opens this group, or the list."""
        return self.url(group=group)


class MatrixState(AccessState):
    """`groups`: words of the groups that are shown; `resource`: the one that is open; `person`:
    words of whoever's rights are asked for."""

    filters = ("q", "only", "groups")
    choices = ("surface", "table", "granted", "nobody")
    more = ("resource", "person", *STEP)

    @property
    def groups(self) -> str:
        return str(self.given.get("groups", ""))

    @property
    def resource(self) -> str:
        return str(self.rest.get("resource", ""))

    @property
    def person(self) -> str:
        return str(self.rest.get("person", ""))

    def at(self, resource: str | None) -> str:
        return self.url(resource=resource, person=None)


class TokensState(AccessState):
    """`user_id`: whose tokens."""

    filters = ("q", "only", "user_id")
    choices = ("live", "expired", "revoked", "unused")
    forms = ("create",)
    sorts = ("owner", "name", "kind", "created", "expires", "used", "state")
    plain = "created:desc"

    @property
    def user_id(self) -> str:
        return str(self.given.get("user_id", ""))
