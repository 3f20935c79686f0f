"""Something was not allowed: by a rule, a hook or the auto mode (`policy`), or by the operating
system (`os`). Denied is not failed.
"""

from __future__ import annotations

from ingest.findings.finding import Finding
from ingest.findings.runs import merged, runs
from ingest.transcript.model import Call, Digest


def permission_denials(digest: Digest) -> list[Finding]:
    return [
        merged(run, "permission_denied", "os" if run[0].cause == "os" else "policy", "warning")
        for run, _ in runs(digest, _is_denied)
    ]


def _is_denied(call: Call) -> bool:
    return call.outcome == "policy_denied" or (call.outcome == "error" and call.cause == "os")
