"""Who may open what, and why: everybody with every resource, judged by the one rule of
`identity.access`. What the pages and the API of access show is read here, at one moment.

The `agnes_*` tables stand in none of it: admins see all of their rows, everybody else their own,
whatever is granted. SPEC section 16. `read` blocks; the rest is in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from console.identity import grants, groups
from console.identity.access import Decision, judge
from console.identity.grants import OWN_ROWS
from console.identity.lookup import Row
from console.queries import people
from schema.errors import NotFound, shorten
from schema.policy import SURFACES, Principal
from schema.store import Store

_INTERNAL = "internal"  # the registry's rows of the console's own tables
_SHOWS = {
    "activity": ("Audit log", "what everybody did on this instance"),
    "telemetry": ("Telemetry", "everybody's tool calls, skills and their cost"),
    "sessions": ("Sessions", "everybody's conversations and transcripts"),
    "feedback": ("Feedback", "everybody's reports, and answering them"),
}


@dataclass(frozen=True)
class Resource:
    """What a group can be granted: a surface, or a registered table. `key` is how addresses and
    forms name it."""

    type: str
    id: str | None
    label: str
    about: str = ""
    bucket: str = ""

    @property
    def key(self) -> str:
        return self.type if self.id is None else f"{self.type}:{self.id}"

    @property
    def of(self) -> tuple[str, str | None]:
        return self.type, self.id


@dataclass(frozen=True)
class Path:
    """What somebody may open, and why: `grants` are all that open it, `{id, group_id, group_name}`
    each; an admin needs none."""

    person: Row
    resource: Resource
    decision: Decision
    grants: Sequence[Row]


@dataclass(frozen=True)
class Access:
    """Rows of that moment: `people` by id, `groups` with how many are in them, `granted`: the grant
    of a group for a resource, `members`: the groups of a person."""

    people: Mapping[str, Row]
    groups: Sequence[Row]
    resources: Sequence[Resource]
    granted: Mapping[tuple[str, str, str | None], Row]
    members: Mapping[str, Sequence[str]]

    def resource(self, key: str) -> Resource:
        """Raises NotFound for one that cannot be granted."""
        for one in self.resources:
            if one.key == key:
                return one
        raise NotFound(
            f"no resource {shorten(key)} can be granted",
            detail=f"One of {', '.join(SURFACES)}, or table:<id> of a registered table.",
        )

    def grant(self, group_id: str, resource: Resource) -> Row | None:
        return self.granted.get((group_id, *resource.of))

    def path(self, user_id: str, resource: Resource) -> Path:
        person = self.people[user_id]
        mine = [self.grant(group, resource) for group in self.members.get(user_id, ())]
        found = [grant for grant in mine if grant is not None]
        active = bool(person["is_active"])
        principal = Principal(user_id, is_admin=bool(person["is_admin"])) if active else None
        return Path(person, resource, judge(principal, found, *resource.of), found)

    def of_person(self, user_id: str) -> list[Path]:
        """Each resource, in their order, whether they may open it or not."""
        return [self.path(user_id, resource) for resource in self.resources]

    def of_resource(self, resource: Resource) -> list[Path]:
        """Who may open it, admins first, then by e-mail."""
        paths = (self.path(user_id, resource) for user_id in self.people)
        allowed = [path for path in paths if path.decision.allowed]
        return sorted(allowed, key=_by_name)

    def only_by(self, group_id: str) -> list[Path]:
        """Who would lose what if this group was gone: nothing else opens it to them."""
        members = [user for user, mine in self.members.items() if group_id in mine]
        mine = [one for one in self.resources if self.grant(group_id, one) is not None]
        paths = (self.path(user, resource) for user in members for resource in mine)
        lost = (path for path in paths if path.decision.allowed and not path.person["is_admin"])
        return sorted((path for path in lost if len(path.grants) == 1), key=_by_name)

    @cached_property
    def readers(self) -> Mapping[str, int]:
        """A resource's key -> how many may open it besides admins."""
        counted: dict[str, set[str]] = defaultdict(set)
        for user_id, mine in self.members.items():
            person = self.people.get(user_id)
            if person is None or person["is_admin"] or not person["is_active"]:
                continue
            for group, type, id in self.granted:
                if group in mine:
                    counted[type if id is None else f"{type}:{id}"].add(user_id)
        return {key: len(found) for key, found in counted.items()}

    @property
    def admins(self) -> list[Row]:
        return [one for one in self.people.values() if one["is_admin"] and one["is_active"]]


def read(store: Store) -> Access:
    """Blocks."""
    members: dict[str, list[str]] = defaultdict(list)
    for row in store.rows(people.memberships):
        members[row["user_id"]].append(row["group_id"])
    given = store.rows(grants.listing)
    return Access(
        people={row["id"]: row for row in store.rows(people.accounts)},
        groups=store.rows(groups.listing),
        resources=resources(store.rows(people.tables)),
        granted={(row["group_id"], row["resource_type"], row["resource_id"]): row for row in given},
        members=members,
    )


def resources(registered: Sequence[Mapping[str, Any]]) -> list[Resource]:
    """The surfaces, then the tables of the registry that can be granted."""
    found = [Resource(name, None, *_SHOWS.get(name, (name, ""))) for name in SURFACES]
    for row in registered:
        own = row["id"].casefold().startswith(OWN_ROWS) or row["source_type"] == _INTERNAL
        if not own:
            about, bucket = row["description"] or "", row["bucket"] or ""
            found.append(Resource("table", row["id"], row["name"], about, bucket))
    return found


def _by_name(path: Path) -> tuple[bool, str, str]:
    return not path.person["is_admin"], path.person["email"].casefold(), path.resource.key
