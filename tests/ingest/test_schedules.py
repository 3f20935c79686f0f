"""However uploads, kernels, crashes, failures and imports follow each other: in the end the tables
are those of one clean run over the same files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import marketplaces, work
from ingest import commit, pipeline
from ingest.marketplace import Item
from schema.tables import MARKETPLACE_ITEMS, SESSION_FILES
from tests.ingest.processing_place import ADMIN, BOTH, KERNEL, MADE, NOON, Place, later
from tests.transcripts import Transcript, talk

STEPS = 12
PLUGINS = ("p", "q", "flea")
NAMES = ("x", "y")
USERS = [str(UUID(int=1)), str(UUID(int=2))]


WORDS: tuple[Callable[[Transcript, str], Transcript], ...] = (
    lambda said, name: said.call(),
    lambda said, name: said.call(error="Exit code 1\nno such file"),
    lambda said, name: said.asks(),
    lambda said, name: said.answer(),
    lambda said, name: said.later(days=1).prompt(),
    lambda said, name: said.skill(name),
    lambda said, name: said.subagent(name),
    lambda said, name: said.slash(f"/{name}"),
)


class Crash(Exception):
    """The kernel is gone, at once."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("schedules")) as place:
        patch = pytest.MonkeyPatch()
        patch.setattr(work, "BATCH", 2)  # more steps between which something can happen
        assert [place.user(), place.user()] == USERS
        yield place
        patch.undo()


@dataclass
class Schedule:
    """What happens to one instance, as hypothesis draws it."""

    place: Place
    data: st.DataObject
    users: list[str]
    files: dict[str, Transcript] = field(default_factory=dict)  # by session_file
    fails: dict[str, int] = field(default_factory=dict)  # how often a session still fails
    depth: int = 0

    def draw(self, label: str, *options: Any) -> Any:
        return self.data.draw(st.sampled_from(options), label=label)

    def step(self) -> None:
        doing: list[Callable[[], None]] = [
            self.upload, self.run, self.grow, self.copy, self.subagent, self.fail, self.reprocess,
            self.roll_up, self.import_, self.replace, self.wait, self.run,
        ]  # fmt: skip
        self.draw("step", *doing)()

    # What people do

    def upload(self) -> None:
        number = self.draw("number", *range(4))
        days = self.draw("days ago", 0, 1, 20, 40)
        began = self.place.now - timedelta(days=days, minutes=self.draw("minutes", 5, 25, 90))
        user = self.draw("user", *self.users)
        self._put(f"{user}/s{number}.jsonl", self._talk(f"s{number}", began))

    def grow(self) -> None:
        """The session goes on, in the same file."""
        if key := self._any():
            self._put(key, self._more(self.files[key]))

    def replace(self) -> None:
        """The same name, and nothing of what was in it."""
        if key := self._any():
            self._put(key, self._talk("other", NOON - timedelta(days=2)))

    def copy(self) -> None:
        """Resumed or forked: another file of the same person that begins with the same records."""
        if key := self._any():
            user, _, name = key.partition("/")
            session = self.draw("session", None, "forked")
            whole = self.files[key]
            part = replace(whole, records=whole.records[: self.draw("records", 1, 3, 99)])
            user = self.draw("whose", user, user, *self.users)
            self._put(f"{user}/copy-{name}", self._more(part.copy(session).later(hours=1)))

    def subagent(self) -> None:
        if key := self._any():
            user, _, name = key.partition("/")
            agent = self.draw("agent", "a", "a.jsonl", "b")
            said = self._talk("s", NOON - timedelta(days=1), agent=agent)
            self.place.upload(user, f"agent-{agent}.jsonl", said, parent=name)

    def _put(self, key: str, what: Transcript) -> None:
        user, _, name = key.partition("/")
        self.files[self.place.upload(user, name, what)] = what

    def _any(self) -> str | None:
        return self.draw("file", *sorted(self.files)) if self.files else None

    def _talk(self, session: str, at: Any, agent: str | None = None) -> Transcript:
        return self._more(replace(talk(session, at), agent=agent) if agent else talk(session, at))

    def _more(self, said: Transcript) -> Transcript:
        for _ in range(self.draw("more", 1, 2, 3)):
            name = f"{self.draw('plugin', *PLUGINS)}:{self.draw('name', *NAMES)}"
            said = self.draw("said", *WORDS)(said, name)
        return said

    # What the console does

    def run(self) -> None:
        """A kernel, between whose steps other things happen; now and then it dies."""
        if self.depth >= 2:
            return
        names = self.draw("processors", BOTH, BOTH, ("usage",), ("failure_scan",))
        self.depth += 1
        try:
            self.place.kernel(*names, hook=self.between).run(cap=self.draw("cap", 1, 3, 500))
        except Crash:
            pass
        finally:
            self.depth -= 1
            self.place.instance.claims.end(KERNEL)

    def between(self, what: str) -> None:
        happens = self.draw(f"before {what}", *["nothing"] * 5, "step", "crash", "half")
        if happens == "step":
            self.step()
        elif happens == "crash":
            raise Crash
        elif happens == "half" and what.endswith("commit"):
            self.half_way = True

    half_way = False

    def fail(self) -> None:
        """A session that makes its processor fail, up to the point where it is set aside."""
        if key := self._any():
            self.fails[key] = self.draw("times", 1, 2, 5)

    def reprocess(self) -> None:
        self.place.forget(self.draw("reprocess", None, self._any()))

    def roll_up(self) -> None:
        self.place.roll_up()

    def wait(self) -> None:
        later(self.place, minutes=self.draw("wait", 1, 20, 45))

    def import_(self) -> None:
        name, source = self.draw("marketplace", ("one", "curated"), ("two", "flea"))
        kinds = {
            (plugin, kind, local)
            for plugin in PLUGINS
            for kind in ("skill", "agent", "command")
            for local in NAMES
        }
        items = self.data.draw(st.lists(st.sampled_from(sorted(kinds)), max_size=4, unique=True))
        offered = [Item(*key) for key in items]
        if offered or self.place.rows(MARKETPLACE_ITEMS, marketplace=name):
            doing = marketplaces.import_(self.place.instance, ADMIN, name, source, offered)
            asyncio.run(doing)

    # The end

    def settle(self) -> None:
        """Until nothing is due. Who was set aside is asked for again, as people can."""
        self.fails.clear()
        self.half_way = False
        later(self.place, hours=2)
        for key in {row["session_file"] for row in self.place.rows(SESSION_FILES, parent=None)}:
            if self.is_set_aside(key):
                self.place.forget(key)
        self.place.run()
        assert [self.place.due(name) for name in BOTH] == [[], []]
        self.place.roll_up()

    def is_set_aside(self, key: str) -> bool:
        states = self.place.rows(MADE[7], session_file=key)
        return any(row["error"] and row["attempts"] >= 3 for row in states)


@settings(max_examples=15)
@given(data=st.data())
def test_every_schedule_ends_like_one_clean_run(place: Place, data: st.DataObject) -> None:
    place.emptied()
    schedule = Schedule(place, data, USERS)
    with failures(schedule):
        for _ in range(data.draw(st.integers(6, STEPS), label="steps")):
            schedule.step()
        schedule.settle()
    found = place.made()
    place.wipe()
    place.run()
    place.roll_up()
    assert found == place.made()


def failures(schedule: Schedule) -> Any:
    """Processors that fail as often as the schedule says, and commits that end half way."""
    patch = pytest.MonkeyPatch()

    def failing(processor: pipeline.Processor) -> pipeline.Processor:
        def process(digest: Any, session: Any, now: Any) -> pipeline.ProcessorResult:
            if schedule.fails.get(session.session_file, 0) > 0:
                schedule.fails[session.session_file] -= 1
                raise ValueError("it is broken")
            return processor.process_session(digest, session, now)

        return replace(processor, process_session=process)

    for name, processor in pipeline.PROCESSORS.items():
        patch.setitem(pipeline.PROCESSORS, name, failing(processor))
    whole = commit._note

    def note(*args: Any) -> None:
        if schedule.half_way:
            schedule.half_way = False
            raise Crash
        whole(*args)

    patch.setattr(commit, "_note", note)
    return Undone(patch)


@dataclass
class Undone:
    patch: pytest.MonkeyPatch

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.patch.undo()
