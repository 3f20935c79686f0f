"""HTML of a conversation, read again by a parser: what a browser would make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"img", "br", "hr", "wbr"}
# All that the templates and the Markdown of answers make.
TAGS = {
    *("section", "article", "header", "div", "span", "p", "b", "a", "time", "details", "summary"),
    *("figure", "figcaption", "img", "ul", "ol", "li", "dl", "dt", "dd"),
    *("em", "strong", "s", "code", "pre", "blockquote", "hr", "br"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    *("class", "id", "tabindex", "href", "title", "rel", "target", "datetime", "start"),
    *("src", "loading", "alt", "aria-label"),
    *("data-keep", "data-first", "data-count", "data-turn", "data-next", "data-kind", "data-error"),
    *("data-agent", "data-finding", "data-outcome", "data-state", "data-whole"),
}


@dataclass
class Drawn(HTMLParser):
    """`events`: turns of the events in their order; `joined`: turn of what stands in another one's
    card -> turn of that one. `faults`: what no template of ours can have made."""

    events: list[int] = field(default_factory=list)
    joined: dict[int, int] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    text: str = ""
    kinds: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, int | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in TAGS:
            self.faults.append(f"<{tag}>")
        self.faults += [f"<{tag} {name}>" for name in given if name not in ATTRIBUTES]
        for name in ("href", "src", "data-whole"):
            if name in given:
                self.links.append(str(given[name]))
        if "id" in given:
            self.ids.append(str(given["id"]))
        turn = None
        if "data-turn" in given and tag != "section":
            turn = int(str(given["data-turn"]))
            self.kinds[turn] = str(given["data-kind"])
            if tag == "article":
                self.events.append(turn)
            else:
                home = next(at for open_, at in reversed(self._open) if open_ == "article")
                assert home is not None
                self.joined[turn] = home
        if tag not in _VOID:
            self._open.append((tag, turn))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.faults.append(f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.faults.append(f"</{tag}> where {self._open[-1:]} is open")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"<?{data}>")

    @property
    def turns(self) -> list[int]:
        return sorted([*self.events, *self.joined])


def drawn(html: str) -> Drawn:
    found = Drawn()
    found.feed(html)
    found.close()
    if found._open:
        found.faults.append(f"never closed: {found._open}")
    return found
