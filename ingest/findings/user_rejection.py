"""The person did not want it: refused a call, interrupted, or said no.

It says that the agent was on a wrong way. It never says that the person was wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ingest.findings.finding import Finding, Severity, of_call, of_moment, response_of
from ingest.findings.timeline import Step, around
from ingest.transcript.model import Call, Digest, Moment

_TYPE = "user_rejection"
_SHORT = 60  # characters: longer prompts say more than no
_NO = re.compile(
    r"(?:no|nope|stop|wrong|incorrect|not what|that['’]?s (?:not|wrong)|undo|revert)(?![\w-])",
    re.IGNORECASE,
)
_NOT_A_NO = re.compile(
    r"(?:no[,.!]? (?:problem|worries|rush|need|thanks|thank you|hurry|idea|doubt)|stop words?)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\?[\"'”’)\]*_`]*(?:\s|$)")
_GO_ON = re.compile(
    r"(?:please )?(?:continue|go on|go ahead|proceed|resume|carry on|keep going)(?:,? please)?\W*",
    re.IGNORECASE,
)
GUIDES = "To tell you how to proceed, the user said:"
_AT_ONCE = 5_000_000  # microseconds: one key press stops the session and its subagents


def user_rejections(digest: Digest) -> list[Finding]:
    return [*_refusals(digest), *_interrupts(digest), *_said_no(digest)]


def _refusals(digest: Digest) -> Iterator[Finding]:
    """One for each response: its other calls were cancelled with the one that people saw, which is
    that with a cause of its own, if there is one.
    """
    for calls in _refused(digest).values():
        call = min(calls, key=lambda call: call.cause == "structural")
        if call.cause == "clarify":
            yield of_call(call, _TYPE, "clarify", "info")
        elif call.cause != "plan_accepted":
            yield _structural(call, "warning")
    for call in digest.orphans:
        if call.outcome == "user_rejected":
            yield _structural(call, "info")


def _structural(call: Call, severity: Severity) -> Finding:
    _, guides, words = (call.result.text if call.result else "").partition(GUIDES)
    says = f"{call.name or 'A call'} was refused" + (f": {words.strip()}" if guides else "")
    return replace(of_call(call, _TYPE, "structural", severity), excerpt=says)


def _refused(digest: Digest) -> dict[tuple[str | None, str | int], list[Call]]:
    found: dict[tuple[str | None, str | int], list[Call]] = defaultdict(list)
    for call in digest.calls:
        if call.outcome == "user_rejected":
            found[call.agent, response_of(call)].append(call)
    return found


def _interrupts(digest: Digest) -> Iterator[Finding]:
    """Markers, but for those of an incident that is told already: by a refused call, also of a
    subagent, by a marker just before, by the session's own marker at the same time.
    """
    agents = {said.agent for said in digest.moments if said.said == "interrupt"}
    if not agents:
        return
    refused = _refused(digest)
    elsewhere = {
        _instant(call.result.at)
        for (agent, _), calls in refused.items()
        for call in calls
        if agent is not None and call.result
    }
    stopped: set[int | None] = set()
    ours_first = sorted(agents, key=lambda agent: (agent is not None, agent))
    for before, said, after in around(digest, ours_first):
        if said.said != "interrupt" or _told(before, refused):
            continue
        now = _instant(said.at)
        if now is not None and {now - 1, now, now + 1} & (
            elsewhere if said.agent is None else stopped
        ):
            continue
        stopped.add(now)
        severity: Severity = "warning" if _is_correction(after) else "info"
        yield of_moment(said, _TYPE, "interrupt", severity)


def _instant(at: int | None) -> int | None:
    """Numbered, so that things happened at once if their numbers differ by one at most."""
    return None if at is None else at // _AT_ONCE


def _told(before: Step | None, refused: dict[tuple[str | None, str | int], list[Call]]) -> bool:
    if before is None:
        return False
    if isinstance(before.what, Moment):
        return before.what.said == "interrupt"
    call = before.what
    return call.outcome == "user_rejected" or (call.agent, response_of(call)) in refused


def _is_correction(after: Step | None) -> bool:
    if after is None or isinstance(after.what, Call):
        return False
    return after.what.said == "human" and not _GO_ON.fullmatch(after.what.text.strip())


def _said_no(digest: Digest) -> Iterator[Finding]:
    """A short prompt straight after an answer of the agent, that begins with a no."""
    if not any(_begins_with_no(said) for said in digest.moments):
        return
    for before, said, _ in around(digest, [None]):
        if _begins_with_no(said) and before and isinstance(before.what, Moment):
            answer = before.what
            if answer.said == "answer" and not _ASKS.search(answer.text):
                yield of_moment(said, _TYPE, "prose", "info")


def _begins_with_no(said: Moment) -> bool:
    if said.said != "human":
        return False
    text = said.text.strip()
    return len(text) < _SHORT and bool(_NO.match(text)) and not _NOT_A_NO.match(text)
