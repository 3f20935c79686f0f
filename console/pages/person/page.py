"""A person's page: what its parts are, whose it is, and what its address asks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import unquote

from console import person_activity
from console import sessions as console_sessions
from console.audit import Caller, cut, now
from console.identity.rights import ADMIN, SIGNED_IN, Right
from console.instance import Instance
from console.pages import time_range
from console.pages.parts import Part, PartsPage
from console.pages.person import access, activity, cards, looks, sessions, who
from console.pages.person.reading import Reading
from console.pages.person.state import MONTH, MyState, PersonState, UserState
from console.sessions import READ, Reader
from schema.errors import NotFound

_WINDOW = ("since_minutes", "since", "until")


@dataclass(frozen=True)
class Body:
    """What stands under a tab: a function that reads and a template `person/bodies/<tab>.html`."""

    title: str
    read: Callable[[Reading], Any]


BODIES: Mapping[str, Body] = {
    "sessions": Body("Sessions", sessions.read),
    "activity": Body("Activity", activity.read),
    "access": Body("Access", access.read),
    "looks": Body("Who opened them", looks.read),
}


def tabs(reading: Reading) -> dict[str, Body]:
    return {name: BODIES[name] for name in reading.state.tabs}


def body(reading: Reading) -> Any:
    return BODIES[reading.state.tab].read(reading)


class PersonPage(PartsPage[Reading]):
    """`owner` is whose page it is; `own`: the reader's."""

    template = "person.html"
    folder = "person"
    ranged = True
    own: bool
    state: type[PersonState]
    parts: Sequence[Part[Reading]] = (
        Part("range", time_range.read, alone=True, template="parts/range.html"),
        Part("done", access.done, template="access/done.html"),
        Part("who", who.read, alone=True),
        Part("cards", cards.read),
        Part("tabs", tabs, alone=True),
        Part("body", body),
    )
    styles: Sequence[str] = (
        "parts/cards.css",
        "parts/verdicts.css",
        "sessions/list.css",
        "person/person.css",
    )
    scripts: Sequence[str] = ("parts/rows.js", "person/list.js")

    @abstractmethod
    def owner(self, caller: Caller) -> str:
        """A user's id."""

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        principal = caller.me.as_anybody() if self.own else caller.me
        reader = Reader(instance, principal)
        return Reading(reader, caller, self.owner(caller), self.own, self.state(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=self.state.of(query))

    async def filtered(self, reading: Reading) -> Reading:
        given = dict(reading.state.given)
        if not any(name in given for name in _WINDOW):
            given["since_minutes"] = MONTH
        filter = console_sessions.filter_of({**given, "user_id": reading.owner}, now=reading.at)
        look = partial(console_sessions.looked_up, reading.reader, filter)
        return replace(reading, filter=await reading.reader.instance.store.offload(look))


class UserPage(PersonPage):
    """`/admin/users/<id>`. Reads what the API under the same address reads."""

    path = r"/admin/users/[A-Za-z0-9._-]+"
    title = "User"
    about = ""
    right: Right = ADMIN
    own = False
    state = UserState
    template = "user.html"
    under = "/admin/users"  # its entry in the menu
    styles = (*PersonPage.styles, "access/access.css")
    scripts = (*PersonPage.scripts, "access/acts.js")

    def at(self, path: str) -> UserPage:
        one = UserPage()
        one.path = path
        return one

    def owner(self, caller: Caller) -> str:
        return unquote(self.path.rpartition("/")[2])

    async def opened(self, instance: Instance, caller: Caller, query: str) -> str:
        """Raises NotFound. The page is called as the person is."""
        id = self.owner(caller)
        person = await instance.store.offload(instance.people.get, id)
        if person is None:
            raise NotFound(f"no user {cut(id, 80)}", detail="Names in lists lead to their people.")
        self.title, self.about = person.label, person.email if person.name else ""
        return query

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        instance, given = reading.reader.instance, reading.state.given
        params = {"endpoint": "user", "user_id": reading.owner, **given}
        rows = [instance.was_read(reading.caller, READ, params)]
        if reading.state.tab == "access":
            about = {"endpoint": "users", "user_id": reading.owner}
            rows.append(instance.was_read(reading.caller, "access.read", about))
        if reading.state.tab == "activity":
            wanted = reading.state.window or {"since_minutes": MONTH}
            rows.append(person_activity.was_read(instance, reading.caller, reading.owner, wanted))
        return rows


class MySessionsPage(PersonPage):
    """`/me/sessions`: one's own, and who else opened them."""

    path = "/me/sessions"
    title = "My sessions"
    about = "your conversations with Claude Code, as you pushed them"
    shortcut = "g o"
    right: Right = SIGNED_IN
    own = True
    state = MyState

    def owner(self, caller: Caller) -> str:
        return caller.me.user_id

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        params = {"endpoint": "me/sessions", **reading.state.given}
        return [reading.reader.instance.was_read(reading.caller, READ, params)]
