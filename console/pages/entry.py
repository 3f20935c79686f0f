"""What a page is: where it stands, who may open it, how it is made ready and how it lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from console.audit import Caller
from console.identity.rights import Right
from console.instance import Instance

SECTIONS = ("Activity Center", "Users & Access", "Data", "Agent Experience", "Server")


@dataclass(frozen=True)
class Arrival:
    """A page about to be shown: everything its template needs, and the HTTP status. Made before the
    document. `to`: the address that this one stands for; the browser is sent there."""

    caller: Caller
    variables: Mapping[str, Any]
    status: int = 200
    to: str = ""


class Page(Protocol):
    """One page. `section` None keeps it out of the menu's five sections. `path` of a page about one
    of many things is a regular expression, until `at` has made it the page of one."""

    path: str
    title: str
    section: str | None
    right: Right
    shortcut: str

    def at(self, path: str) -> Page:
        """The page that stands at this address, which matches `path`."""

    async def arrive(self, instance: Instance, caller: Caller, query: str) -> Arrival:
        """Read what the first paint shows. Raises errors of schema/errors.py."""

    def document(self, instance: Instance) -> Any:
        """The Panel document of one visit."""
