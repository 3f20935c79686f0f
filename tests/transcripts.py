"""Small made-up transcripts, written as Claude Code writes them, for the tests of what is made of
them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

Json = dict[str, Any]
DAY = datetime(2026, 5, 20, 9)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Transcript:
    """The records of one file. Each step gives a longer one; ids are never given twice."""

    session: str = "s"
    at: datetime = DAY  # of the next record; naive UTC
    agent: str | None = None  # all of it is said by this subagent
    records: Sequence[Json] = field(default_factory=tuple)

    @property
    def data(self) -> bytes:
        return b"".join(orjson.dumps(record) + b"\n" for record in self.records)

    def later(self, **gap: float) -> Transcript:
        return replace(self, at=self.at + timedelta(**gap))

    def record(self, kind: str, **fields: Any) -> Transcript:
        """One more record, a second after the one before it."""
        parent = self.records[-1]["uuid"] if self.records else None
        line: Json = {
            "type": kind,
            "uuid": f"u{next(_numbers)}",
            "parentUuid": parent,
            "sessionId": self.session,
            "timestamp": f"{self.at.isoformat()}Z",
            "cwd": "/project",
        }
        if self.agent is not None:
            line |= {"isSidechain": True, "agentId": self.agent}
        line |= fields
        return replace(self, at=self.at + timedelta(seconds=1), records=(*self.records, line))

    def user(self, content: object, **fields: Any) -> Transcript:
        return self.record("user", message={"role": "user", "content": content}, **fields)

    def prompt(self, text: str = "Please mend the report") -> Transcript:
        return self.user(text)

    def slash(self, name: str) -> Transcript:
        return self.user(f"<command-name>{name}</command-name>\n<command-args></command-args>")

    def answer(self, text: str = "Done.") -> Transcript:
        return self._said({"type": "text", "text": text}, "end_turn")

    def asks(self, tool: str = "Bash", given: Json | None = None) -> Transcript:
        """A call that nobody has answered yet."""
        number = next(_numbers)
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool}
        return self._said(block | {"input": given or {"command": f"step {number}"}}, "tool_use")

    def call(
        self, tool: str = "Bash", given: Json | None = None, *, error: str | None = None
    ) -> Transcript:
        """A call and its result."""
        asked = self.asks(tool, given)
        block = {
            "type": "tool_result",
            "tool_use_id": asked.records[-1]["message"]["content"][0]["id"],
            "content": error or "fine",
            "is_error": error is not None,
        }
        return asked.user([block])

    def skill(self, name: str, *, error: str | None = None) -> Transcript:
        return self.call("Skill", {"skill": name}, error=error)

    def subagent(self, kind: str) -> Transcript:
        return self.call("Task", {"subagent_type": kind, "prompt": "look around"})

    def copy(self, session: str | None = None) -> Transcript:
        """The same records in another file: their uuids stay, the session's id may not."""
        if session is None:
            return self
        records = tuple({**record, "sessionId": session} for record in self.records)
        return replace(self, session=session, records=records)

    def _said(self, block: Json, stop: str) -> Transcript:
        message = {
            "id": f"msg_{next(_numbers)}",
            "role": "assistant",
            "model": "model-a",
            "content": [block],
            "stop_reason": stop,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }
        return self.record("assistant", message=message)


def talk(session: str = "s", at: datetime = DAY) -> Transcript:
    """A session that has begun."""
    return Transcript(session, at).prompt()
