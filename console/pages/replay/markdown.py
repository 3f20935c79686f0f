"""Markdown as an answer has it, to HTML that does nothing.

No tag of the text becomes a tag of the page: only what is made here does. Links lead to the web or
to a mailbox and nowhere else, and a picture is a link: a page of ours asks nobody for anything.
Headings are no headings of the page, which would have hundreds of them.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup

_SCHEMES = ("http://", "https://", "mailto:")
_LONGEST = 50_000  # characters; the work grows with them, and such an answer is no prose
_REL = "noopener noreferrer nofollow"


def markdown(text: str) -> Markup:
    """`text`, already free of control characters."""
    if len(text) > _LONGEST:
        return Markup('<p class="plain">{}</p>').format(text)
    return Markup(_PARSER.render(text))


def _allowed(address: str) -> bool:
    return address.strip().lower().startswith(_SCHEMES)


Env = MutableMapping[str, Any]


def _link(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Env) -> str:
    address = escapeHtml(str(tokens[at].attrGet("href") or ""))
    return f'<a href="{address}" rel="{_REL}" target="_blank">'


def _picture(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Env) -> str:
    address = escapeHtml(str(tokens[at].attrGet("src") or ""))
    words = escapeHtml(tokens[at].content or "picture")
    return f'<a href="{address}" rel="{_REL}" target="_blank">{words}</a>'


def _code(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Env) -> str:
    return f"<pre><code>{escapeHtml(tokens[at].content)}</code></pre>\n"


def _plain(tag: str) -> Any:
    """A tag without what the parser would give it."""
    return lambda *_: tag


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    setattr(parser, "validateLink", _allowed)  # noqa: B010  # as the library says, though typed otherwise
    rules = {
        "link_open": _link,
        "image": _picture,
        "fence": _code,
        "code_block": _code,
        "heading_open": _plain('<p class="heading">'),
        "heading_close": _plain("</p>\n"),
        "ordered_list_open": _numbered,
        "table_open": _plain('<div class="wide"><table>'),
        "table_close": _plain("</table></div>\n"),
        **{f"{cell}_open": _plain(f"<{cell}>") for cell in ("th", "td")},
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


def _numbered(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Env) -> str:
    start = tokens[at].attrGet("start")
    return f'<ol start="{int(start)}">\n' if start else "<ol>\n"


_PARSER = _parser()
