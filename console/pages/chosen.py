"""What pages say of what is chosen: cards that choose, and chips of what else is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console import links
from console.identity.people import People
from schema.policy import Principal


@dataclass(frozen=True)
class Quick:
    """Whether a card's filter or order is on, and the query that turns it."""

    on: bool
    url: str


@dataclass(frozen=True)
class Chip:
    """A filter that is on: `name` and `text` for people, and the query without it. `home`: the
    page of what it names, where there is one that the reader may open."""

    name: str
    text: str
    title: str
    url: str
    home: str | None = None


def chips(
    state: Any,
    people: People,
    me: Principal,
    *,
    placed: Collection[str],
    names: Mapping[str, str],
    said: Callable[[str, str], str] = lambda name, text: text,
) -> Iterator[Chip]:
    """Of the state's parameters, but those that have a place of their own (`placed`). `names`: what
    parameters are called, `said`: what a value is."""
    for name, text in state.given.items():
        if name in placed:
            continue
        plain = name.removesuffix("_not")
        person = people.get(text) if plain == "user_id" else None
        yield Chip(
            name=("not " if plain != name else "") + names.get(plain, plain),
            text=person.label if person else said(name, text),
            title=person.email if person else f"{name}={text}",
            url=state.url(**{name: None}),
            home=links.home("user", person.id, me) if person else None,
        )
