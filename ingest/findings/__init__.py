"""What went wrong in a session, found by fixed rules: precision before recall.

One file for each kind. Pure functions of a digest: they read no file, know no user, ask no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ingest.findings.abrupt_end import abrupt_end, quiet_at
from ingest.findings.finding import SEVERITIES, Finding, excerpt, lowered
from ingest.findings.loop import loops
from ingest.findings.permission_denied import permission_denials
from ingest.findings.tool_error import tool_errors
from ingest.findings.user_rejection import user_rejections
from ingest.transcript.model import Digest

__all__ = ["FINDINGS", "MOST", "Finding", "find", "quiet_at"]

FINDINGS: dict[str, Callable[[Digest], list[Finding]]] = {
    "tool_error": tool_errors,
    "permission_denied": permission_denials,
    "user_rejection": user_rejections,
    "loop": loops,
    "abrupt_end": abrupt_end,
}
MOST = 200  # of a session; one more row says how many were left out


def find(digest: Digest, *, now: datetime, uploaded_at: datetime) -> list[Finding]:
    """All findings in the order of the conversation, each incident once. Times are naive UTC.

    The kinds see to it that no incident is told twice: each leaves out what another one tells. An
    abrupt end is one only once the session is quiet.
    """
    quiet = now >= quiet_at(digest, now=now, uploaded_at=uploaded_at)
    found: dict[object, Finding] = {}
    for kind, look in FINDINGS.items():
        if kind == "abrupt_end" and not quiet:
            continue
        for finding in look(digest):
            if finding.agent_id is not None:
                finding = lowered(finding)
            found.setdefault(finding.incident, finding)
    kept = sorted(_worst(list(found.values())), key=_place)
    return [replace(finding, excerpt=excerpt(finding.excerpt)) for finding in kept]


def _place(finding: Finding) -> tuple[int, int, str]:
    turn = finding.turn_index
    return (turn if turn is not None else finding.line_no, finding.line_no, finding.finding_type)


def _worst(findings: list[Finding]) -> list[Finding]:
    """The 200 most severe, earliest first, and one that counts the rest."""
    if len(findings) <= MOST:
        return findings
    findings.sort(key=lambda one: (-SEVERITIES.index(one.severity), _place(one)))
    rest = findings[MOST:]
    overflow = replace(
        min(rest, key=_place),
        subtype="overflow",
        severity=rest[0].severity,
        excerpt=f"{len(rest)} more findings in this session are not listed",
        line_to=max(one.line_to or one.line_no for one in rest),
        count=len(rest),
    )
    return [*findings[:MOST], overflow]
