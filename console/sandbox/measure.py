"""How much work a text is for the parser, known from its words before it is parsed.

The parser runs in the server itself, where nothing can end it, and it copies: what stands after
CASE once for each WHEN, a named window wherever it is used, and the columns of a GROUP BY for each
set of a CUBE or ROLLUP. A few hundred characters of these nested can be gigabytes of tree
(measured), so the copies are counted first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from schema.errors import BadRequest

LENGTH = 20_000  # characters: a parser's work on more can take seconds (measured)
DEPTH = 200  # brackets inside each other, and signs in a row
PARTS = 30_000  # words, with every copy that the parser makes
_OPEN, _CLOSE, _SIGNS = "([{", ")]}", "-+~!@"
_SETS = {"cube", "rollup", "sets"}
_BRANCHES = {"union", "except", "intersect"}
_LIGHT = 16  # places in a set of columns that weigh as much as one part
_MOST = 1 << 40  # counting stops there
# What is a blank to the engine outside of literals, and part of a name to its tokenizer.
_BLANK = re.compile("[\u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_WORD = re.compile("[A-Za-z_0-9]+")
_RUN = re.compile(r"(?=-*\+)[-+]{%d,}" % (DEPTH + 1))  # noqa: UP031 (braces)
_CODE = {duckdb.token_type.keyword, duckdb.token_type.identifier, duckdb.token_type.operator}


class Refused(BadRequest):
    """The text is not a question that may be asked. Its message names what stands in the way, and
    never says whether something else exists."""

    title = "Query refused"


def measured(sql: str) -> str:
    """The text with plain blanks, when the parser may be given it. Raises Refused."""
    if not sql.strip():
        raise Refused("there is no question", detail="Write a SELECT over the agnes_ tables.")
    if len(sql) > LENGTH:
        raise Refused(f"the text has {len(sql):,} characters; {LENGTH:,} are allowed")
    if "\0" in sql:
        raise Refused("the text holds a NUL character")
    if _RUN.search(sql):  # the tokenizer's time grows with the cube of it (measured)
        raise Refused(f"the text has more than {DEPTH} signs in a row")
    sql = _plain(sql)
    if parts(sql) > PARTS:
        raise Refused(
            f"the question has more than {PARTS:,} parts once CASE, WINDOW, CUBE and ROLLUP are "
            "written out"
        )
    return sql


def parts(sql: str) -> int:
    """How many words the text has with every copy, or more. Raises Refused where it is nested too
    deep."""
    words = list(_words(sql))
    _, windows = _weighed(words, use=0)
    return _weighed(words, use=windows)[0]


def _tokens(sql: str) -> Iterator[tuple[str, bool]]:
    """The pieces of the text in their order, from one token to the next, and whether a piece is
    code: neither a literal nor a quoted name. Joined they are the text."""
    text = sql.encode()  # the engine counts bytes
    found = duckdb.tokenize(sql)
    ends = [*(at for at, _ in found), len(text)]
    yield text[: ends[0]].decode(), False
    for (at, kind), end in zip(found, ends[1:], strict=True):
        piece = text[at:end].decode()
        yield piece, kind in _CODE and not piece.startswith('"')


def _plain(sql: str) -> str:
    """The same with a space for each blank in code that is not plain: tokenizer and parser read
    these differently, and only one reading may be checked."""
    for _ in range(3):
        if not _BLANK.search(sql):
            return sql
        plain = "".join(_spaced(piece) if code else piece for piece, code in _tokens(sql))
        if plain == sql:
            break
        sql = plain
    else:
        raise Refused("the text has blanks that are not plain; write spaces")
    if "$" in sql:  # a blank in the name of a $quote$ ends it for one of the two
        raise Refused("the text has blanks that are not plain, and a $; write spaces")
    return sql


def _spaced(piece: str) -> str:
    """Up to a quote: of a text that it cannot read, the tokenizer leaves the rest to one piece."""
    code = re.split("['\"$]", piece, maxsplit=1)[0]
    return _BLANK.sub(" ", code) + piece[len(code) :]


def _words(sql: str) -> Iterator[str]:
    """In lower case: keywords and names, and each operator's first character; a literal or a quoted
    name is empty, and so is a keyword that is a label (`AS case`, `t.end`)."""
    last = ""
    for piece, code in _tokens(sql):
        found = _WORD.match(piece) if code else None
        word = found[0].lower() if found else piece[:1] if code else ""
        last = "" if found and last in ("as", ".") else word
        yield last


@dataclass
class _Part:
    """What stands in one pair of brackets, or from CASE to END. `parts`: with copies; `sets`: of
    GROUP BY; `before`: parts of earlier branches of a UNION."""

    opener: str
    parts: int = 0
    sets: int = 1
    before: int = 0
    items: int = 1
    operand: int = 0
    whens: int = 0
    window: int | None = None  # parts when WINDOW came

    def branch(self) -> None:
        self.before, self.parts, self.sets = self.total(), 0, 1
        self.window = None

    def total(self) -> int:
        copies = self.parts * (self.sets - 1) // _LIGHT + self.operand * max(0, self.whens - 1)
        return min(_MOST, self.before + self.parts + copies)

    def of_group(self) -> int:
        """How many sets of columns it is, as an item of GROUP BY."""
        if self.opener == "cube":
            return 1 << min(self.items, 40)
        return min(_MOST, (self.items + (self.opener == "rollup")) * self.sets)


def _weighed(words: list[str], *, use: int) -> tuple[int, int]:
    """The parts of the text where each OVER is worth `use`, and those of its WINDOW clauses. Raises
    Refused where it is nested too deep."""
    open_, run, windows, last = [_Part("")], 0, 0, ""
    for word in words:
        run = run + 1 if word in _SIGNS and word else 0
        part = open_[-1]
        part.parts += 1 + (use if word == "over" else 0)
        if word and word in _OPEN:
            open_.append(_Part(last if last in _SETS else word))
        elif word == "case":
            open_.append(_Part(word))
        elif len(open_) > 1 and (
            word == "end" if part.opener == "case" else word and word in _CLOSE
        ):
            windows += _window(open_.pop())
            _close(part, open_[-1])
        else:
            windows += _inside(word, part, open_)
        if len(open_) > DEPTH or run > DEPTH:
            raise Refused(f"the question is nested more than {DEPTH} deep")
        last = word
    return sum(part.total() for part in open_), windows + sum(map(_window, open_))


def _inside(word: str, part: _Part, open_: list[_Part]) -> int:
    """Count a word that opens and closes nothing; the parts of a WINDOW clause that it ends."""
    if word == ",":
        part.items += 1
    elif word == "when" and part.opener == "case":
        part.operand = part.operand or part.parts
        part.whens += 1
    elif word == "window":
        if any(outer.window is not None for outer in open_[:-1]):
            raise Refused("a WINDOW clause inside of another one")
        if part.window is None:
            part.window = part.parts
    elif word in _BRANCHES:
        ended = _window(part)
        part.branch()
        return ended
    return 0


def _window(part: _Part) -> int:
    return 0 if part.window is None else part.parts - part.window


def _close(part: _Part, outer: _Part) -> None:
    if part.opener in _SETS:
        outer.sets = min(_MOST, outer.sets * part.of_group())
        outer.parts = min(_MOST, outer.parts + part.before + part.parts)
    else:
        outer.parts = min(_MOST, outer.parts + part.total())
