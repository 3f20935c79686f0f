"""A changed value as lines: what went, what came, and a little of what stayed around it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

_COMPARED = 200  # lines of each side that are matched with each other: the work grows with both
_AROUND = 2  # lines shown before and after what differs
_WIDEST = 400  # characters of a line; the side panel has it whole
_BEFORE = 40  # characters shown before the first that differs
_SHORT = 40  # characters
_FIRST = 6  # lines that stand open
_MOST = 120  # lines shown at all


class Line(NamedTuple):
    """`sign` is `-`, `+`, a space for what stayed, or `…` where some that stayed are left out."""

    sign: str
    text: str


class Lines(NamedTuple):
    """`first` stand open, `rest` are folded; `beyond` more are not shown here."""

    first: list[Line]
    rest: list[Line]
    beyond: int

    @property
    def pair(self) -> bool:
        """Whether it is one short line for another: they fit beside each other."""
        signs = [line.sign for line in self.first]
        return signs == ["-", "+"] and all(len(line.text) <= _SHORT for line in self.first)


def folded(before: Any, after: Any) -> Lines:
    found = compared(before, after)
    open_ = len(found) if len(found) <= _FIRST + 1 else _FIRST  # never fold a single line
    return Lines(found[:open_], found[open_:_MOST], max(0, len(found) - _MOST))


def compared(before: Any, after: Any, *, widest: int = _WIDEST) -> list[Line]:
    """The lines in which two values of JSON differ, and a few around them; of each at most `widest`
    characters."""
    found = _compared(_lines(before), _lines(after))
    if before != after and all(line.sign in " …" for line in found):
        found = _compared([_written(before)], [_written(after)])  # 1 and "1", "a" and "a\n"
    start = _start(found, widest)
    return [line._replace(text=_cut(line.text, start, widest)) for line in found]


def _start(lines: Sequence[Line], widest: int) -> int:
    """From where to show lines that are too long: where one differs from the one it became."""
    differing = [line.text for line in lines if line.sign in "-+"]
    same = _equal(*differing) if len(differing) == 2 else 0
    return same - _BEFORE if same > widest - _BEFORE else 0


def _compared(old: Sequence[str], new: Sequence[str]) -> list[Line]:
    start = _equal(old, new)
    end = _equal(old[start:][::-1], new[start:][::-1])
    gone, come = old[start : len(old) - end], new[start : len(new) - end]
    head, tail = old[:start], old[len(old) - end :]
    middle = _matched(gone, come)
    return [
        *(_skip(len(head) - _AROUND)),
        *(Line(" ", text) for text in head[-_AROUND:]),
        *middle,
        *(Line(" ", text) for text in tail[:_AROUND]),
        *(_skip(len(tail) - _AROUND)),
    ]


def _matched(gone: Sequence[str], come: Sequence[str]) -> list[Line]:
    if max(len(gone), len(come)) > _COMPARED or not (gone and come):
        return [*_signed("-", gone), *_signed("+", come)]
    found: list[Line] = []
    matcher = difflib.SequenceMatcher(None, gone, come, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            found += [*_signed("-", gone[a:b]), *_signed("+", come[c:d])]
        elif b - a <= 2 * _AROUND + 1:
            found += _signed(" ", gone[a:b])
        else:
            found += _signed(" ", gone[a : a + _AROUND])
            found += [*_skip(b - a - 2 * _AROUND), *_signed(" ", gone[b - _AROUND : b])]
    return found


def _signed(sign: str, texts: Iterable[str]) -> list[Line]:
    return [Line(sign, text) for text in texts]


def _skip(count: int) -> list[Line]:
    return [Line("…", f"{count} equal {'line' if count == 1 else 'lines'}")] if count > 0 else []


def _equal(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines both begin with."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _lines(value: Any) -> list[str]:
    """A value line by line: a text's lines, a list's parts, an object's entries. Nothing has
    none."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines() or ['""']
    if isinstance(value, list):
        return [_plain(part) for part in value] or ["[]"]
    if isinstance(value, dict):
        return [f"{name}: {_plain(part)}" for name, part in value.items()] or ["{}"]
    return [_plain(value)]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items())
    return _written(value)


def _written(value: Any) -> str:
    return orjson.dumps(value).decode()


def _cut(text: str, start: int, widest: int) -> str:
    if len(text) <= widest:
        return text
    shown = f"…{text[start:]}" if start else text
    return shown if len(shown) <= widest else f"{shown[: widest - 1]}…"
