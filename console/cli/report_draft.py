"""A report before it is sent: what a person chose of it, and the very bytes of the request.

The body is JSON over several lines, with every character that could speak to a terminal written as
its code: so what is shown is what is sent, byte for byte.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from console.cli.exits import WrongUse
from console.cli.report_clean import Cleaning, joined, one_text
from console.cli.report_session import Nothing, Tail
from console.cli.text import json_text

LIMIT = 1 << 20  # bytes of a request's body
MESSAGE_LIMIT = 10_000  # characters
CATEGORY_LIMIT = 40
VALUE_LIMIT = 200  # characters of a value of the environment

Json = dict[str, Any]


@dataclass(frozen=True)
class Excerpt:
    """The lines that may go, cleaned: `lines[i]` has `turns[i]` turns. `session_file` is the copy
    that the server was sent, empty for none. `left_out`: earlier turns that were too many."""

    path: Path
    session: str
    lines: tuple[bytes, ...]
    turns: tuple[int, ...]
    session_file: str = ""
    left_out: int = 0

    @property
    def data(self) -> bytes:
        return b"\n".join(self.lines)

    @property
    def count(self) -> int:
        return sum(self.turns)


@dataclass(frozen=True)
class Draft:
    """What would be sent. `without` names the parts that were left out: session,
    environment, link."""

    message: str
    key: str
    category: str | None
    excerpt: Excerpt | None
    why_none: str  # of an excerpt
    environment: Mapping[str, str]
    cut: Mapping[str, Cleaning]  # by part: message, session, environment
    without: frozenset[str] = frozenset()

    def body(self) -> bytes:
        """The request, below LIMIT; the oldest turns go first."""
        return self._fitted()[0]

    def fitted(self) -> Draft:
        """This, without the oldest turns that do not fit."""
        return self._fitted()[1]

    def leave_out(self, part: str) -> Draft:
        return replace(self, without=self.without | {part}).fitted()

    @property
    def cuts(self) -> Cleaning:
        """All that was cut from the parts that would be sent."""
        return joined(cut for part, cut in self.cut.items() if part not in self.without)

    @property
    def sent_excerpt(self) -> Excerpt | None:
        return None if "session" in self.without else self.excerpt

    @property
    def linked(self) -> bool:
        """Whether the report names the session on the server."""
        excerpt = self.sent_excerpt
        return excerpt is not None and bool(excerpt.session_file) and "link" not in self.without

    @property
    def sent_environment(self) -> Mapping[str, str]:
        return {} if "environment" in self.without else self.environment

    @property
    def fingerprint(self) -> str:
        from console.feedback.fingerprint import fingerprint, last_error

        excerpt = self.sent_excerpt
        error = last_error(excerpt.data) if excerpt else None
        return fingerprint(self.message, error.signature if error else "")

    def _fitted(self) -> tuple[bytes, Draft]:
        draft = self
        while len(body := draft._as_json()) > LIMIT:
            excerpt = draft.sent_excerpt
            if excerpt is None or not excerpt.lines:
                raise WrongUse(f"the report has {len(body):,} bytes, more than {LIMIT:,}")
            over, gone, at = len(body) - LIMIT, 0, 0
            while at < len(excerpt.lines) and gone < over:
                gone += len(json_text(excerpt.lines[at].decode("utf-8", "replace")).encode())
                at += 1
            rest = replace(
                excerpt,
                lines=excerpt.lines[at:],
                turns=excerpt.turns[at:],
                left_out=excerpt.left_out + sum(excerpt.turns[:at]),
            )
            why = "even its last turn is longer than a report may be"
            kept = rest if rest.lines else None
            draft = replace(draft, excerpt=kept, why_none="" if kept else why)
        return body, draft

    def _as_json(self) -> bytes:
        fields: Json = {"message": self.message}
        if self.category:
            fields["category"] = self.category
        if excerpt := self.sent_excerpt:
            fields["session_excerpt"] = excerpt.data.decode("utf-8", "replace")
            if self.linked:
                fields["session_file"] = excerpt.session_file
        fields["environment"] = dict(self.sent_environment)
        fields |= {"ack_preview": True, "idempotency_key": self.key}
        return json_text(fields).encode("utf-8")


def excerpt_of(tail: Tail | Nothing, cuts: Cleaning, session_file: str = "") -> Excerpt | None:
    """The turns as they may leave."""
    if isinstance(tail, Nothing):
        return None
    lines, turns = [], []
    before = 0
    for spoken in tail.records:
        place = f"turn {spoken.turn}" if spoken.turn is not None else f"turn {before - tail.turns}"
        kind = spoken.data.get("type")
        lines.append(cuts.record(spoken.data, f"{place}, {kind if isinstance(kind, str) else ''}"))
        turns.append(spoken.turns)
        before += spoken.turns
    return Excerpt(tail.path, tail.session, tuple(lines), tuple(turns), session_file)


def message_of(text: str, cuts: Cleaning) -> str:
    """The message as it may leave. Raises WrongUse for one that says nothing or too much."""
    kept = cuts.text(one_text(text), "message")
    if not any(sign.isprintable() and not sign.isspace() for sign in kept):
        raise WrongUse("the message is empty", detail="say what happened: agnes report -m TEXT")
    if len(kept) > MESSAGE_LIMIT:
        raise WrongUse(f"the message has {len(kept):,} characters, more than {MESSAGE_LIMIT:,}")
    return kept


def category_of(text: str | None, cuts: Cleaning) -> str | None:
    """A word that sorts the report. Raises WrongUse for a long one."""
    kept = " ".join(cuts.text(one_text(text or ""), "category").split())
    if len(kept) > CATEGORY_LIMIT:
        raise WrongUse(f"--category has {len(kept)} characters, more than {CATEGORY_LIMIT}")
    return kept or None


def environment(claude_code: str, cuts: Cleaning) -> dict[str, str]:
    """Versions, and nothing of whose machine it is. `claude_code`: as the transcript says."""
    from importlib.metadata import version

    system = platform.uname()
    found = {
        "agnes": version("agnes-console"),
        "claude_code": claude_code or _installed(),
        "os": f"{system.system} {system.release} {system.machine}",
        "python": platform.python_version(),
    }
    return {
        name: cuts.text(one_text(text), f"environment, {name}")[:VALUE_LIMIT]
        for name, text in found.items()
        if text
    }


def _installed() -> str:
    """The version of the installed Claude Code, read from where it lies: no process is started."""
    command = shutil.which("claude")
    if command is None:
        return ""
    place = Path(os.path.realpath(command))
    if re.fullmatch(r"\d+\.\d+\.\d+[\w.-]{0,20}", place.name):
        return place.name
    import json

    try:
        package = json.loads(place.with_name("package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    found = package.get("version") if isinstance(package, dict) else None
    return found[:40] if isinstance(found, str) else ""
