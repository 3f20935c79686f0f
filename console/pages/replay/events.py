"""The conversation: sections of events, of which the page brings the first; the others come when
they are near the screen.

What one event looks like is said by the macros of `replay/event.html`. They know no page, only the
event and its `EventLinks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from console import links, sessions
from console.pages.render import ENVIRONMENT
from console.pages.replay import shape
from console.pages.replay.grouped import Item, Known, grouped
from console.pages.replay.reading import Reading
from console.sessions import Row
from console.transcript import transcripts
from console.transcript.transcripts import KINDS, Transcript
from ingest.transcript.problems import Unread

SIZE = 100  # events of a section

ENVIRONMENT.filters |= shape.FILTERS
ENVIRONMENT.globals |= {**shape.GLOBALS, "size_of_section": SIZE}


@dataclass(frozen=True)
class EventLinks:
    """Where an event's parts are. `page` is empty on the replay itself."""

    session_file: str
    own: bool = False
    page: str = ""

    def at(self, turn: int) -> str:
        return f"{self.page}#t{turn}"

    @property
    def events(self) -> str:
        return f"{links.replay(self.session_file, own=self.own)}/events"

    def whole(self, turn: int) -> str:
        """All the words of an event, as plain text."""
        return f"{self.events}/{turn}"

    def image(self, turn: int) -> str:
        user, _, file = self.session_file.partition("/")
        whose = "me/sessions" if self.own else f"admin/sessions/{quote(user)}"
        return f"/api/{whose}/{quote(file)}/images/{turn}"

    def kind(self, finding_type: str) -> str | None:
        """The sessions with such a finding, for those who see more than their own."""
        query = urlencode({"has_finding": finding_type})
        return None if self.own else f"/admin/sessions?{query}"


@dataclass(frozen=True)
class Section:
    """`count` events from number `first` on, counted among the chosen ones. `next` is None at the
    end, `total` until the end is known."""

    items: Sequence[Item]
    after: Sequence[Unread]  # lines at the end that could not be read
    first: int
    count: int
    turn: int | None  # of the first event
    total: int | None
    next: int | None
    indexed: bool
    person: str  # whose prompts they are
    links: EventLinks


@dataclass(frozen=True)
class Events:
    """`turns` are the first turns of the sections of chosen kinds; of all events they are the
    multiples of `SIZE`. `query` is that of this page without a place."""

    section: Section
    kinds: str | None
    turns: Sequence[int]
    query: str

    def at(self, first: int) -> str:
        joint = "&" if self.query not in ("", "?") else ""
        return f"?{self.query.lstrip('?')}{joint}from={first}"

    @property
    def before(self) -> int | None:
        first = self.section.first
        return max(0, first - SIZE) if first else None


def read(reading: Reading) -> Events:
    """Raises Unavailable for chosen kinds of a large transcript that is not indexed yet."""
    transcript, state = reading.transcript, reading.state
    assert transcript is not None  # the part is read only where the reader may look
    first = state.first - state.first % SIZE
    part = section(transcript, first, SIZE, state.kinds, own=reading.own)
    turns: Sequence[int] = ()
    kinds = None
    if state.kinds is not None:
        kinds = ",".join(kind for kind in KINDS if kind in state.kinds)
        index = transcript.index
        turns = transcripts.chosen(index, state.kinds)[::SIZE] if index else ()
    return Events(part, kinds, turns, state.url())


def section(
    transcript: Transcript, first: int, limit: int, kinds: frozenset[str] | None, *, own: bool
) -> Section:
    page = transcripts.part(transcript, first, limit, kinds)
    events: list[Row] = page["events"]
    found = sessions.of_session(transcript.reader, transcript.session_file)
    unread = transcripts.unread(transcript, first, len(events)) if kinds is None else []
    known = Known(found, _agents(transcript, events), unread)
    person = transcript.reader.instance.people.get(transcript.owner)
    return Section(
        items=grouped(events, known),
        after=[line for line in unread if line.turn == page["total"]],
        first=first,
        count=len(events),
        turn=events[0]["turn"] if events else None,
        total=page["total"],
        next=page["next"],
        indexed=page["indexed"],
        person=_called(person.label if person else "user"),
        links=EventLinks(transcript.session_file, own),
    )


def _agents(transcript: Transcript, events: Sequence[Row]) -> dict[str, int]:
    if not any(one["agent"] for one in events):
        return {}
    rows = transcripts.agents(transcript)
    return {row["agent"]: row["last"] - row["first"] + 1 for row in rows}


def _called(label: str) -> str:
    """A person as others call them: the first of their names, an e-mail without its host."""
    return label.partition("@")[0].partition(" ")[0] or label
