"""A tool failed: the tool itself (`exec`), or Claude Code would not run it (`harness`)."""

from __future__ import annotations

from ingest.findings.finding import Finding, Severity
from ingest.findings.runs import merged, runs
from ingest.transcript.model import Call, Digest


def tool_errors(digest: Digest) -> list[Finding]:
    """What the operating system refused is `permission_denied`, not an error as well."""
    return [
        merged(run, "tool_error", run[0].cause, _severity(run[0], final=final))
        for run, final in runs(digest, _is_error)
    ]


def _is_error(call: Call) -> bool:
    return call.outcome == "error" and call.cause != "os"


def _severity(call: Call, *, final: bool) -> Severity:
    """Harness errors mend themselves. `final`: no later call of the tool that could have."""
    if call.cause == "harness":
        return "info"
    return "error" if final else "warning"
