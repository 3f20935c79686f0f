"""The agent went round in circles: the same calls again, or other calls with the same answer.

Looked at on the sequence of steps of one agent. A step is an API response with calls; parallel
calls are one step. Calls that ask again by design (pollers) are no steps. An edit starts anew, for
running the tests again after a mend is healthy; so does a person's prompt, who may ask for the same
thing again.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ingest.findings.finding import Finding, Severity, by_agent, response_of
from ingest.transcript.model import Call, Digest

_REPEATED = 3  # equal steps
_ALTERNATED = 6  # A-B-A-B-A-B
_STAGNANT = 6  # steps of one tool with one result
_STALE = 30  # steps of which none is new


@dataclass(frozen=True, slots=True)
class Step:
    """The calls of one response."""

    calls: tuple[Call, ...]
    same: frozenset[bytes]
    edits: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Steps from `start` up to, not including, `end`."""

    subtype: str
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def loops(digest: Digest) -> list[Finding]:
    """One finding for each run."""
    prompts = [said.turn for said in digest.moments if said.said in ("human", "slash")]
    found = []
    for agents in by_agent(call for call in digest.calls if not call.poller):
        for _, calls in groupby(agents, lambda call: bisect(prompts, call.turn)):
            steps = _steps(calls)
            found += [_finding(run, steps[run.start : run.end]) for run in _runs(steps)]
    return found


def _steps(calls: Iterable[Call]) -> list[Step]:
    return [
        Step(
            calls=(together := tuple(group)),
            same=frozenset(call.same for call in together),
            edits=any(call.edits for call in together),
        )
        for _, group in groupby(calls, response_of)
    ]


def _runs(steps: Sequence[Step]) -> list[Run]:
    """The runs of all kinds, the plainest kind first: of those that overlap it alone is told."""
    kept = []
    taken = bytearray(len(steps))
    for kind in (_repetition, _alternation, _stagnation, _novelty):
        for run in kind(steps):
            if not any(taken[run.start : run.end]):
                taken[run.start : run.end] = b"\1" * len(run)
                kept.append(run)
    return kept


def _stretches(
    steps: Sequence[Step], goes_on: Callable[[int], bool], at_least: int, subtype: str
) -> Iterator[Run]:
    """Longest stretches in which `goes_on(place)` holds for each step but the first."""
    start = 0
    for place in range(1, len(steps) + 1):
        if place == len(steps) or not goes_on(place):
            if place - start >= at_least:
                yield Run(subtype, start, place)
            start = place


def _repetition(steps: Sequence[Step]) -> Iterator[Run]:
    """Equal steps; the same edit again is one, too, for it changed nothing."""

    def equal(place: int) -> bool:
        return steps[place].same == steps[place - 1].same

    return _stretches(steps, equal, _REPEATED, "repetition")


def _alternation(steps: Sequence[Step]) -> Iterator[Run]:
    """A-B-A-B-A-B: each step is the one before the last, and not the last."""

    def takes_turns(place: int) -> bool:
        one, other, again = steps[place - 2], steps[place - 1], steps[place]
        edits = one.edits or other.edits or again.edits
        return place >= 2 and not edits and again.same == one.same != other.same

    for run in _stretches(steps, takes_turns, _ALTERNATED - 1, "alternation"):
        yield Run(run.subtype, run.start - 1, run.end)


def _stagnation(steps: Sequence[Step]) -> Iterator[Run]:
    """One tool, whatever its inputs, and the same result."""
    evidence = [_evidence(step) for step in steps]

    def alike(place: int) -> bool:
        return evidence[place] is not None and evidence[place] == evidence[place - 1]

    return _stretches(steps, alike, _STAGNANT, "stagnation")


def _evidence(step: Step) -> tuple[str, bytes] | None:
    """Tool and result of a step that has one of each. Empty results and edits are no evidence."""
    if step.edits:
        return None
    seen = {(call.name, _ran(call)) for call in step.calls}
    name, result = seen.pop()
    return (name, result) if result is not None and not seen else None


def _ran(call: Call) -> bytes | None:
    """What came out, where the tool ran; a refusal says nothing about the calls."""
    return call.result.same if call.result and call.outcome in ("ok", "error") else None


def _novelty(steps: Sequence[Step]) -> Iterator[Run]:
    """Nothing new for a long time, and nothing changed meanwhile."""
    seen: set[bytes] = set()
    start = 0
    for place, step in enumerate(steps):
        if step.edits:
            seen.clear()  # whatever follows is new again
        if not step.same <= seen:
            if place - start >= _STALE:
                yield Run("novelty", start, place)
            start = place + 1
        seen |= step.same
    if len(steps) - start >= _STALE:
        yield Run("novelty", start, len(steps))


def _finding(run: Run, steps: Sequence[Step]) -> Finding:
    calls = [call for step in steps for call in step.calls]
    first, last = calls[0], calls[-1]
    return Finding(
        finding_type="loop",
        subtype=run.subtype,
        severity=_severity(calls),
        turn_index=first.turn,
        line_no=first.line,
        event_uuid=first.uuid,
        agent_id=first.agent,
        excerpt=_says(run, calls),
        line_to=last.line,
        count=len(run),
        call_id=first.id,
    )


def _severity(calls: Sequence[Call]) -> Severity:
    """An error where nothing came of it: all failed, or each call gave what it gave before."""
    if all(call.outcome == "error" for call in calls):
        return "error"
    if any(_ran(call) is None for call in calls):
        return "warning"
    by_input = sorted(calls, key=lambda call: call.same)
    same = (_ran(one) == _ran(other) for one, other in pairwise(by_input) if one.same == other.same)
    return "error" if all(same) else "warning"


def _says(run: Run, calls: Sequence[Call]) -> str:
    tools = " and ".join(dict.fromkeys(call.name for call in calls))
    return {
        "repetition": f"{tools}: the same call {len(run)} times in a row",
        "alternation": f"{tools}: {len(run)} calls that only take turns",
        "stagnation": f"{tools}: {len(run)} calls in a row with the same result",
        "novelty": f"{tools}: {len(run)} calls in a row, none of them new",
    }[run.subtype]
