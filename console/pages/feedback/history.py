"""What was done with a report, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console import links
from console.identity.people import People
from console.pages.feedback.words import STATUSES

_SHORT = 60  # characters of an answer that stand in its line


@dataclass(frozen=True)
class Line:
    """`who` did it, None where the console did; `text` in words; `href` with its words `link`: the
    other report it is about; `whole`: a text that was too long for the line."""

    at: datetime
    who: str | None
    text: str
    href: str | None = None
    link: str = ""
    whole: str | None = None


def line(change: Mapping[str, Any], people: People) -> Line:
    """One change as `console.feedback.reading.one` has it."""
    actor = change.get("actor")
    person = people.get(actor["user_id"]) if actor else None
    who = person.label if person else actor["email"] or actor["user_id"] if actor else None
    what, before, after = change["what"], change.get("from"), change.get("to")
    known = {"at": change["at"], "who": who}
    if what in _OF_OTHERS:
        return _of_other(what, change, known)
    if what == "status":
        return Line(text=f"{_status(before)} → {_status(after)}", **known)
    if what == "assignee":
        return Line(text=f"looked after by {_name(people, after)}", **known)
    if what == "tags":
        return Line(text=_tags(before or [], after or []), **known)
    if what == "resolution":
        return _answer(after, known)
    if what in ("fixed_in", "category"):
        noun = what.replace("_", " ")
        return Line(text=f"{noun}: {after}" if after else f"no {noun} any more", **known)
    return Line(text=_PLAIN.get(what, str(what)), **known)


_PLAIN = {"created": "reported it", "message": "changed the message"}
_OF_OTHERS = ("merged", "unmerged", "reopened", "duplicate", "head")


def _of_other(what: str, change: Mapping[str, Any], known: Mapping[str, Any]) -> Line:
    before, after = change.get("from"), change.get("to")
    other = change.get("report") or after or before
    about: dict[str, Any] = {"href": links.report(str(other)), "link": "that one"} if other else {}
    version = change.get("version")
    says = {
        "merged": "merged another one into it"
        if change.get("report")
        else "merged it into another",
        "unmerged": "took one out" if change.get("report") else "took it out of a group",
        "duplicate": "reported again",
        "head": "took the place of a deleted report",
        "reopened": "came back after it was resolved"
        + (f": reported again with agnes {version}" if version else ""),
    }
    if what == "head":
        about = {}  # what it was merged into is gone
    return Line(text=says[what], **known, **about)


def _answer(text: Any, known: Mapping[str, Any]) -> Line:
    if not text:
        return Line(text="took the answer back", **known)
    brief = str(text).partition("\n")[0][:_SHORT]
    whole = str(text) if brief != text else None
    return Line(text=f"answered: {brief}{'…' if whole else ''}", whole=whole, **known)


def _tags(before: list[str], after: list[str]) -> str:
    came = ", ".join(tag for tag in after if tag not in before)
    went = ", ".join(tag for tag in before if tag not in after)
    said = (f"tagged {came}" if came else "", f"took out {went}" if went else "")
    return "; ".join(filter(None, said)) or "tags in another order"


def _status(text: Any) -> str:
    return STATUSES.get(str(text), str(text)).lower()


def _name(people: People, id: Any) -> str:
    person = people.get(id)
    return person.label if person else str(id or "nobody")
