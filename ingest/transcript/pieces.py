"""Which events a record has, and in what order: the one answer that counts turns.

Reader, index and viewer all ask here, so that a turn is the same number for all of them. Stateless:
a record has the same pieces wherever it stands. What a piece means for a digest or looks like on a
page is said elsewhere.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ingest.transcript import said
from ingest.transcript.model import Said
from ingest.transcript.record import BLOCKS, Json, Record, blocks, fields, text

PieceKind = Literal["text", "thinking", "tool_use", "tool_result", "image", "meta"]

# State of the program that wrote the file: nothing happened in the conversation.
_STATES = frozenset(
    {
        "agent-color",
        "agent-name",
        "agent-setting",
        "ai-title",
        "atis-latch",
        "bridge-session",
        "cost-state",
        "custom-title",
        "file-history-delta",
        "file-history-snapshot",
        "frame-link",
        "last-prompt",
        "mode",
        "permission-mode",
        "pr-link",
        "progress",
        "relocated",
        "summary",
        "tag",
        "worktree-state",
    }
)


class Piece(NamedTuple):
    """One event in the making. `text` is its words, `block` the block it comes from, which is
    number `number` of its record; `part`: of the content of a result."""

    kind: PieceKind
    said: Said | None
    text: str
    block: Json
    number: int = 0
    part: int | None = None
    subtype: str = ""


# What a reader may leave out of a conversation. `prompts`: what people typed or pasted, commands
# too; `tools`: calls, results and the images in these; `meta`: the machinery, and what is unknown.
GROUPS = ("prompts", "answers", "thinking", "tools", "meta")


def group(piece: Piece) -> str:
    """Which of `GROUPS` an event belongs to."""
    if piece.kind in ("tool_use", "tool_result") or piece.part is not None:
        return "tools"
    if piece.kind == "thinking":
        return "thinking"
    if piece.said in ("human", "slash"):
        return "prompts"
    return "meta" if piece.kind == "meta" or piece.kind == "image" else "answers"


def pieces(record: Record) -> list[Piece]:
    """The events of `record`, in order; none for pure state."""
    kind = record.type
    if kind == "assistant":
        return _of_agent(record)
    if kind == "user":
        return _of_user(record, record.content)
    if kind in _STATES or not kind:
        return []
    if kind == "attachment":
        return _of_attachment(record)
    if kind == "queue-operation":
        return _of_queue(record)
    if kind == "system":
        return _of_system(record)
    return [Piece("meta", None, "", {}, subtype=kind)]


def one_result(found: list[Piece]) -> bool:
    """Whether what their record says of a result at its top is about the only one."""
    return len(found) < 2 or sum(piece.kind == "tool_result" for piece in found) < 2


def _of_agent(record: Record) -> list[Piece]:
    found: list[Piece] = []
    for number, block in enumerate(blocks(record.content)):
        kind = block.get("type")
        if kind == "tool_use" or kind == "server_tool_use":
            found.append(Piece("tool_use", None, "", block, number))
        elif kind == "text":
            words = text(block.get("text"))
            if words and not words.isspace():
                who = said.by_agent(record, words)
                shown: PieceKind = "meta" if who == "machine" else "text"
                found.append(Piece(shown, who, words, block, number, None, who))
        elif kind == "thinking" or kind == "redacted_thinking":
            words = text(block.get("thinking"))
            found.append(Piece("thinking", "thinking", words, block, number))
        else:
            found += _other(block, number)
    return found


def _of_user(record: Record, content: str | list[Any]) -> list[Piece]:
    found: list[Piece] = []
    all_blocks = blocks(content)
    carrier = any(block.get("type") == "tool_result" for block in all_blocks)
    for number, block in enumerate(all_blocks):
        kind = block.get("type")
        if kind == "tool_result":
            found.append(Piece("tool_result", None, "", block, number))
            found += _inside(block, number)
        elif kind == "text":
            words = text(block.get("text"))
            if words and not words.isspace():
                who = said.by_user(record, words, carrier=carrier)
                shown: PieceKind = "text" if who in ("human", "slash") else "meta"
                found.append(Piece(shown, who, words, block, number, None, who))
        elif kind == "image":
            found.append(Piece("image", _pasted(record, carrier=carrier), "", block, number))
        else:
            found += _other(block, number)
    return found


def _pasted(record: Record, *, carrier: bool) -> Said | None:
    """Who pasted an image: a prompt may be nothing else."""
    return "human" if said.by_user(record, "image", carrier=carrier) == "human" else None


def _other(block: Json, number: int) -> list[Piece]:
    kind = text(block.get("type"))[:40] or "unknown"
    if kind.endswith("tool_result"):  # of a tool that the API itself runs
        return [Piece("tool_result", None, "", block, number), *_inside(block, number)]
    if kind == "image":
        return [Piece("image", None, "", block, number)]
    return [Piece("meta", None, text(block.get("text")), block, number, None, kind)]


def _inside(block: Json, number: int) -> list[Piece]:
    """The images in a result."""
    content = block.get("content")
    if type(content) is not list:
        return []
    return [
        Piece("image", None, "", part, number, place)
        for place, part in enumerate(content[:BLOCKS])
        if type(part) is dict and part.get("type") == "image"
    ]


def _of_attachment(record: Record) -> list[Piece]:
    given = fields(record.data.get("attachment"))
    kind = text(given.get("type"))[:40]
    if kind != "queued_command":
        return [Piece("meta", None, "", given, subtype=kind or "attachment")]
    prompt = given.get("prompt")
    return _of_user(record, prompt if type(prompt) is list else text(prompt))


def _of_queue(record: Record) -> list[Piece]:
    words = record.data.get("content")
    if record.data.get("operation") != "enqueue" or not said.prompt_waits(words):
        return []
    return [Piece("text", "human", text(words), {}, subtype="queued")]


def _of_system(record: Record) -> list[Piece]:
    words = text(record.data.get("content"))
    kind = text(record.data.get("subtype"))[:40] or "system"
    if kind == "api_error":
        return [Piece("meta", "machine", said.retried(record), {}, subtype=kind)]
    if kind == "local_command" and said.commands(words):
        return [Piece("text", "slash", words, {}, subtype="slash")]
    return [Piece("meta", None, words, {}, subtype=kind)]
