"""Events of one page as they stand on it: a result with its call, a subagent's in a lane of its
own, calls that only repeat the one before them folded.

Every event keeps its place and its turn: a card is one event, a joined one stands in the card of
its call. Pure functions of the rows that `transcripts.events` gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from console.sessions import Row
from ingest.transcript.problems import Unread

_PAUSE = timedelta(minutes=10)  # what is longer is told, as active time leaves it out
_REPEATED = 3  # equal calls in a row, of which all but the first are folded
AGENTS = ("task", "agent")  # tools that start a subagent


@dataclass(frozen=True)
class Card:
    """One event, `joined` those that stand in it: the result of a call and the images in it.
    `pause`: what went by before it; `day`: it is the first of its day; `unread`: lines before it
    that could not be read."""

    event: Row
    joined: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    pause: timedelta | None = None
    day: datetime | None = None
    unread: tuple[Unread, ...] = ()

    @property
    def result(self) -> Row | None:
        return next((one for one in self.joined if one["kind"] == "tool_result"), None)

    @property
    def turns(self) -> list[int]:
        return [self.event["turn"], *(one["turn"] for one in self.joined)]

    @property
    def failed(self) -> bool:
        return any(one["is_error"] or one["subtype"] == "api_error" for one in self.all)

    @property
    def all(self) -> tuple[Row, ...]:
        return (self.event, *self.joined)


@dataclass(frozen=True)
class Again:
    """Calls with the same tool and input as the one before them."""

    cards: tuple[Card, ...]

    @property
    def cut(self) -> str:
        """Their turns, as first and last."""
        first, last = self.cards[0].turns[0], self.cards[-1].turns[-1]
        return f"{first}–{last}"

    @property
    def findings(self) -> list[Row]:
        return [one for card in self.cards for one in card.findings]


@dataclass(frozen=True)
class Lane:
    """What a subagent did, as far as it stands on this page. `total`: its events in all, where that
    is known; `kind` and `about`: what it was asked to be and to do, where its call is near."""

    agent: str
    items: tuple[Card | Again, ...]
    count: int
    total: int | None = None
    kind: str = ""
    about: str = ""

    @property
    def cards(self) -> list[Card]:
        return [
            card
            for item in self.items
            for card in (item.cards if isinstance(item, Again) else (item,))
        ]

    @property
    def first(self) -> int:
        return int(self.cards[0].event["turn"])

    @property
    def failures(self) -> int:
        return sum(card.failed for card in self.cards)


Item = Card | Again | Lane


@dataclass(frozen=True)
class Known:
    """What is known of a session besides the events of a page."""

    findings: Sequence[Row] = ()
    agents: Mapping[str, int] = field(default_factory=dict)  # id -> its events
    unread: Sequence[Unread] = ()


def grouped(events: Sequence[Row], known: Known) -> list[Item]:
    cards = _joined(events)
    found = defaultdict(list)
    for one in known.findings:
        found[one["turn_index"]].append(one)
    lines = defaultdict(list)
    home = {turn: card.event["turn"] for card in cards for turn in card.turns}
    for line in known.unread:
        lines[home.get(line.turn)].append(line)
    cards = [
        replace(
            card,
            findings=tuple(row for turn in card.turns for row in found.get(turn, ())),
            unread=tuple(lines[card.event["turn"]]),
        )
        for card in cards
    ]
    started: dict[str, Row] = {
        str(one["input"].get("prompt")): one["input"]
        for one in events
        if one["kind"] == "tool_use"
        and str(one["tool_name"]).lower() in AGENTS
        and isinstance(one["input"], dict)
        and isinstance(one["input"].get("prompt"), str)
    }
    items: list[Item] = []
    for agent, part in groupby(_timed(cards), key=lambda card: card.event["agent"]):
        if agent is None:
            items += _repeats(part)
        else:
            items.append(_lane(str(agent), list(part), known, started))
    return items


def _lane(agent: str, cards: list[Card], known: Known, started: Mapping[str, Row]) -> Lane:
    called = started.get(cards[0].event["text"], {})
    return Lane(
        agent=agent,
        items=tuple(_repeats(cards)),
        count=sum(len(card.turns) for card in cards),
        total=known.agents.get(agent),
        kind=str(called.get("subagent_type") or ""),
        about=str(called.get("description") or ""),
    )


def _joined(events: Sequence[Row]) -> list[Card]:
    """A result stands in its call's card when both are on this page, and belong to one agent."""
    calls = {one["turn"]: one for one in events if one["kind"] == "tool_use"}
    home: dict[int, int] = {}  # turn of what is joined -> of its call
    result: Row | None = None
    for one in events:
        if one["kind"] == "tool_result":
            call = calls.get(one["call_turn"])
            result = one if call and call["agent"] == one["agent"] else None
            if result:
                home[one["turn"]] = one["call_turn"]
        elif result and _is_inside(one, result):
            home[one["turn"]] = result["call_turn"]
    parts = defaultdict(list)
    for one in events:
        if one["turn"] in home:
            parts[home[one["turn"]]].append(one)
    return [Card(one, tuple(parts[one["turn"]])) for one in events if one["turn"] not in home]


def _is_inside(one: Row, result: Row) -> bool:
    """Whether it is an image in this result."""
    where = ("line", "block", "agent", "uuid")
    same = all(one[name] == result[name] for name in where)
    return one["kind"] == "image" and one["part"] is not None and same


def _timed(cards: Iterable[Card]) -> list[Card]:
    found: list[Card] = []
    last: datetime | None = None
    for card in cards:
        at = card.event["ts"]
        if at is not None:
            pause = at - last if last and at - last >= _PAUSE else None
            begins = not found if last is None else at.date() != last.date()
            day = at if begins and (last or card.event["turn"] == 0) else None
            card = replace(card, pause=pause, day=day)
            last = max([at, *(one["ts"] for one in card.joined if one["ts"])])
        found.append(card)
    return found


def _repeats(cards: Iterable[Card]) -> list[Card | Again]:
    """Calls in a row that ask for the same: all but the first in one place."""
    items: list[Card | Again] = []
    for key, part in groupby(cards, key=_asks):
        run = list(part)
        if key is None or len(run) < _REPEATED:
            items += run
        else:
            items += [run[0], Again(tuple(run[1:]))]
    return items


class _Asks:
    """A call's tool and input; equal inputs need not be hashable."""

    def __init__(self, event: Row) -> None:
        self.of = (event["tool_name"], event["input"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asks) and self.of == other.of

    __hash__ = None  # type: ignore[assignment]


def _asks(card: Card) -> _Asks | None:
    return _Asks(card.event) if card.event["kind"] == "tool_use" else None
