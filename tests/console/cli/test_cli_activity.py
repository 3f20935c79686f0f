"""`agnes admin activity`: what a person sees, and what a program gets."""

from __future__ import annotations

import json
import shlex

import httpx
import pytest

from tests.console.cli.stand_in import Run, Server, Terminal, seen

TIMELINE = "/api/admin/activity"
ROW = {
    "id": "018f-9",
    "timestamp": "2026-01-31T09:05:00.123456Z",
    "user_id": "018f-1",
    "user_email": "ann@example.com",
    "user_name": "Ann",
    "source": "web",
    "action": "sync.trigger",
    "result": "error.locked",
    "result_class": "error",
    "resource": "table:orders",
    "duration_ms": 12,
    "params": '{"table": "orders", "note": "\\u001b[2J"}',
}
PAGE = {
    "rows": [ROW],
    "next_cursor": None,
    "filter": {"since": "2026-01-30T09:05:00Z", "until": "2026-01-31T09:05:00Z"},
}
# Clears the screen, rings, forges a line, an 8-bit escape, a right-to-left override, half a pair.
HOSTILE = "a\x1b[2J\x07\r\nFORGED\x9b31m\u202egpj\u2028\ud800"
ESCAPED = r"a\x1b[2J\x07\r\nFORGED\x9b31m\u202egpj\u2028\ud800"
OBEYED = set("\x1b\x07\r\x9b\u202e\u2028")


def page(**changes: object) -> dict[str, object]:
    return {**PAGE, "rows": [{**ROW, **changes}]}


def raw(value: object) -> httpx.Response:
    """An answer that may hold what a well-behaved encoder refuses."""
    return httpx.Response(200, content=json.dumps(value).encode())


def test_the_table_shows_a_row(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, PAGE)
    heading, row = run("admin", "activity").stdout.splitlines()
    assert heading.split() == ["TIME", "USER", "SOURCE", "ACTION", "RESULT", "RESOURCE", "MS"]
    assert row.split() == [
        *("2026-01-31", "09:05:00Z", "ann@example.com", "web", "sync.trigger"),
        *("error.locked", "table:orders", "12"),
    ]


def test_nothing_is_shown_as_a_dash(run: Run, server: Server) -> None:
    fields = ("user_id", "user_email", "user_name", "resource", "duration_ms")
    server.on("GET", TIMELINE, page(**dict.fromkeys(fields)))
    assert run("admin", "activity").stdout.splitlines()[1].count("–") == 3


def test_json_is_the_servers_answer(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, PAGE)
    done = run("admin", "activity", "--json")
    assert json.loads(done.stdout) == PAGE
    assert done.stderr == ""


@pytest.mark.parametrize("field", ["action", "resource", "user_email", "source", "result"])
def test_hostile_text_is_shown_and_never_obeyed(run: Run, server: Server, field: str) -> None:
    server.on("GET", TIMELINE, raw(page(**{field: HOSTILE})))
    done = run("admin", "activity")
    assert ESCAPED in done.stdout
    assert len(done.stdout.splitlines()) == 2
    assert not OBEYED & set(done.stdout)


def test_hostile_text_in_json_is_the_same_value_and_harmless(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, raw(page(action=HOSTILE)))
    text = run("admin", "activity", "--json").stdout
    assert json.loads(text)["rows"][0]["action"] == HOSTILE
    assert not OBEYED & set(text)


def test_a_pipe_gets_no_colour_and_no_cut(run: Run, server: Server) -> None:
    long = "table:" + "x" * 150
    server.on("GET", TIMELINE, page(resource=long))
    text = run("admin", "activity").stdout
    assert long in text
    assert "\x1b" not in text


def test_a_terminal_gets_colour_unless_no_color_is_set(
    run: Run, server: Server, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal()
    server.on("GET", TIMELINE, PAGE)
    assert "\x1b[31m" in run("admin", "activity").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("admin", "activity").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_a_line_is_never_wider_than_the_terminal(
    run: Run, server: Server, terminal: Terminal, columns: int
) -> None:
    terminal(columns=columns)
    wide = "漢" * 90
    server.on("GET", TIMELINE, page(action=wide, resource=wide, user_email=wide))
    from rich.cells import cell_len

    done = run("admin", "activity")
    lines = [seen(line) for line in done.stdout.splitlines()]
    assert len(lines) == 2
    assert max(cell_len(line) for line in lines) <= max(columns, 44)
    for name in ("TIME", "ACTION", "RESULT"):
        assert name in lines[0]


def test_columns_without_room_are_named(run: Run, server: Server, terminal: Terminal) -> None:
    terminal(columns=60)
    server.on("GET", TIMELINE, PAGE)
    done = run("admin", "activity")
    assert "SOURCE" not in seen(done.stdout)
    assert "no room for" in done.stderr
    assert "SOURCE" in done.stderr


def test_the_next_page_is_the_printed_command(run: Run, server: Server) -> None:
    following = {"ts": "2026-01-31T09:05:00.123456Z", "id": "018f-9"}
    server.on("GET", TIMELINE, {**PAGE, "next_cursor": following})
    typed = ["--since", "7d", "--query=-result:error 'x y'", "--not-source", "web"]
    typed += ["--include-self-reads", "--sort", "action:asc", "--limit", "20"]
    done = run("admin", "activity", *typed)
    first = server.params
    words = shlex.split(done.stderr.removeprefix("more: "))
    assert words[0] == "agnes"
    assert run(*words[1:]).exit_code == 0
    cursor = {"cursor_ts": following["ts"], "cursor_id": following["id"]}
    assert server.params == {**first, **cursor}


def test_an_empty_page_says_the_window_and_the_next_step(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, {**PAGE, "rows": []})
    done = run("admin", "activity", "--source", "web")
    assert done.exit_code == 0
    assert "from 2026-01-30 09:05:00Z to 2026-01-31 09:05:00Z with --source web" in done.stdout
    assert "--since 7d" in done.stdout
    assert "fewer filters" in done.stdout


def test_the_page_after_the_last_says_so(run: Run, server: Server) -> None:
    server.on("GET", TIMELINE, {**PAGE, "rows": []})
    assert "last page" in run("admin", "activity", "--cursor", "2026-01-31T00:00:00Z,x").stdout


def pulse(status: str) -> dict[str, object]:
    fields = [
        {"key": "scheduler", "value": "12 s ago", "raw": 12, "color": "green"},
        {"key": "storage", "value": "4 %", "raw": 4, "color": status},
    ]
    return {"status": status, "sentence": "One thing needs you.", "fields": fields}


@pytest.mark.parametrize(
    ("status", "level", "code"),
    [
        ("red", None, 0),
        ("red", "red", 1),
        ("red", "yellow", 1),
        ("yellow", "yellow", 1),
        ("yellow", "red", 0),
        ("green", "yellow", 0),
        ("purple", None, 0),
        ("purple", "red", 1),
    ],
)
@pytest.mark.parametrize("words", [[], ["--json"]], ids=["text", "json"])
def test_health_fails_only_on_what_was_asked(
    run: Run, server: Server, status: str, level: str | None, code: int, words: list[str]
) -> None:
    server.on("GET", f"{TIMELINE}/health", pulse(status))
    asked = ["--fail-on", level] if level else []
    assert run("admin", "activity", "health", *asked, *words).exit_code == code


def test_health_shows_status_sentence_and_measures(run: Run, server: Server) -> None:
    server.on("GET", f"{TIMELINE}/health", pulse("red"))
    lines = run("admin", "activity", "health").stdout.splitlines()
    assert lines[0] == "ALERT: One thing needs you."
    assert lines[2].split() == ["METRIC", "VALUE", "STATUS"]
    assert lines[3].split() == ["scheduler", "12", "s", "ago", "ok"]
    assert lines[4].split() == ["storage", "4", "%", "ALERT"]
    assert json.loads(run("admin", "activity", "health", "--json").stdout) == pulse("red")


SYNC = {
    "id": "s1",
    "table_id": "orders",
    "synced_at": "2026-01-31T09:05:00",
    "rows": 10,
    "duration_ms": 5,
    "status": "error",
    "error": "no such host\x1b[1m",
}


def test_sync_sends_its_filters_and_shows_failures(run: Run, server: Server) -> None:
    server.on("GET", f"{TIMELINE}/sync", {"rows": [SYNC]})
    words = ["--since", "7d", "--limit", "1", "--status", "error", "--table", "orders"]
    done = run("admin", "activity", "sync", *words)
    assert server.params == {
        "since_minutes": "10080",
        "limit": "1",
        "status": "error",
        "table_id": "orders",
    }
    assert done.stdout.splitlines()[1].split() == [
        *("orders", "2026-01-31", "09:05:00Z", "10", "5", "error"),
        *("no", "such", "host" + r"\x1b[1m"),
    ]
    assert "there may be more" in done.stderr


def test_sync_with_nothing_says_what_to_try(run: Run, server: Server) -> None:
    server.on("GET", f"{TIMELINE}/sync", {"rows": []})
    assert "no sync since 24h" in run("admin", "activity", "sync").stdout


def test_show_prints_the_row_and_every_linked_record(run: Run, server: Server) -> None:
    linked = {"kind": "sync", "record": SYNC, "records": [SYNC, {**SYNC, "table_id": "people"}]}
    server.on("GET", f"{TIMELINE}/018f-9", {**ROW, "linked": linked})
    text = run("admin", "activity", "show", "018f-9").stdout
    assert "2026-01-31 09:05:00Z" in text
    assert '"table": "orders"' in text
    assert "orders" in text.partition("\nsync\n")[2]
    assert "people" in text.partition("\nsync\n")[2]
    assert "\x1b" not in text
    answer = json.loads(run("admin", "activity", "show", "018f-9", "--json").stdout)
    assert answer == {**ROW, "linked": linked}


def test_show_asks_for_one_row_whatever_is_typed(run: Run, server: Server) -> None:
    done = run("admin", "activity", "show", "../users?x=1")
    assert server.last.url.raw_path == b"/api/admin/activity/..%2Fusers%3Fx%3D1"
    assert done.exit_code == 1
    assert run("admin", "activity", "show", "..").exit_code == 1
    assert len(server.requests) == 1
