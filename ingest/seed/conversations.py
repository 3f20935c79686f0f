"""The made-up sessions and the calls in them, as columns of numbers: when, whose, what, how it
ended.

Files, summaries and usage events are all written from these, so they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ingest.seed.draws import SECOND, Flags, Ints, Random, lognormal, running, source, weighted
from ingest.seed.ids import uuid4
from ingest.seed.people import ROLES, Crowd
from ingest.seed.rhythm import Rhythm
from ingest.seed.toolbox import BREAKS_OFF, ERROR, OFTEN, OK, TOOLS, UNRESOLVED
from ingest.seed.words import FAILURES, PROJECTS

MOST = 40  # calls of a session, on average
MILLISECOND = SECOND // 1000
OPENING = 6 * SECOND  # from a prompt to the call that follows
CLOSING = 3 * SECOND  # from a result to the words that end a turn
_ALONE = 9 * SECOND  # a session without calls: a question, an answer
_RETURNS = 0.05  # of the calls come after a pause and a new prompt
_FRESH = 25 * 60 * SECOND  # the newest upload is not older
_LOVE = {"analyst": 1.0, "builder": 3.0, "manager": 0.1, "operator": 0.6}  # of Claude Code
_MODELS = (0.6, 0.3, 0.1)  # shares of MODELS
_HARMLESS = np.array([text.startswith("<tool_use_error>") for text in FAILURES])
_SPOKEN = np.array([tool.spoken for tool in TOOLS])


@dataclass(frozen=True)
class Calls:
    """All calls of all sessions, session by session, in order; the arrays run along each other."""

    session: Ints
    time: Ints
    took: Ints  # microseconds
    tool: Ints  # a place in TOOLS
    outcome: Ints  # a place in OUTCOMES
    prompted: Flags  # a prompt stands before it
    concluded: Flags  # words that end the turn stand after it
    tokens: Ints  # four columns: input, output, cache read, cache creation

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def spoken(self) -> Flags:
        found: Flags = _SPOKEN[self.tool]
        return found

    @cached_property
    def introduced(self) -> Flags:
        """Before these, the response says some words: one response, two records."""
        some: Flags = (np.arange(len(self)) % 3 == 0) & ~self.spoken
        return some

    @cached_property
    def answered(self) -> Flags:
        some: Flags = ~self.spoken & (self.outcome != UNRESOLVED)
        return some

    @cached_property
    def failed(self) -> Flags:
        """Those of which a finding tells."""
        some: Flags = self.outcome != OK
        return some

    @cached_property
    def serious(self) -> Flags:
        """Errors of what was run, not of how the tool was used."""
        some: Flags = (self.outcome == ERROR) & ~_HARMLESS[np.arange(len(self)) % len(FAILURES)]
        return some

    @cached_property
    def lines(self) -> Ints:
        """How many records each leaves in its transcript; a turn's end is two."""
        parts = (self.prompted, self.introduced, self.answered, self.concluded, self.concluded)
        count: Ints = np.ones(len(self), np.int64)
        for part in parts:
            count += part
        return count


@dataclass(frozen=True)
class Sessions:
    """Sessions in the order of their start. `kept` ones have a summary and, the newest of them, a
    file.
    """

    ids: list[str]
    files: list[str]  # <user id>/<session id>.jsonl
    owner: Ints
    model: Ints
    project: Ints
    started: Ints
    ended: Ints
    uploaded: Ints
    processed: Ints
    counts: Ints  # calls
    kept: Flags
    calls: Calls

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def first(self) -> Ints:
        """The place of each session's first call."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def lines(self) -> Ints:
        """How many records each transcript has: a heading, then its calls, or a question and an
        answer.
        """
        found: Ints = 1 + np.where(self.counts > 0, self.summed(self.calls.lines), 3)
        return found

    @cached_property
    def by_upload(self) -> Ints:
        """The kept sessions in the order of their upload."""
        kept = np.flatnonzero(self.kept)
        order: Ints = kept[np.argsort(self.uploaded[kept], kind="stable")]
        return order

    def summed(self, values: Any) -> Ints:
        """The sum of `values` (one for each call) in each session."""
        total = np.bincount(self.calls.session, np.asarray(values, np.float64), len(self))
        return total.astype(np.int64)


def converse(seed: int, kept: int, events: int, rhythm: Rhythm, crowd: Crowd) -> Sessions:
    """`kept` sessions with `events` calls in all, at most `MOST` a session on average: those beyond
    that belong to older sessions, of which nothing else is left.
    """
    rng = source(seed, "sessions")
    forgotten = -(-max(events - kept * MOST, 0) // MOST)
    n = kept + forgotten
    love = np.array([_LOVE[role] for role in ROLES])[crowd.role]
    owner = weighted(rng, crowd.weight * love, n)
    begun = rhythm.office(rng, crowd.zone[owner])
    order = np.argsort(begun, kind="stable")
    owner, begun = owner[order], _whole(begun[order])
    keeps = np.zeros(n, np.bool_)
    keeps[rng.permutation(n)[:kept]] = True
    counts = _counts(rng, n, events)
    calls = _calls(rng, counts, begun)
    ended = _ends(calls, counts, begun)
    uploaded = ended + _whole(rng.uniform(20, 240, n) * SECOND)
    moved = _moved(uploaded, keeps, rhythm)
    calls.time[:] -= moved[calls.session]
    processed = uploaded - moved + _whole(rng.uniform(30, 480, n) * SECOND)
    ids = uuid4(seed, "sessions", np.arange(n)).to_pylist()
    return Sessions(
        ids=ids,
        files=[f"{crowd.ids[at]}/{id}.jsonl" for at, id in zip(owner.tolist(), ids, strict=True)],
        owner=owner,
        model=weighted(rng, _MODELS, n),
        project=rng.integers(0, len(PROJECTS), n),
        started=begun - moved,
        ended=ended - moved,
        uploaded=uploaded - moved,
        processed=np.minimum(processed, rhythm.window.end - 1),
        counts=counts,
        kept=keeps,
        calls=calls,
    )


def _whole(micros: Any) -> Ints:
    """Cut to milliseconds, because transcripts know no more."""
    whole: Ints = micros.astype(np.int64) // MILLISECOND * MILLISECOND
    return whole


def _counts(rng: Random, n: int, events: int) -> Ints:
    """How many calls each of `n` sessions has; `events` in all."""
    if n == 0:
        return np.zeros(0, np.int64)
    shares = lognormal(rng, 1.0, 0.7, n)
    counts: Ints = np.floor(shares / shares.sum() * events).astype(np.int64)
    left = events - int(counts.sum())
    counts += left // n
    counts[rng.permutation(n)[: left % n]] += 1
    return counts


def _calls(rng: Random, counts: Ints, begun: Ints) -> Calls:
    total = int(counts.sum())
    first = np.zeros(total, np.bool_)
    last = np.zeros(total, np.bool_)
    some = counts[counts > 0]
    first[np.cumsum(some) - some] = True
    last[np.cumsum(some) - 1] = True
    prompted = first | (rng.random(total) < _RETURNS)
    pause = np.where(prompted, rng.uniform(900, 3600, total), lognormal(rng, 18, 0.8, total))
    steps = np.where(prompted, pause, np.clip(pause, 3, 500)) * SECOND
    steps = _whole(np.where(first, OPENING, steps))
    following = np.where(last, 600 * SECOND, np.append(steps[1:], 0))
    took = np.minimum(
        lognormal(rng, 1.5, 1.1, total) * SECOND, 0.8 * np.minimum(following, 120 * SECOND)
    )
    concluded = last | np.append(prompted[1:], True)[:total]
    tool = weighted(rng, [one.often for one in TOOLS], total)
    spoken = _SPOKEN[tool]
    outcome = np.where(spoken, OK, weighted(rng, OFTEN, total))
    broken = last & ~spoken & (rng.random(total) < BREAKS_OFF)
    session = np.repeat(np.arange(len(counts)), counts)
    return Calls(
        session=session,
        time=begun[session] + running(some, steps),
        took=_whole(np.where(spoken, 0, took)),
        tool=tool,
        outcome=np.where(broken, UNRESOLVED, outcome),
        prompted=prompted,
        concluded=concluded & ~broken,
        tokens=_tokens(rng, spoken),
    )


def _tokens(rng: Random, spoken: Flags) -> Ints:
    n = len(spoken)
    drawn = (
        rng.integers(2, 12, n),
        lognormal(rng, 170, 0.8, n),
        lognormal(rng, 32_000, 0.6, n),
        lognormal(rng, 900, 1.0, n),
    )
    found: Ints = (np.stack(drawn, axis=1) * ~spoken[:, None]).astype(np.int64)
    return found


def _ends(calls: Calls, counts: Ints, begun: Ints) -> Ints:
    ended = begun + _ALONE
    some = np.flatnonzero(counts)
    last = np.cumsum(counts)[some] - 1
    closing = np.where(calls.concluded[last], calls.took[last] + CLOSING, 0)
    ended[some] = calls.time[last] + closing
    return ended


def _moved(uploaded: Ints, kept: Flags, rhythm: Rhythm) -> Ints:
    """How far each session goes back so that its upload lies in the window. Where all those kept
    are older, the newest comes forward, so that a fresh instance shows a processor that has just
    run.
    """
    end = rhythm.window.end // MILLISECOND * MILLISECOND
    moved = np.maximum(uploaded - (end - MILLISECOND), 0)
    some = np.flatnonzero(kept)
    if len(some):
        newest = some[np.argmax((uploaded - moved)[some])]
        moved[newest] = min(moved[newest], uploaded[newest] - (end - _FRESH))
    return moved
