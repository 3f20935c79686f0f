"""What makes two reports the same: a hash of what was said and of the last error before it.

The terminal computes it before anything is sent, the server when it arrives: so it needs the
standard library and orjson, nothing else. SPEC section 14.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

LINE_LIMIT = 500  # characters of an error's line that count
_MARK = re.compile(r"\[redacted:[^\]\s]{1,60}\]")
_STEP = r"[\\/]++[\w@.+%=#~-]++"
# Two steps at least, or one from a named place: `/login` is a command, `and/or` two words.
_PATH = re.compile(
    rf"(?:(?<![\w./\\~-])(?:[a-z]:|~|\.{{1,2}})?|\b[\w@.-]{{1,100}})(?:{_STEP}){{2,}}+[\\/]?"
    rf"|(?<![\w./\\])(?:[a-z]:|~|\.{{1,2}}){_STEP}"
)
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_ID = re.compile(r"\b(?=\w{8})(?=[^\W\d]{0,40}\d)\w++")
_NUMBER = re.compile(r"\bv?\d[\d_]*+(?:[.,:/-]\d++)*+(?:[a-z]{1,3}\b)?")
_PLACES = ((_MARK, "<secret>"), (_PATH, "<path>"), (_UUID, "<id>"), (_ID, "<id>"), (_NUMBER, "#"))
_TAG = re.compile(r"</?tool_use_error>")
_EXIT = re.compile(r"(?:error: )?exit code \d+\.?", re.IGNORECASE)  # says nothing alone


@dataclass(frozen=True)
class Error:
    """A tool call that failed: the first `line` of what came back, the `uuid` of its record."""

    tool: str
    line: str
    uuid: str | None

    @property
    def signature(self) -> str:
        """The same for two errors of one kind."""
        return f"{self.tool}\n{normalised(self.line)}"

    @property
    def text(self) -> str:
        """`Bash: No such file`, for people."""
        return f"{self.tool}: {self.line}" if self.tool else self.line


def normalised(text: str) -> str:
    """`text` without case, runs of blanks, and what differs each time: numbers, ids, paths and the
    marks of redaction."""
    text = unicodedata.normalize("NFC", text).casefold()
    for pattern, place in _PLACES:
        text = pattern.sub(place, text)
    return " ".join(text.split())


def fingerprint(message: str, signature: str = "") -> str:
    """sha256 hex of a message and of the last error's signature, "" without one."""
    both = f"{normalised(message)}\0{signature}"
    return hashlib.sha256(both.encode("utf-8", "replace")).hexdigest()


def last_error(excerpt: bytes) -> Error | None:
    """The last failed tool call in some lines of a transcript; lines that are no JSON count as
    nothing."""
    names: dict[str, str] = {}
    last: Error | None = None
    for record in records(excerpt):
        for block in _blocks(record):
            id, kind = block.get("id"), block.get("type")
            if kind == "tool_use" and isinstance(id, str):
                names[id] = _word(block.get("name"))
            elif kind == "tool_result" and block.get("is_error") is True:
                tool = names.get(_word(block.get("tool_use_id")), "")
                last = Error(tool, _line(block.get("content")), _word(record.get("uuid")) or None)
    return last


def records(excerpt: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects among some lines."""
    for line in excerpt.split(b"\n"):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            yield value


def _blocks(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def _line(content: object) -> str:
    """The first line that says something: not the number of an exit alone, if more follows."""
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    whole = "\n".join(text for text in texts if isinstance(text, str))
    lines = [line.strip() for line in _TAG.sub("", whole[:20_000]).splitlines()]
    said = [line for line in lines if line]
    best = next((line for line in said if not _EXIT.fullmatch(line)), said[0] if said else "")
    return best[:LINE_LIMIT]


def _word(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
