"""How a session went, in one word, with the checks that led to it.

The first check that does not pass gives the word; a reader can follow each to its evidence. It
judges the session, never the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ingest.findings import Finding, quiet_at
from ingest.findings.abrupt_end import abrupt_end
from ingest.findings.user_rejection import GUIDES
from ingest.transcript.model import Digest, Moment, Result

Name = Literal["clean", "recovered", "struggled", "failed", "open"]
REFUSALS = 2  # that leave the agent without a word on what was wanted


@dataclass(frozen=True, slots=True)
class Check:
    """One question about the session. `turns`: the events that are its evidence."""

    name: str
    passed: bool
    says: str
    turns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    name: Name
    checks: list[Check]


def decide(
    digest: Digest, findings: Sequence[Finding], *, now: datetime, uploaded_at: datetime
) -> Verdict:
    """The verdict on a session with these findings. Times are naive UTC."""
    checks: dict[Name, list[Check]] = {
        "open": [_left(digest, now=now, uploaded_at=uploaded_at)],
        "failed": [_ending(findings), _last_call(digest)],
        "struggled": [_loops(findings), _refusals(digest, findings)],
        "recovered": [_errors(findings)],
    }
    names = (name for name, some in checks.items() if not all(check.passed for check in some))
    return Verdict(next(names, "clean"), [check for some in checks.values() for check in some])


def open_until(digest: Digest, *, now: datetime, uploaded_at: datetime) -> datetime | None:
    """When an open session is to be looked at again, naive UTC; None for one that is not open. Its
    file may not change any more, so only the clock brings it back.
    """
    until = quiet_at(digest, now=now, uploaded_at=uploaded_at)
    return until if now < until and abrupt_end(digest) else None


def _left(digest: Digest, *, now: datetime, uploaded_at: datetime) -> Check:
    until = open_until(digest, now=now, uploaded_at=uploaded_at)
    if until is None:
        return Check("finished", True, "The session came to an end, or was quiet for half an hour.")
    says = f"The agent is still at work, as far as known until {until:%H:%M} UTC."
    return Check("finished", False, says, _turns(abrupt_end(digest)))


def _ending(findings: Sequence[Finding]) -> Check:
    ends = [one for one in findings if one.finding_type == "abrupt_end"]
    bad = [one for one in ends if one.severity != "info"]
    if bad:
        return Check("ending", False, f"It breaks off: {bad[0].excerpt}.", _turns(bad))
    if ends:
        return Check("ending", True, f"Its end is thin: {ends[0].excerpt}.", _turns(ends))
    return Check("ending", True, "It does not break off.")


def _last_call(digest: Digest) -> Check:
    """Whether the work ends on a failed call. What was denied is not failed, and what Claude Code
    itself remarks on a call is none of the work.
    """
    last = next((call for call in reversed(digest.calls) if call.agent is None), None)
    result = last.result if last and last.cause == "exec" else None
    if last is None or result is None or any(_leads_away(one, result) for one in digest.moments):
        return Check("last call", True, "It does not end on a failed call.")
    says = f"The last call, {last.name}, failed, and nothing was tried after it."
    return Check("last call", False, says, (result.turn,))


def _leads_away(said: Moment, result: Result) -> bool:
    """A person took the session elsewhere after that result."""
    return said.said in ("human", "interrupt") and said.agent is None and said.turn > result.turn


def _loops(findings: Sequence[Finding]) -> Check:
    found = [one for one in findings if one.finding_type == "loop"]
    if not found:
        return Check("loops", True, "The agent did not go round in circles.")
    says = f"The agent went round in circles: {_times(found)}."
    return Check("loops", False, says, _turns(found))


def _refusals(digest: Digest, findings: Sequence[Finding]) -> Check:
    """A refusal with a word on how to proceed is how people steer; the agent goes on from it."""
    steered = {
        call.result.turn for call in digest.calls if call.result and GUIDES in call.result.text
    }
    found = [one for one in findings if _refused(one) and one.turn_index not in steered]
    says = f"Calls were refused without a word on how to proceed: {_times(found)}."
    return Check("refusals", len(found) < REFUSALS, says, _turns(found))


def _errors(findings: Sequence[Finding]) -> Check:
    found = [one for one in findings if _counts(one)]
    if not found:
        return Check("errors", True, "No call failed, was denied or was refused.")
    says = f"Calls went wrong and were got over: {_times(found)}."
    return Check("errors", False, says, _turns(found))


def _counts(finding: Finding) -> bool:
    if finding.finding_type in ("tool_error", "permission_denied"):
        return True
    return _refused(finding)


def _refused(finding: Finding) -> bool:
    return finding.subtype == "structural" and finding.severity != "info"


def _times(findings: Sequence[Finding]) -> str:
    return {0: "never", 1: "once"}.get(len(findings), f"{len(findings)} times")


def _turns(findings: Sequence[Finding]) -> tuple[int, ...]:
    return tuple(one.turn_index for one in findings if one.turn_index is not None)
