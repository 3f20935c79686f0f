"""What somebody sends, made clean or refused: a report, a change of one. It asks no database."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.audit import printable
from console.feedback.fingerprint import Error, fingerprint, last_error, records
from console.identity import typed
from ingest.redact import redact, redact_bytes
from ingest.session_files import is_user_id, stored_name
from ingest.transcript import build
from schema.errors import BadParameter, BadRequest

BODY_LIMIT = 1 << 20  # bytes of a request
MESSAGE_LIMIT, RESOLUTION_LIMIT = 10_000, 4_000  # characters
TAGS, TAG_LIMIT, CATEGORY_LIMIT, VERSION_LIMIT = 20, 40, 40, 40
VALUE_LIMIT = 200  # characters of a value of the environment
STATUSES = ("open", "triaged", "resolved", "wontfix")
CLOSED = ("resolved", "wontfix")
ENVIRONMENT = ("agnes", "claude_code", "os", "python", "project")
_KEY = re.compile(r"[\x21-\x7e]{8,200}")

FIELDS: dict[str, type | tuple[type, ...]] = {
    "message": str,
    "session_excerpt": str,
    "session_file": str,
    "environment": dict,
    "category": str,
    "tags": list,
    "ack_preview": bool,
    "idempotency_key": str,
}
CHANGES: dict[str, type | tuple[type, ...]] = {
    "version": int,
    "status": str,
    "assignee": str,
    "tags": list,
    "resolution": str,
    "fixed_in": str,
    "category": str,
}
AMENDS: dict[str, type | tuple[type, ...]] = {"version": int, "message": str, "category": str}


@dataclass(frozen=True)
class Given:
    """A report as it is kept: without what looks like a secret. `redacted`: how much of it the
    server found, by rule; what the terminal cut stands as a mark already."""

    message: str
    idempotency_key: str
    environment: Mapping[str, str] = field(default_factory=dict)
    category: str | None = None
    tags: tuple[str, ...] = ()
    session_file: str | None = None  # its file's name, of the reporter's own
    excerpt: str | None = None
    excerpt_turns: int | None = None
    error: Error | None = None
    anchor_uuid: str | None = None
    redacted: Mapping[str, int] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.message, self.error.signature if self.error else "")


def report(me: str, body: Mapping[str, Any]) -> Given:
    """The report in a body of `FIELDS`, sent by the user `me`. Blocks: it reads the excerpt.
    Raises BadRequest, BadParameter that names the field."""
    if body.get("ack_preview") is not True:
        raise BadRequest(
            "ack_preview must be true: whoever sends a report has seen what is sent",
            detail="`agnes report` shows it and asks.",
        )
    key = body.get("idempotency_key", "")
    if not _KEY.fullmatch(key):
        allowed = "8 to 200 printable characters, the same for each try of one report"
        raise BadParameter("idempotency_key", key, allowed)
    counts: dict[str, int] = {}
    found = excerpt(body.get("session_excerpt"), counts)
    return Given(
        message=message(body.get("message", ""), counts),
        idempotency_key=key,
        environment=environment(body.get("environment", {}), counts),
        category=category(body.get("category"), counts),
        tags=tags(body.get("tags", ()), counts),
        session_file=session_name(me, body.get("session_file")),
        redacted=counts,
        **found,
    )


def message(text: str, counts: dict[str, int] | None = None) -> str:
    """Any text that can be seen. Raises BadParameter."""
    _refuse_long("message", text, MESSAGE_LIMIT)
    kept = _lines(redact(printable(text), counts))
    if not any(sign.isprintable() and not sign.isspace() for sign in kept):
        raise BadParameter("message", text, "a text that can be seen: what happened?")
    return kept


def resolution(text: str | None) -> str | None:
    """The answer to the reporter; None for none."""
    _refuse_long("resolution", text or "", RESOLUTION_LIMIT)
    return _lines(redact(printable(text or ""))) or None


def category(text: str | None, counts: dict[str, int] | None = None) -> str | None:
    kept = typed.label_or_none("category", text, CATEGORY_LIMIT)
    return redact(kept, counts).casefold() if kept else None


def fixed_in(text: str | None) -> str | None:
    return typed.label_or_none("fixed_in", text, VERSION_LIMIT)


def tags(given: Sequence[Any], counts: dict[str, int] | None = None) -> tuple[str, ...]:
    """Each once, in the order given, in small letters. Raises BadParameter."""
    if len(given) > TAGS:
        raise BadParameter("tags", f"{len(given)} tags", f"at most {TAGS}")
    if any(not isinstance(tag, str) for tag in given):
        raise BadParameter("tags", str(given), "a list of texts")
    kept = (redact(typed.label("tags", tag, TAG_LIMIT), counts).casefold() for tag in given)
    return tuple(dict.fromkeys(kept))


def status(text: str) -> str:
    if text not in STATUSES:
        raise BadParameter("status", text, "one of " + ", ".join(STATUSES))
    return text


def environment(given: Mapping[str, Any], counts: dict[str, int]) -> dict[str, str]:
    for name, value in given.items():
        if name not in ENVIRONMENT:
            raise BadParameter.unknown(name, ENVIRONMENT, what="key of environment")
        if not isinstance(value, str) or len(value) > VALUE_LIMIT:
            allowed = f"a text of at most {VALUE_LIMIT} characters"
            said = f"{len(value)} characters" if isinstance(value, str) else str(value)
            raise BadParameter(f"environment.{name}", said, allowed)
    return {name: " ".join(redact(printable(text), counts).split()) for name, text in given.items()}


def session_name(me: str, text: str | None) -> str | None:
    """The session_file that is meant by a bare file name or `<user>/<file>`. Raises BadParameter
    for somebody else's; whether it was uploaded is not known here."""
    if text is None:
        return None
    owner, slash, name = text.rpartition("/")
    try:
        kept, packed = stored_name(name)
    except BadParameter:
        packed, kept = True, ""
    if packed or (slash and not is_user_id(owner)):
        raise BadParameter("session_file", text, "<name>.jsonl of a session that you have uploaded")
    if slash and owner != me:
        raise unknown_session(text)
    return f"{me}/{kept}"


def unknown_session(text: str) -> BadParameter:
    return BadParameter(
        "session_file",
        text,
        "no session that you have uploaded",
        detail="Upload it first (`agnes push`), or leave session_file out.",
    )


def excerpt(text: str | None, counts: dict[str, int]) -> dict[str, Any]:
    """What is kept of the lines of a transcript: themselves without secrets, how many events of
    the replay they are, the last error in them, and the record at which the session is opened."""
    if text is None or not text.strip():
        return {}
    lines = text.encode("utf-8", "replace").split(b"\n")
    data = b"\n".join(redact_bytes(line, counts) for line in lines if line.strip())
    error = last_error(data)
    last = None
    for record in records(data):
        last = record["uuid"] if isinstance(record.get("uuid"), str) else last
    return {
        "excerpt": data.decode("utf-8", "replace"),
        "excerpt_turns": build(io.BytesIO(data), []).total,
        "error": error,
        "anchor_uuid": ((error.uuid if error else None) or last or "")[:200] or None,
    }


def _refuse_long(name: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BadParameter(name, f"{len(text)} characters", f"at most {limit} characters")


def _lines(text: str) -> str:
    """Line ends as one sign, without blanks around; what controls a terminal stays out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return "".join(sign for sign in text if sign in "\n\t" or not _controls(sign))


def _controls(sign: str) -> bool:
    return sign < " " or "\x7f" <= sign <= "\x9f"
