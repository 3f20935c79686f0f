"""What somebody typed to search for -> what FTS5 is asked. Any text is safe: every word is quoted,
and no word of its grammar (AND, NEAR, *, a column's name) means anything here.

Words must all be there; words in quotes one after the other; the last word may be the beginning of
one, unless it stands in quotes or a blank follows it.
"""

from __future__ import annotations

import re
import unicodedata

_TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')
_MOST = 32  # terms
_LONGEST = 512  # characters


def match_of(q: str) -> str | None:
    """The FTS5 query of `q`; None when it holds no letter and no digit to search for."""
    q = q[:_LONGEST].replace("\0", " ").encode(errors="replace").decode()  # no half surrogates
    terms: list[str] = []
    for found in list(_TERM.finditer(q))[:_MOST]:
        text = found[1] if found[1] is not None else found[2]
        if not any(map(_counts, text)):
            continue
        open_word = found[1] is None and found.end() == len(q) and len(text) > 1
        terms.append(f'"{text}"' + ("*" if open_word and _counts(text[-1]) else ""))
    return " ".join(terms) or None


def _counts(character: str) -> bool:
    """Whether it is part of a word for the tokenizer."""
    return unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "Co"
