"""What a finding is, and the words and order that all kinds share."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ingest.redact import redact
from ingest.transcript.model import Call, Moment

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")
EXCERPT = 200  # characters
_MARKUP = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|</?tool_use_error>|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One incident. Place and uuid are those of the record that shows it; `line_to` is the last
    line where it goes on, `count` how often it happened. `call_id`: the tool_use id, "" without.

    A kind fills `excerpt` with the raw text; `find` redacts and cuts those that it keeps.
    """

    finding_type: str
    subtype: str
    severity: Severity
    turn_index: int | None
    line_no: int
    event_uuid: str | None
    agent_id: str | None
    excerpt: str
    line_to: int | None = None
    count: int = 1
    call_id: str = ""

    def id(self, session_file: str) -> str:
        """The same for the same incident, however often and by whomever the file is read."""
        key = "|".join(str(part or "") for part in (session_file, *self.incident))
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def incident(self) -> tuple[object, ...]:
        """What makes it this one in its session and no other."""
        place = (self.agent_id, self.event_uuid, self.line_no, self.call_id)
        return self.finding_type, self.subtype, *place


def of_call(call: Call, finding_type: str, subtype: str, severity: Severity) -> Finding:
    """Shown by the call's result; by the call itself where there is none."""
    shown = call.result or call
    return Finding(
        finding_type=finding_type,
        subtype=subtype,
        severity=severity,
        turn_index=shown.turn,
        line_no=shown.line,
        event_uuid=shown.uuid,
        agent_id=call.agent,
        excerpt=call.result.text if call.result else call.name,
        call_id=call.id,
    )


def of_moment(said: Moment, finding_type: str, subtype: str, severity: Severity) -> Finding:
    return Finding(
        finding_type=finding_type,
        subtype=subtype,
        severity=severity,
        turn_index=said.turn,
        line_no=said.line,
        event_uuid=said.uuid,
        agent_id=said.agent,
        excerpt=said.text,
    )


def excerpt(text: str) -> str:
    """One line of at most 200 characters without secrets. Redacted before it is cut, lest half a
    secret stay.
    """
    line = " ".join(redact(_MARKUP.sub(" ", text)).split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def lowered(finding: Finding) -> Finding:
    """One severity lower: a subagent's trouble is first of all the subagent's."""
    lower = SEVERITIES[max(SEVERITIES.index(finding.severity) - 1, 0)]
    return replace(finding, severity=lower)


def by_agent(calls: Iterable[Call]) -> list[list[Call]]:
    """The calls of each agent, in order; the session itself is the agent None."""
    found: dict[str | None, list[Call]] = defaultdict(list)
    for call in calls:
        found[call.agent].append(call)
    return list(found.values())


def response_of(call: Call) -> str | int:
    """What parallel calls share. A call whose response is unknown shares nothing."""
    return call.response or call.turn
