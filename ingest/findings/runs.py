"""Failures of one agent that follow on each other and say the same: one incident with a count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ingest.findings.finding import Finding, Severity, by_agent, of_call, response_of
from ingest.findings.signature import signature
from ingest.transcript.model import Call, Digest

# Calls that Claude Code gave up because another of the same response had failed.
_SIBLING = re.compile(r"(<tool_use_error>)?\s*(Sibling tool call errored|Cancelled: parallel tool)")


def runs(digest: Digest, wanted: Callable[[Call], bool]) -> Iterator[tuple[list[Call], bool]]:
    """Consecutive calls of one agent that are `wanted` and have one signature; and whether the
    agent ran that tool no more after them.
    """
    for calls in by_agent(digest.calls):
        if not any(map(wanted, calls)):
            continue  # nearly every agent
        calls = _without_siblings(calls)
        last = {call.name: call for call in calls if call.outcome in ("ok", "error")}
        for says, group in groupby(calls, lambda one: signature(one) if wanted(one) else None):
            if says:
                run = list(group)
                yield run, last.get(run[-1].name) is run[-1]


def merged(run: Sequence[Call], finding_type: str, subtype: str, severity: Severity) -> Finding:
    """One finding, shown by the first of the run."""
    finding = of_call(run[0], finding_type, subtype, severity)
    end = run[-1].result or run[-1]
    return replace(finding, count=len(run), line_to=end.line) if len(run) > 1 else finding


def _without_siblings(calls: list[Call]) -> list[Call]:
    """Without those that were given up for another one's failure, which is reported itself."""
    siblings = {id(call) for call in calls if call.result and _SIBLING.match(call.result.text)}
    if not siblings:
        return calls
    failed = {
        response_of(call)
        for call in calls
        if call.outcome not in ("ok", "unresolved") and id(call) not in siblings
    }
    return [one for one in calls if id(one) not in siblings or response_of(one) not in failed]
