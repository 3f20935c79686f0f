"""Words of a transcript made fit for a page: free of control characters, and folded where they are
long. Escaping is the templates' business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

_ESCAPES = re.compile(  # what a terminal would obey: CSI, OSC and its like, the short ones
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BLANK = re.compile(r"\A(?:[ \t]*\n)+")  # lines without a word, at the beginning
_WIDEST = 1500  # characters of what stands open, however few lines it has
_WITHIN = 12_000  # characters that are part of the page; of more, the reader asks for the rest
_FEW = 3  # lines that are not worth folding


@dataclass(frozen=True)
class Folded:
    """A text of `lines` lines: `first` stands open, `rest` is folded. `beyond`: the rest is not
    part of the page."""

    first: str
    rest: str = ""
    lines: int = 0
    beyond: bool = False

    @property
    def is_folded(self) -> bool:
        return bool(self.rest) or self.beyond


NOTHING = Folded("")


def cleaned(text: str) -> str:
    """`text` without what a terminal would obey, and with one kind of line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode()


def said(value: Any) -> str:
    """A value of JSON as words: a text as it is, anything else as JSON."""
    return cleaned(value) if isinstance(value, str) else written(value)


def brief(value: Any, length: int = 160) -> str:
    """The first line, cut."""
    line = said(value).strip().partition("\n")[0]
    return line if len(line) <= length else f"{line[: length - 1]}…"


def written(value: Any) -> str:
    return cleaned(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def folded(text: str, lines: int) -> Folded:
    """`text` with its first `lines` lines open. With 0 lines all of it is folded."""
    text = _BLANK.sub("", text).rstrip()
    total = text.count("\n") + 1 if text else 0
    end = _end(text, lines, total)
    if len(text) - end > _WITHIN:
        return Folded(text[:end], lines=total, beyond=True)
    return Folded(text[:end], text[end:], lines=total)


def _end(text: str, lines: int, total: int) -> int:
    """Where the fold is."""
    if lines and total <= lines + _FEW and len(text) <= _WIDEST + 300:
        return len(text)
    end = 0
    for _ in range(lines):
        found = text.find("\n", end) + 1
        end = found or len(text)
        if not found or end > _WIDEST:
            break
    return min(end, _WIDEST)
