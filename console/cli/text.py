"""Text of others, made safe to print.

What stands in the audit log was partly written by whoever was audited. Printed as it is, an escape
sequence could clear the screen, hide a row or retype a command; a line break could forge a row.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters, characters that reorder or hide text, and halves of surrogate pairs. The
# joiners U+200C and U+200D stay: scripts and emoji need them, and they move nothing.
_UNSAFE = (
    r"\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
_IN_LINE = re.compile(rf"[\n{_UNSAFE}]")
_IN_TEXT = re.compile(rf"[{_UNSAFE}]")


def plain(value: object) -> str:
    """`value` as one line that a terminal shows and never obeys; `\\x1b` is shown as `\\x1b`."""
    return _IN_LINE.sub(_escaped, str(value))


def plain_lines(text: str) -> str:
    """Like `plain`, with its line breaks kept."""
    return _IN_TEXT.sub(_escaped, text)


def json_text(value: Any) -> str:
    """`value` as JSON, two spaces a level: the same value to a program, harmless to a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _IN_TEXT.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
