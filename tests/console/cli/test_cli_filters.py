"""Every filter of the audit log is an option, and arrives under the server's own name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from console.cli.filters import FILTERS
from tests.console.cli.stand_in import Run, Server

TIMELINE = "/api/admin/activity"
EMPTY: dict[str, object] = {
    "rows": [],
    "next_cursor": None,
    "filter": {"since": None, "until": None},
}

# option, what is typed, what the server is asked
CASES = [
    (["--since", "30m"], {"since_minutes": "30"}),
    (["--since", "24h"], {"since_minutes": "1440"}),
    (["--since", "7d"], {"since_minutes": "10080"}),
    (["--since", "90"], {"since_minutes": "90"}),
    (["--since", "2026-01-31"], {"since": "2026-01-31T00:00:00Z"}),
    (["--since", "2026-01-31T09:00:00+02:00"], {"since": "2026-01-31T07:00:00Z"}),
    (["--until", "2026-01-31T09:00Z"], {"until": "2026-01-31T09:00:00Z"}),
    (["--user", "018f-1"], {"user_id": "018f-1"}),
    (["--user", "ann@example.com"], {"query": "user:ann@example.com"}),
    (["--action", "sync."], {"action_prefix": "sync."}),
    (["--action-in", "a.b,c.d"], {"action_in": "a.b,c.d"}),
    (["--resource", "table:orders"], {"resource": "table:orders"}),
    (["--resource-prefix", "table:"], {"resource_prefix": "table:"}),
    (["--result-pattern", "error.%"], {"result_pattern": "error.%"}),
    (["--result-class", "denied"], {"result_class": "denied"}),
    (["--source", "scheduler"], {"source": "scheduler"}),
    (["--client-kind", "agent"], {"client_kind": "agent"}),
    (["--correlation", "c-1"], {"correlation_id": "c-1"}),
    (["--search", "100% & more"], {"q": "100% & more"}),
    (["-q", "-x"], {"q": "-x"}),
    (["--query", '-result:error "two words"'], {"query": '-result:error "two words"'}),
    (["--not-user", "018f-2"], {"user_id_not": "018f-2"}),
    (["--not-user", "bob@example.com"], {"query": "-user:bob@example.com"}),
    (["--not-action", "run_"], {"action_prefix_not": "run_"}),
    (["--not-resource-prefix", "user:"], {"resource_prefix_not": "user:"}),
    (["--not-result-class", "success"], {"result_class_not": "success"}),
    (["--not-source", "web"], {"source_not": "web"}),
    (["--not-client-kind", "cli"], {"client_kind_not": "cli"}),
    (["--include-self-reads"], {"include_self_reads": "true"}),
]


def test_the_cases_cover_every_option() -> None:
    typed = {words[0] for words, _ in CASES}
    assert {flag for each in FILTERS for flag in each.flags} == typed


@pytest.mark.parametrize(("words", "params"), CASES, ids=str)
def test_the_timeline_is_asked(
    run: Run, server: Server, words: Sequence[str], params: dict[str, str]
) -> None:
    server.on("GET", TIMELINE, EMPTY)
    assert run("admin", "activity", "list", *words).exit_code == 0
    assert server.params == {**params, "limit": "50"}


@pytest.mark.parametrize(("words", "params"), CASES, ids=str)
def test_the_export_is_asked(
    run: Run, server: Server, words: Sequence[str], params: dict[str, str]
) -> None:
    server.on("GET", f"{TIMELINE}/export", [])
    assert run("admin", "activity", "export", "--format", "json", *words).exit_code == 0
    assert server.params == {**params, "format": "json"}


def test_without_a_command_it_lists_and_takes_the_same_options(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, EMPTY)
    assert run("admin", "activity", "--source", "web", "--limit", "7").exit_code == 0
    assert server.params == {"source": "web", "limit": "7"}


def test_an_e_mail_and_a_query_are_one_query(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, EMPTY)
    run(
        "admin", "activity", "--user", "a@x.org", "--not-user", "b@x.org", "--query", "action:sync."
    )
    assert server.params["query"] == "user:a@x.org -user:b@x.org action:sync."


def test_sort_and_cursor_are_sent(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, EMPTY)
    cursor = "2026-01-31T09:00:00.000001Z,018f-3"
    run("admin", "activity", "--sort", "duration_ms:desc", "--cursor", cursor)
    assert server.params == {
        "sort": "duration_ms:desc",
        "cursor_ts": "2026-01-31T09:00:00.000001Z",
        "cursor_id": "018f-3",
        "limit": "50",
    }


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--since", "0"], "--since"),
        (["--since", "31d"], "30 days"),
        (["--since", "soon"], "30m, 24h, 7d"),
        (["--since", "-5m"], "--since"),
        (["--until", "24h"], "--until"),
        (["--user", "a b@x.org"], "--user"),
        (["--not-user", 'a"@x.org'], "--not-user"),
        (["--user", ""], "leave the option out"),
        (["--search", ""], "leave the option out"),
        (["--cursor", "x"], "TS,ID"),
        (["--cursor", ",x"], "TS,ID"),
        (["--limit", "0"], "--limit"),
        (["--limit", "201"], "--limit"),
        (["--nonsense"], "--nonsense"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_named_and_not_asked(
    run: Run, server: Server, words: list[str], named: str
) -> None:
    done = run("admin", "activity", *words)
    assert done.exit_code == 2
    assert named in done.stderr
    assert server.requests == []
