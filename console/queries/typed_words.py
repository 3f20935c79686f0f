"""The words of a typed query: reading them, writing one, adding one, taking one out without
touching the others.

What the words mean is decided by `audit_grammar` alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from console.queries.vocabulary import CLIENT_KINDS, RESULT_CLASSES, SOURCES

# Only these values need not be said to be the whole; of other fields each does.
_KNOWN = {"result": RESULT_CLASSES, "source": SOURCES, "kind": CLIENT_KINDS}
_WORD = re.compile(
    r"(?P<minus>-)?(?:(?P<field>[A-Za-z_]+):(?P<exact>=)?)?"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)(?P<end>"?)|(?P<bare>\S+))',
    re.DOTALL,
)
_PLAIN = re.compile(r'[^\s"\\=][^\s"\\]*\Z')
_BARE = re.compile(r"[\w.@/][\w.@/-]*\Z")  # without a field: nothing that looks like one
# A line break would not outlive a text field.
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
_MEANT = {"n": "\n", "r": "\r"}


@dataclass(frozen=True)
class Word:
    """One word: `-field:="value"`. `closed`: its quote, if it has one, ends."""

    value: str
    field: str | None = None
    excluded: bool = False
    exact: bool = False
    closed: bool = True

    def __str__(self) -> str:
        value = self.value
        if not (_PLAIN if self.field else _BARE).match(value):
            value = f'"{"".join(_ESCAPED.get(letter, letter) for letter in value)}"'
        field = f"{self.field}:{'=' if self.exact else ''}" if self.field else ""
        return f"{'-' if self.excluded else ''}{field}{value}"


def read(text: str) -> list[Word]:
    """The words of `text`, as they are meant."""
    return [_word(match) for match in _WORD.finditer(text)]


def words(text: str) -> list[str]:
    """The words as they were typed; a quote left open is closed."""
    return [_typed(match) for match in _WORD.finditer(text)]


def _typed(match: re.Match[str]) -> str:
    return match[0] if match["quoted"] is None or match["end"] else str(_word(match))


def _word(match: re.Match[str]) -> Word:
    quoted, field = match["quoted"], match["field"]
    if quoted is None:
        # `action:=` alone: nothing is said to be the whole.
        value = "" if field and match["bare"] == "=" else match["bare"]
    else:
        value = re.sub(r"\\(.)", lambda one: _MEANT.get(one[1], one[1]), quoted, flags=re.DOTALL)
    return Word(
        value,
        field and field.lower(),
        excluded=match["minus"] is not None,
        exact=match["exact"] is not None,
        closed=quoted is None or bool(match["end"]),
    )


def word(field: str, value: str | None, *, excluded: bool = False) -> str:
    """`field:value` as it is typed, meaning exactly this value, or for None rows that have none;
    quoted where it must be. A person is their e-mail or an id. Nobody is called `none`, and no kind
    of client is."""
    return str(_exactly(field, value, excluded=excluded))


def _exactly(field: str, value: str | None, *, excluded: bool = False) -> Word:
    if value is None or (value == "none" and field in ("user", "kind")):
        return Word("none", field, excluded)
    known = "@" in value if field == "user" else value in _KNOWN.get(field, ())
    return Word(value, field, excluded, exact=not known)


def has(text: str, field: str, value: str | None, *, excluded: bool = False) -> bool:
    return _exactly(field, value, excluded=excluded) in read(text)


def toggled(text: str, field: str, value: str | None, *, excluded: bool = False) -> str:
    """`text` without the word if it has it, however it is spelled; else with it, and without its
    opposite."""
    return with_word(text, _exactly(field, value, excluded=excluded))


def with_word(text: str, wanted: Word) -> str:
    """`text` with the word, or without it where it has it."""
    opposite = replace(wanted, excluded=not wanted.excluded)
    matches = list(_WORD.finditer(text))
    kept = [_typed(one) for one in matches if _word(one) not in (wanted, opposite)]
    return " ".join(kept if wanted in map(_word, matches) else [*kept, str(wanted)])
