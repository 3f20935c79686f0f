"""`/admin/access`: which group may open what, as a matrix; one resource with everybody who can see
it and why; what one person can see.

What stands in no registry (`agnes_*`) stands nowhere here: it cannot be granted. SPEC section 16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from console import effective, links
from console.audit import Caller
from console.effective import Path, Resource
from console.identity.lookup import Row
from console.instance import Instance
from console.pages import visits
from console.pages.access import done
from console.pages.access.page import Page
from console.pages.access.reading import Reading
from console.pages.access.state import MatrixState
from console.pages.parts import Part

PEOPLE = 200  # of one resource, on its page
_OFFERED = 20  # people for words that several have
_KNOWN = 500  # people whom the browser offers while one types
ONLY = {
    "surface": "Pages",
    "table": "Tables",
    "granted": "Granted to somebody",
    "nobody": "Admins only",
}


@dataclass(frozen=True)
class Line:
    """`cells`: for each group its grant, or None; `people`: how many may open it besides
    admins."""

    resource: Resource
    cells: Sequence[tuple[Row, Row | None]]
    people: int

    @property
    def granted(self) -> int:
        return sum(grant is not None for _, grant in self.cells)


@dataclass(frozen=True)
class Matrix:
    groups: Sequence[Row]
    lines: Sequence[Line]
    every_group: int
    every_line: int
    admins: int


@dataclass(frozen=True)
class Seen:
    """One resource: who may open it, at most 200 of `total`, `groups` with their grants."""

    line: Line
    paths: Sequence[Path]
    total: int
    admins: int
    log: str


@dataclass(frozen=True)
class Asked:
    """What somebody can see: `paths`, one each resource. `several`: whom the words could mean."""

    text: str
    person: Row | None = None
    paths: Sequence[Path] = ()
    several: Sequence[Row] = ()


def matrix(reading: Reading[MatrixState]) -> Matrix | None:
    state, access = reading.state, reading.access
    if state.resource:
        return None
    wanted = state.groups.casefold()
    groups = [row for row in access.groups if wanted in row["name"].casefold()]
    text = state.q.casefold()
    lines = []
    for resource in access.resources:
        if text not in f"{resource.label}\n{resource.key}\n{resource.bucket}".casefold():
            continue
        line = _line(reading, resource, groups)
        if _is(reading, state.only, resource):
            lines.append(line)
    every = len(access.resources)
    return Matrix(groups, lines, len(access.groups), every, len(access.admins))


def _line(reading: Reading[MatrixState], resource: Resource, groups: Sequence[Row]) -> Line:
    access = reading.access
    cells = [(group, access.grant(group["id"], resource)) for group in groups]
    return Line(resource, cells, access.readers.get(resource.key, 0))


def _is(reading: Reading[MatrixState], only: str, resource: Resource) -> bool:
    access = reading.access
    if only in ("surface", "table"):
        return (resource.id is not None) == (only == "table")
    if only in ("granted", "nobody"):
        given = any(access.grant(group["id"], resource) for group in access.groups)
        return given == (only == "granted")
    return True


def resource(reading: Reading[MatrixState]) -> Seen | None:
    """Raises NotFound."""
    state, access = reading.state, reading.access
    if not state.resource:
        return None
    one = access.resource(state.resource)
    paths = access.of_resource(one)
    if state.q:
        text = state.q.casefold()
        paths = [
            path
            for path in paths
            if text in f"{path.person['email']}\n{path.person['name'] or ''}".casefold()
        ]
    line = _line(reading, one, access.groups)
    log = links.grants_of(one.id or one.type)
    return Seen(line, paths[:PEOPLE], len(paths), len(access.admins), log)


def person(reading: Reading[MatrixState]) -> Asked | None:
    text = reading.state.person
    if not text:
        return None
    access, people = reading.access, reading.instance.people
    found = [id for id in people.named(text) if id in access.people]
    if len(found) == 1:
        return Asked(text, access.people[found[0]], access.of_person(found[0]))
    several = sorted((access.people[id] for id in found), key=lambda one: one["email"].casefold())
    return Asked(text, several=several[:_OFFERED])


def known(reading: Reading[MatrixState]) -> Mapping[str, Any]:
    people = sorted(reading.access.people.values(), key=lambda one: one["email"].casefold())
    return {"only": ONLY, "people": people[:_KNOWN]}


class AccessPage(Page[MatrixState]):
    path = "/admin/access"
    title = "Resource access"
    about = "which group may open what; admins see everything"
    shortcut = "g x"
    state = MatrixState
    terminal = "agnes admin grants"
    parts = (
        Part("done", done.read),
        Part("filters", known, template="access/matrix_filters.html"),
        Part("person", person, template="access/person.html"),
        Part("one", resource, template="access/resource.html"),
        Part("rows", matrix, template="access/matrix.html"),
    )

    async def opened(self, instance: Instance, caller: Caller, query: str) -> str:
        """A row of the log names a grant: it leads to what was granted, if it still is."""
        id = dict(parse_qsl(query)).get("grant")
        if id is None:
            return query
        found = await instance.store.offload(effective.read, instance.store)
        keys = [
            one.key
            for one in found.resources
            for group in found.groups
            if (grant := found.grant(group["id"], one)) and grant["id"] == id
        ]
        return visits.url({"resource": keys[0]})[1:] if keys else ""
