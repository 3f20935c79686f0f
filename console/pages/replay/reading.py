"""One reading of a replay: what every part of the page is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from console import links, sessions
from console.audit import Caller
from console.pages.replay.state import ReplayState
from console.sessions import Reader, Row
from console.transcript.transcripts import Transcript


@dataclass(frozen=True)
class Reading:
    """`own`: the reader replays a session of their own, as anybody may. `transcript` is None as
    long as the reader has to say why they look (`asks_why`); `found` is its outline."""

    reader: Reader
    caller: Caller
    own: bool
    user: str
    file: str
    state: ReplayState
    at: datetime
    transcript: Transcript | None = None
    asks_why: bool = False
    reason: str | None = None
    found: Row = field(default_factory=dict)
    beat: bool = False

    @property
    def session_file(self) -> str:
        return f"{self.user}/{self.file}"

    @property
    def path(self) -> str:
        return links.replay(self.session_file, own=self.own)

    @property
    def person(self) -> str:
        """Whose session it is, as people call them."""
        known = self.reader.instance.people.get(self.user)
        return known.label if known else self.user

    def summary(self) -> Row:
        return sessions.summary(self.reader, self.session_file)
