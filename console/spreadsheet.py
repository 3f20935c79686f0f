"""What a spreadsheet would run: cells of CSV, made text. The server's exports and the terminal's
agree in this."""

from __future__ import annotations

# A spreadsheet runs a cell that begins like this; a leading apostrophe makes it text. A cell that
# begins with one gets another: whoever takes one off every such cell has the texts again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def harmless(text: str) -> str:
    """`text` as a cell that no spreadsheet runs."""
    return "'" + text if text.startswith(_FORMULA) else text
