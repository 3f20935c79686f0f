"""What the viewer shows of a record. Pure: a record has the same events wherever it stands.

Nothing is cut here and nothing is hidden but the data of images, of which an event says where they
are. What another record knows, the call of a result, is joined by `index`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from ingest.transcript import outcome
from ingest.transcript.model import Outcome
from ingest.transcript.pieces import Piece, PieceKind, one_result
from ingest.transcript.record import Json, Record, fields, name, text, texts

_PROMPTS = ("attachment", "queue-operation")  # where a prompt that had to wait may stand


@dataclass(slots=True)
class Event:
    """One thing in the list that a transcript is for its reader."""

    turn: int
    kind: PieceKind
    role: str  # user, assistant; else the type of the record
    at: int | None  # microseconds since 1970, UTC
    uuid: str | None
    parent_uuid: str | None
    line: int  # of its own file, from 1
    agent: str | None  # of a sidechain; None: the session itself
    # A text: human, slash, answer, api_error, queued. A meta: what it is, as interrupt, task,
    # machine, compact, compact_boundary, hook_success. Else "".
    subtype: str
    text: str
    block: int  # number of the block in its record, and
    part: int | None = None  # of the image in a result
    model: str | None = None
    tool_name: str | None = None  # of a result: that of its call
    tool_use_id: str | None = None
    input: Any = None  # of a call, as JSON
    is_error: bool = False
    outcome: Outcome | None = None  # of a result
    call_turn: int | None = None  # of a result: where its call is
    media_type: str | None = None  # of an image
    size: int | None = None  # bytes of an image


def shown(
    record: Record, found: list[Piece], turn: int, line: int, *, start: int, stop: int
) -> list[Event]:
    """Events `start` to `stop` of a record that has the pieces `found`, the first of them being
    event `turn` of the session."""
    alone = one_result(found)
    return [
        _event(record, found[place], turn + place, line, alone=alone)
        for place in range(start, min(stop, len(found)))
    ]


def _event(record: Record, piece: Piece, turn: int, line: int, *, alone: bool) -> Event:
    agent = record.agent
    event = Event(
        turn=turn,
        kind=piece.kind,
        role="user" if record.type in _PROMPTS and piece.said else record.type,
        at=record.at,
        uuid=record.uuid,
        parent_uuid=record.parent_uuid,
        line=line,
        agent="sidechain" if agent == "" else agent,
        subtype=piece.subtype,
        text=piece.text,
        block=piece.number,
        part=piece.part,
        model=name(record.message.get("model")),
    )
    if piece.kind == "tool_use":
        event.tool_name = name(piece.block.get("name"))
        event.tool_use_id = name(piece.block.get("id"))
        event.input = _writable(piece.block.get("input"))
    elif piece.kind == "tool_result":
        _result(event, record, piece.block, alone=alone)
    elif piece.kind == "image":
        _image(event, piece.block)
    return event


def _result(event: Event, record: Record, block: Json, *, alone: bool) -> None:
    content = block.get("content")
    event.tool_use_id = name(block.get("tool_use_id"))
    event.text = "\n".join(texts(content))
    event.is_error = block.get("is_error") is True
    event.outcome, _ = outcome.decide(record.data, block, outcome.head_of(content), alone=alone)


def _image(event: Event, block: Json) -> None:
    source = fields(block.get("source"))
    data = text(source.get("data"))
    event.media_type = name(source.get("media_type"))
    event.size = len(data.rstrip("=")) * 3 // 4 if data else None


def _writable(value: object) -> Any:
    """`value`, unless it is nested deeper than JSON can be written."""
    try:
        orjson.dumps(value)
    except TypeError:
        return "(nested too deep to be shown)"
    return value
