"""What an error says, without what differs from one time to the next."""

from __future__ import annotations

import re

from ingest.transcript.model import Call

_LINE = 300  # characters: what comes later only differs
_MARKUP = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|</?[a-z_-]+>")
_SAYS_NOTHING = re.compile(r"(Error:\s*)?(Exit code \d+)?\W*", re.IGNORECASE)
_HEX = re.compile(
    r"\b(?:0x[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-f]*\d)[0-9a-f]{7,})\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![A-Za-z_\d])\d[\d:.,]*")


def signature(call: Call) -> str:
    """Tool and first informative line of its result: "Exit code 1" alone is none. Paths, hex
    numbers, numbers and times are left out.
    """
    return f"{call.name}: {_first_line(call.result.text if call.result else '')}"


def _first_line(text: str) -> str:
    for line in _MARKUP.sub("", text).splitlines():
        if not _SAYS_NOTHING.fullmatch(line):
            return _NUMBER.sub("#", _HEX.sub("#", _without_paths(line[:_LINE])))
    return ""


def _without_paths(line: str) -> str:
    words = line.split()
    return " ".join("…" if "/" in word or "\\" in word else word for word in words)
