"""One line of a transcript as typed fields, whatever JSON stands in it. Never raises.

Knows where a record keeps what, and nothing of what it means. Texts that name something are cut,
so that one of 10 MB costs no more than a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_NAME = 200  # characters of an id, a name, a folder
BLOCKS = 10_000  # of a message; real ones have a few
_LAST = 253_402_300_799_000_000  # the end of the year 9999
_EXACT = 1 << 53  # integers up to here are the same in every JSON reader
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_NONE: dict[str, Any] = {}

Json = dict[str, Any]


@dataclass(slots=True)
class Record:
    """The fields that records of all types share. `data` is the whole."""

    data: Json
    type: str  # "" where there is none
    uuid: str | None
    parent_uuid: str | None
    at: int | None  # microseconds since 1970, UTC
    agent: str | None  # id of the subagent that wrote it; "" for a sidechain without one
    message: Json
    content: str | list[Any]  # of the message
    problem: str | None


def record(data: Json, writer: str | None = None) -> Record:
    """What `data` says. `problem` names the field that cannot be what it should. `writer`: the
    agent whose file it stands in."""
    get = data.get
    message = get("message")
    if type(message) is dict:
        content = message.get("content")
    else:
        content, message = message, _NONE
    if type(content) is not list and type(content) is not str:
        content = ""
    when = get("timestamp")
    at = None if when is None else instant(when)
    uuid = name(get("uuid"))
    kind = name(get("type")) or ""
    problem = None
    if not kind:
        problem = "the record has no type"
    elif at is None and when is not None:
        problem = f"its timestamp is no time: {brief(when)}"
    elif uuid is None and get("uuid") is not None:
        problem = f"its uuid is no text: {brief(get('uuid'))}"
    elif type(content) is list and len(content) > BLOCKS:
        problem = f"{len(content):,} blocks: left out those after {BLOCKS:,}"
    agent = writer
    if get("isSidechain") is True:
        agent = name(get("agentId")) or writer or ""
    parent = name(get("parentUuid"))
    return Record(data, kind, uuid, parent, at, agent, message, content, problem)


def brief(value: object) -> str:
    """`value` for a message; of a list or an object only what it is, for it may be deep."""
    if type(value) is list or type(value) is dict:
        return "a list" if type(value) is list else "an object"
    return repr(value[:40] if type(value) is str else value)


def name(value: object) -> str | None:
    """A text that names something, cut at 200 characters; None for all else and for ""."""
    return value[:_NAME] if type(value) is str and value else None


def text(value: object) -> str:
    return value if type(value) is str else ""


def fields(value: object) -> Json:
    """`value` if it is an object, else an empty one."""
    return value if type(value) is dict else _NONE


def count(value: object) -> int:
    """A number of tokens. What is negative, fractional, text or beyond 2^53 counts as 0."""
    return value if type(value) is int and 0 <= value <= _EXACT else 0


def instant(value: object) -> int | None:
    """Microseconds since 1970 of an ISO time (UTC where it names no zone) or of whole seconds or
    milliseconds since 1970. None for what is no time between 1970 and 9999."""
    if type(value) is str:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        at = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _TICK
    elif type(value) is int:
        at = value * (1_000_000 if value < 100_000_000_000 else 1_000)
    else:
        return None
    return at if 0 <= at <= _LAST else None


def texts(content: object) -> Iterator[str]:
    """The texts in what a tool answered, whether it is one text or several parts."""
    parts = content if type(content) is list else (content,)
    for part in parts:
        found = text(part) or text(fields(part).get("text"))
        if found:
            yield found


def asked_by(one: Record, block: Json) -> str:
    """What names the call that a result answers: its id; else the uuid of the call's record."""
    found = name(block.get("tool_use_id")) or name(one.data.get("sourceToolAssistantUUID"))
    return found or one.parent_uuid or ""


def blocks(content: str | list[Any]) -> list[Json]:
    """The content of a message as a list of at most `BLOCKS` blocks; text alone is one block."""
    if type(content) is str:
        return [{"type": "text", "text": content}]
    return [_block(block) for block in content[:BLOCKS]]


def _block(value: object) -> Json:
    if type(value) is dict:
        return value
    if type(value) is str:
        return {"type": "text", "text": value}
    return {"type": type(value).__name__}
