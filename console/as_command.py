"""One filter in other words: as parameters that mean the same tomorrow, as a request of the API, as
a command of the terminal.

Whoever copies one of them gets the rows that the page shows now. So a window that counts back from
this moment, also one in a typed query, is written with both its ends.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import urlencode

from console.queries import typed_words
from console.queries.audit_grammar import WINDOW, Asked

_TRUE = ("true", "1")
_BOUND = re.compile(r"(since|until):", re.IGNORECASE)
# Parameter -> the option of `agnes admin activity`, and below of `agnes admin sessions`. Tests
# compare them with the commands' own.
OPTIONS = {
    "since": "--since",
    "until": "--until",
    "user_id": "--user",
    "action_prefix": "--action",
    "action_in": "--action-in",
    "resource": "--resource",
    "resource_prefix": "--resource-prefix",
    "result_pattern": "--result-pattern",
    "result_class": "--result-class",
    "source": "--source",
    "client_kind": "--client-kind",
    "correlation_id": "--correlation",
    "q": "--search",
    "query": "--query",
    "user_id_not": "--not-user",
    "action_prefix_not": "--not-action",
    "resource_prefix_not": "--not-resource-prefix",
    "result_class_not": "--not-result-class",
    "source_not": "--not-source",
    "client_kind_not": "--not-client-kind",
    "sort": "--sort",
}
FLAGS = {"include_self_reads": "--include-self-reads"}  # given where they are true
SESSION_OPTIONS = {
    "since": "--since",
    "until": "--until",
    "anchor": "--anchor",
    "week": "--week",
    "user_id": "--user",
    "username": "--user",
    "model": "--model",
    "has_finding": "--finding",
    "severity": "--severity",
    "verdict": "--verdict",
    "processed": "--processed",
    "q": "--search",
    "sort": "--sort",
}
SESSION_FLAGS = {"only_errors": "--errors"}
# The same of `agnes admin telemetry query`.
TELEMETRY_OPTIONS = {
    "since": "--since",
    "until": "--until",
    "user_id": "--user",
    "username": "--user",
    "tool_name": "--tool",
    "skill": "--skill",
    "subagent": "--subagent",
    "mcp_server": "--mcp-server",
    "model": "--model",
    "source": "--source",
    "ref_id": "--ref",
    "event_type": "--event-type",
    "outcome": "--outcome",
    "q": "--search",
    "group_by": "--group-by",
    "sort": "--sort",
}
TELEMETRY_FLAGS = {"only_errors": "--errors"}
# The same of `agnes admin feedback list`.
FEEDBACK_OPTIONS = {
    "since": "--since",
    "until": "--until",
    "status": "--status",
    "category": "--category",
    "tag": "--tag",
    "assignee": "--assignee",
    "reporter": "--reporter",
    "fingerprint": "--fingerprint",
    "session_file": "--session",
    "has_session": "--with-session",
    "finding": "--finding",
    "q": "--search",
    "sort": "--sort",
}


def held(given: Mapping[str, str], asked: Asked) -> dict[str, str]:
    """The parameters `given`, with the window that they meant when they were asked as times."""
    kept = {name: text for name, text in given.items() if name not in (*WINDOW, "query")}
    words = typed_words.words(given.get("query", ""))
    if typed := " ".join(word for word in words if not _BOUND.match(word)):
        kept["query"] = typed
    return kept | bounds(asked)


def bounds(asked: Asked) -> dict[str, str]:
    """The window alone. The lower end may be open."""
    ends = {"since": asked.echo["since"], "until": asked.echo["until"]}
    return {name: str(text) for name, text in ends.items() if text is not None}


def address(path: str, params: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(params)}" if params else path


def curl(url: str) -> str:
    """The request as a line for a shell; the token comes from the environment of who runs it."""
    return f'curl -fsS -H "Authorization: Bearer $AGNES_TOKEN" {_quoted(url)}'


def command(
    noun: str,
    params: Mapping[str, str],
    options: Mapping[str, str] = OPTIONS,
    flags: Mapping[str, str] = FLAGS,
) -> str:
    """`agnes <noun> …` with these parameters as options, safe to paste into a shell."""
    words = [f"agnes {noun}"]
    for name, option in options.items():
        if text := params.get(name):
            # `--option=value`, so that a value with a dash in front stays a value.
            words.append(f"{option}{'=' if text.startswith('-') else ' '}{shlex.quote(text)}")
    words += [flag for name, flag in flags.items() if params.get(name, "").lower() in _TRUE]
    return " ".join(words)


def _quoted(url: str) -> str:
    # Quoted also where it need not be: {here}, which the page fills in, hides what it will hold.
    return "'" + url.replace("'", "%27") + "'"
