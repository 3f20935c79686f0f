"""The words of a typed query as text: adding one, taking one out, without touching the others.

What the words mean is decided by `audit_grammar` alone.
"""

from __future__ import annotations

import re

from console.queries.vocabulary import RESULT_CLASSES

# A value of these is met by what begins with it, unless it is said to be the whole.
_PREFIXED = ("action", "resource", "result")
_WORD = re.compile(r'-?(?:[A-Za-z_]+:=?)?(?:"(?:[^"\\]|\\.)*"?|\S+)')
_PLAIN = re.compile(r'[^\s"\\=][^\s"\\]*\Z')


def words(text: str) -> list[str]:
    """The words as they were typed."""
    return _WORD.findall(text)


def word(field: str, value: str, *, excluded: bool = False) -> str:
    """`field:value` as it is typed, meaning exactly this value; quoted where it must be."""
    whole = field in _PREFIXED and not (field == "result" and value in RESULT_CLASSES)
    if not _PLAIN.match(value):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{'-' if excluded else ''}{field}:{'=' if whole else ''}{value}"


def has(text: str, field: str, value: str, *, excluded: bool = False) -> bool:
    return word(field, value, excluded=excluded) in words(text)


def toggled(text: str, field: str, value: str, *, excluded: bool = False) -> str:
    """`text` without the word if it has it; else with it, and without its opposite."""
    wanted = word(field, value, excluded=excluded)
    opposite = word(field, value, excluded=not excluded)
    kept = [typed for typed in words(text) if typed not in (wanted, opposite)]
    return " ".join(kept if wanted in words(text) else [*kept, wanted])
