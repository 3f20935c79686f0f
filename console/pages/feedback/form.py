"""What the forms of the inbox and of a report give, as what is to be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from console.feedback.undone import Place
from console.handler import text_of
from schema.errors import BadParameter, BadRequest

MOST = 200  # reports in one go
STATUSES = {"open": "open", "triage": "triaged", "resolve": "resolved", "wontfix": "wontfix"}


@dataclass(frozen=True)
class Step:
    """One report, the version of it that was seen, and what is to be changed."""

    id: str
    version: int
    change: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "version": self.version, "change": dict(self.change)}


@dataclass(frozen=True)
class Given:
    """`fields`: each once, as texts; `reports`: those that are ticked, with their versions."""

    fields: Mapping[str, str]
    reports: Sequence[tuple[str, int]]

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    @property
    def do(self) -> str:
        """What is to be done. Enter in a field presses no button of its own: the field that is
        filled says it."""
        do = self.text("do")
        if do != "entered":
            return do
        acts = {"resolution": "resolve", "tag": "tag"}
        filled = [act for name, act in acts.items() if self.text(name)]
        if len(filled) != 1:
            says = "an answer and a tag are filled in" if filled else "no field is filled in"
            raise BadRequest(f"Enter does nothing: {says}", detail="Press the button you mean.")
        return filled[0]

    def change(self) -> dict[str, Any] | None:
        """The change of each report; None for what is none of one report alone."""
        do = self.do
        if do == "resolve":
            answered = {name: self.text(name) or None for name in ("resolution", "fixed_in")}
            return {"status": "resolved"} | {k: v for k, v in answered.items() if v}
        if do in STATUSES:
            return {"status": STATUSES[do]}
        if do == "answer":
            return {name: self.text(name) or None for name in ("resolution", "fixed_in")}
        if do == "mine":
            return {"assignee": "me"}
        if do == "nobody":
            return {"assignee": None}
        if do == "assign":
            return {"assignee": self.text("assignee") or None}
        if do == "tags":
            return {"tags": split(self.text("tags"))}
        if do == "category":
            return {"category": self.text("category") or None}
        return None

    def steps(self) -> list[Step]:
        """What `steps` holds: the way back, or a change once more. Raises BadRequest."""
        with _readable():
            return [
                Step(str(one["id"]), int(one["version"]), dict(one["change"]))
                for one in self._told()
            ]

    def places(self) -> list[Place]:
        """The way back from a merge; none where `steps` holds changes. Raises BadRequest."""
        with _readable():
            return [_place(one) for one in self._told() if "change" not in one]

    def _told(self) -> list[dict[str, Any]]:
        rows = list(orjson.loads(self.text("steps") or "[]"))
        if not 0 < len(rows) <= MOST:
            raise BadParameter("steps", len(rows), f"1 to {MOST} reports")
        return rows


def _place(one: Mapping[str, Any]) -> Place:
    head = one["merged_into"]
    before = None if head is None else str(head)
    return Place(str(one["id"]), int(one["version"]), before, one["kept_apart"] is True)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (orjson.JSONDecodeError, TypeError, ValueError, KeyError):
        raise BadRequest("this does not say what is to be changed") from None


def split(text: str) -> list[str]:
    """Tags as somebody typed them: separated by commas."""
    return list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


def given(arguments: Mapping[str, Sequence[bytes]]) -> Given:
    """A form's body. Raises BadParameter for a field given twice and for no report's version."""
    fields: dict[str, str] = {}
    reports: list[tuple[str, int]] = []
    for name, values in arguments.items():
        texts = [text_of(name, value) for value in values]
        if name == "report":
            reports = [_one(text) for text in dict.fromkeys(texts)]
        elif len(texts) > 1:
            raise BadParameter(name, f"{len(texts)} values", "give it once")
        else:
            fields[name] = texts[0]
    if len(reports) > MOST:
        raise BadParameter("report", len(reports), f"at most {MOST} reports")
    return Given(fields, reports)


def _one(text: str) -> tuple[str, int]:
    id, _, version = text.partition(":")
    if not id or not version.isdecimal() or len(version) > 9:
        raise BadParameter("report", text, "<id>:<version>")
    return id, int(version)
