"""`agnes admin sessions show`: every event of a transcript, in order, whoever wrote it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.audit import new_id, now
from console.cli.replay import AROUND, Source, Wanted, _stretches, pages
from console.cli.replay_calls import body, title
from console.cli.replay_text import FOLDS, Replay, said, wrapped
from console.queries.sessions import FINDING_TYPES
from schema.tables import SESSION_FINDINGS, SESSION_VERDICTS, USERS
from schema.transaction import Rows
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Server, Terminal, seen
from tests.console.cli.test_cli_activity import HOSTILE, OBEYED
from tests.console.transcript_place import SIDE, TALK, Place, all_pages
from tests.ingest.transcript.written import agent, call, file, result, says, user
from tests.server_process import AGNES
from tests.upload_corpus import payloads

LONG = file(
    *(
        record
        for number in range(120)
        for record in (
            user(f"prompt {number}", f"u{number}"),
            agent(call(f"t{number}", "Bash", command=f"run {number}"), uuid=f"a{number}"),
            result(f"out {number}", f"t{number}", uuid=f"r{number}", error=number in (3, 60)),
        )
    )
).getvalue()
OPEN = re.compile(r"^[! ] #(\d+) ", re.MULTILINE)


class Talks(Place):
    one: str  # with a subagent, findings and a verdict
    long: str  # 360 events


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talks]:
    with Talks(tmp_path_factory.mktemp("replay")) as place:
        place.one = place.upload("one.jsonl", TALK)
        side = place.upload("agent-x.jsonl", SIDE, parent=place.one)
        place.make_index(place.one, [side])
        place.long = place.upload("long.jsonl", LONG)
        place.make_index(place.long)
        place.store.write(
            Rows(SESSION_FINDINGS, [finding(place, place.one, 6), finding(place, place.long, 10)]),
            Rows(SESSION_VERDICTS, [verdict(place)]),
        ).result()
        yield place


def finding(place: Place, session_file: str, turn: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "session_file": session_file,
        "user_id": place.owner,
        "finding_type": FINDING_TYPES[0],
        "subtype": "exec",
        "severity": "warning",
        "turn_index": turn,
        "line_no": 5,
        "count": 2,
        "excerpt": "Exit code 1",
        "detected_at": now(),
    }


def verdict(place: Talks) -> dict[str, Any]:
    checks = [{"name": "errors", "passed": False, "says": "It went wrong.", "turns": [6]}]
    return {
        "session_file": place.one,
        "user_id": place.owner,
        "verdict": "struggled",
        "checks": json.dumps(checks),
        "decided_at": now(),
    }


@pytest.fixture(autouse=True)
def become(place: Talks, config: Path) -> Iterator[As]:
    with signed_in(place) as become:
        yield become


def turns(text: str) -> list[int]:
    return [int(found) for found in OPEN.findall(text)]


def show(run: Run, *words: str) -> str:
    done = run("admin", "sessions", "show", *words)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout)


def test_the_verdict_comes_first_with_its_checks(run: Run, place: Talks) -> None:
    lines = show(run, place.one).splitlines()
    email = place.rows(USERS, id=place.owner)[0]["email"]
    assert lines[0] == f"STRUGGLED: one of {email}"
    assert lines[1].split() == ["FAIL", "errors", "It", "went", "wrong.", "(#6)"]
    assert lines[2] == place.one


def test_every_event_once_and_in_order(run: Run, place: Talks) -> None:
    assert turns(show(run, place.long)) == list(range(360))
    text = show(run, place.one)
    assert turns(text) == list(range(len(turns(text))))
    expected = [
        *("user", "image image/png", "thinking", "assistant", "call Edit", "call Bash"),
        *("result Edit: 2.5 s, of #4", "result Bash: failed, 8.0 s, of #5"),
    ]
    shown = [line[18:].strip() for line in text.splitlines() if OPEN.match(line)]
    for words, line in zip(expected, shown, strict=False):
        assert line.startswith(words)
    assert "[agent x] result Read: failed" in text
    assert "── 2026-03-01 UTC ──" in text


def test_json_is_what_the_server_answers_all_pages_together(run: Run, place: Talks) -> None:
    for session, words in ((place.one, []), (place.long, ["--from-turn", "7"])):
        whole = json.loads(show(run, session, "--json", *words))
        path = f"/api/admin/sessions/{session}/transcript"
        events = all_pages(place.clients["admin"], path, 500)
        assert whole["events"] == [event for event in events if event["turn"] >= len(words) * 3.5]
        answer = place.clients["admin"].get(path).json()
        head = {name: value for name, value in answer.items() if name not in ("events", "next")}
        assert {name: whole[name] for name in head} == head
        assert whole["next"] is None


def test_a_finding_stands_where_it_happened(run: Run, place: Talks) -> None:
    lines = show(run, place.one).splitlines()
    at = next(number for number, line in enumerate(lines) if " #6 " in line and OPEN.match(line))
    assert lines[at + 1].strip().startswith(">> finding 1 of 1: warning tool_error/exec, 2 times")


@pytest.mark.parametrize("first", [0, 1, 50, 149, 359, 10**6])
@pytest.mark.parametrize("limit", [None, 50, 101])
def test_a_part_begins_where_it_is_asked_to_and_says_what_follows(
    run: Run, place: Talks, first: int, limit: int | None
) -> None:
    words = [] if limit is None else ["--limit", str(limit)]
    done = run("admin", "sessions", "show", place.long, "--from-turn", str(first), *words)
    stop = 360 if limit is None else min(360, first + limit)
    assert turns(done.stdout) == list(range(first, stop))
    more = f"{stop - first} events; the next: --from-turn {stop}\n"
    assert done.stderr == (more if first < 360 and stop < 360 else "")
    assert ("no event" in done.stdout) == (first >= 360)


@pytest.mark.parametrize("first", [0, 1, 100, 358, 360])
def test_kinds_are_chosen_from_a_turn_on(run: Run, place: Talks, first: int) -> None:
    prompts = [turn for turn in range(first, 360) if turn % 3 == 0]
    text = show(run, place.long, "--kinds", "prompts", "--from-turn", str(first))
    assert turns(text) == prompts
    part = show(run, place.long, "--kinds", "prompts", "--from-turn", str(first), "--limit", "4")
    assert turns(part) == prompts[:4]


def test_errors_are_shown_with_what_is_around_them(run: Run, place: Talks) -> None:
    text = show(run, place.long, "--errors")
    wanted = {11, 182, 10}  # two failed calls, one finding
    near = {turn + by for turn in wanted for by in range(-AROUND, AROUND + 1)}
    assert turns(text) == sorted(near)
    assert "⋮ 166 events" in text
    assert [line for line in text.splitlines() if line.startswith("! #11 ")]
    later = show(run, place.long, "--errors", "--from-turn", "12")
    assert turns(later) == [turn for turn in sorted(near) if turn >= 180]
    cut = run("admin", "sessions", "show", place.long, "--errors", "--limit", "3")
    assert turns(cut.stdout) == sorted(near)[:3]
    assert "--from-turn 11" in cut.stderr
    nothing = show(run, place.long, "--errors", "--from-turn", "300")
    assert "nothing failed and nothing was found from #300 on" in nothing


def test_errors_of_a_transcript_that_is_not_indexed_yet(run: Run, place: Talks) -> None:
    fresh = place.upload("fresh.jsonl", LONG)
    text = show(run, fresh, "--errors")
    assert turns(text) == [9, 10, 11, 12, 13, 180, 181, 182, 183, 184]
    assert "being indexed" in text
    assert turns(show(run, fresh)) == list(range(360))


def test_what_is_long_is_folded_and_full_shows_it(run: Run, place: Talks) -> None:
    lines = "\n".join(f"line {number}" for number in range(212))
    content = file(
        user("go", "u1"),
        agent(call("t1", "Bash", command="x" * 700), uuid="a1"),
        result(lines, "t1", uuid="r1"),
    ).getvalue()
    session = place.upload("folded.jsonl", content)
    text = show(run, session)
    assert f"line {FOLDS['tool_result'] - 1}\n      … 202 more lines (--full)" in text
    assert "… 462 more characters (--full)" in text
    full = show(run, session, "--full")
    assert "line 211" in full
    assert "x" * 700 in full
    assert "(--full)" not in full


def test_a_reason_is_asked_for_and_told(
    run: Run, place: Talks, become: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.instance.settings, "transcript_reason", True)
    become(place.granted)
    for words in (["show", place.one], ["download", place.one, "-o", "-"]):
        done = run("admin", "sessions", *words)
        assert (done.exit_code, done.stdout) == (3, "")
        assert "give --reason TEXT" in done.stderr
    assert run("admin", "sessions", "show", place.one, "--reason", "x" * 201).exit_code == 1
    assert turns(show(run, place.one, "--reason", "a ticket"))
    assert (
        place.last("session.transcript_view", user_id=place.granted)["params"]["reason"]
        == "a ticket"
    )
    assert turns(show(run, place.one, "--errors"))  # it holds for an hour


def test_wrong_use_is_named_before_anything_is_asked(run: Run, server: Server) -> None:
    done = run("admin", "sessions", "show", "u/f.jsonl", "--errors", "--kinds", "tools")
    assert (done.exit_code, server.requests) == (2, [])
    assert "--kinds tools" in done.stderr


def test_a_wrong_kind_is_named(run: Run, place: Talks) -> None:
    done = run("admin", "sessions", "show", place.one, "--kinds", "tool")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "kinds='tool' is not allowed: a comma list of prompts" in done.stderr


def test_a_reader_that_leaves_ends_it_quietly(place: Talks) -> None:
    """As `| head` does."""
    settings = {"AGNES_SERVER": place.address, "AGNES_TOKEN": place.token(place.admin_id)}
    words = ["admin", "sessions", "show", place.long, "--full"]
    with subprocess.Popen(
        [str(AGNES), *words],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert (first[:24], errors) == (b"NOT JUDGED YET: long of ", b"")
    assert process.returncode == 1


# Whatever stands in a transcript


def hostile_talk(text: str) -> bytes:
    given = {"command": text, "description": text, text: text, "list": [{text: [text]}]}
    records = (
        user(text, "u1"),
        agent({"type": "thinking", "thinking": text}, says(text), uuid="a1"),
        agent(call("t1", "Bash", **given), call("t2", text, **given), uuid="a2", agentId=text),
        result(text, "t1", uuid="r1"),
        result(text, "t2", uuid="r2", error=True, isSidechain=True, agentId=text),
        user([{"type": "image", "source": {"type": "base64", "media_type": text, "data": ""}}]),
        {"type": "system", "subtype": text, "content": text, "uuid": "s1"},
        {"type": text, "uuid": "x1", "message": {"role": text, "content": text}},
    )
    # Not by orjson, which refuses halves of surrogate pairs.
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


SHAPES = [HOSTILE, "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\x1b\x1b[0m[2Jb", "a\rb\x08c\td"]


@pytest.mark.parametrize(
    "text", payloads("render_ansi", "render_transcript", "render_table_cell", shapes=SHAPES)
)
def test_a_terminal_obeys_nothing_of_a_transcript(
    run: Run, place: Talks, terminal: Terminal, text: str
) -> None:
    session = place.upload(f"hostile-{new_id()}.jsonl", hostile_talk(text))
    plain = show(run, session, "--full")
    assert not OBEYED & set(plain)
    assert turns(plain) == list(range(len(turns(plain))))
    whole = show(run, session, "--json")
    assert not OBEYED & set(whole)
    terminal("stdout", columns=80)
    coloured = show(run, session, "--full")
    assert "\x1b[" in coloured  # our own
    assert not OBEYED & set(seen(coloured))
    assert turns(seen(coloured)) == turns(plain)


def test_no_line_of_a_transcript_can_pass_for_one_of_ours(run: Run, place: Talks) -> None:
    forged = "x\n  #0     00:00:00  user\n>> finding 1 of 1\nVERDICT"
    session = place.upload("forged.jsonl", hostile_talk(forged))
    text = show(run, session, "--full")
    own = len(json.loads(show(run, session, "--json"))["events"])
    assert turns(text) == list(range(own))
    assert "\n>> finding" not in text


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
TOOLS = st.sampled_from(["Bash", "Edit", "MultiEdit", "Write", "Grep", "TodoWrite"]) | st.text()
GIVEN = VALUES | st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("command", "description", "old_string", "new_string", "edits", "todos", "file_path"),
        VALUES,
    ),
)


@given(tool=TOOLS, asked=GIVEN, full=st.booleans(), width=st.sampled_from([None, 20, 80]))
def test_any_input_of_any_tool_is_shown_and_never_obeyed(
    *, tool: str, asked: Any, full: bool, width: int | None
) -> None:
    row = {
        **dict.fromkeys(("agent", "ts", "text", "outcome", "call_turn", "duration_ms")),
        "turn": 1,
        "kind": "tool_use",
        "subtype": "",
        "role": "assistant",
        "result_turn": None,
        "tool_name": tool,
        "input": asked,
    }
    lines = list(Replay(width=width, full=full).events([row]))
    assert not OBEYED & set("".join(line.text for line in lines))
    assert not any("\n" in line.text for line in lines)
    assert lines[0].text.startswith("  #1")
    assert all(line.text.startswith("      ") or not line.text for line in lines[1:])


@given(st.text(max_size=300), st.integers(24, 100))
def test_wrapping_loses_no_word_and_fits(text: str, width: int) -> None:
    line = " ".join(said(text))
    pieces = wrapped(line, width, 4)
    assert "".join("".join(pieces).split()) == "".join(line.split())
    assert all(cell_len(piece.rstrip()) <= width for piece in pieces)


@given(st.sets(st.integers(0, 200)))
def test_stretches_hold_each_wanted_turn_once(turns: set[int]) -> None:
    found = list(_stretches(sorted(turns)))
    shown = [turn for first, last in found for turn in range(first, last + 1)]
    assert shown == sorted(set(shown))
    near = {turn + by for turn in turns for by in range(-AROUND, AROUND + 1) if turn + by >= 0}
    assert near <= set(shown)
    # A single event is not left out between two of them.
    assert all(after[0] - before[1] > 2 for before, after in pairwise(found))


def test_calls_read_as_what_they_do() -> None:
    edit = {"file_path": "a.py", "old_string": "one\ntwo", "new_string": "one\nthree"}
    assert title("Edit", edit) == "a.py"
    assert list(body("Edit", edit)) == ["  one", "- two", "+ three"]
    bash = {"command": "make\ntest", "description": "Test it", "timeout": 5}
    assert title("Bash", bash) == "Test it"
    assert list(body("Bash", bash)) == ["$ make", "  test", "timeout: 5"]
    assert title("Grep", {"pattern": "x", "path": "src"}) == "x in src"
    todos = [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}]
    assert list(body("TodoWrite", {"todos": todos})) == ["[x] a", "[ ] b"]
    asked = {"questions": [{"question": "Why?", "options": ["a", "b"]}]}
    assert list(body("Ask", asked)) == [
        *("questions:", "  - question: Why?", "    options:", "      - a", "      - b"),
    ]
    assert list(body("Odd", [1])) == ["[1]"]


def test_memory_holds_one_page(server: Server) -> None:
    """However long a transcript is, a page is let go before the next is asked for."""
    from console.client import connect

    asked: list[int] = []

    def answer(request: httpx.Request) -> dict[str, Any]:
        first, limit = (int(request.url.params[name]) for name in ("from", "limit"))
        asked.append(first)
        events = [{"turn": turn} for turn in range(first, first + limit)]
        return {"events": events, "next": first + limit if first < 100_000 else None}

    server.on("GET", "/x/transcript", answer)
    with connect() as client:
        found = pages(Source(client, "/x"), Wanted())
        for number, page in enumerate(found, 1):
            assert len(asked) == number
            assert len(page["events"]) <= 100
    assert len(asked) > 1000


def transcripts() -> list[bytes]:
    """The real ones, where there are some; always made-up ones."""
    folder = os.environ.get("AGNES_TEST_CORPUS")
    real = sorted(Path(folder, "transcripts").glob("*.jsonl")) if folder else []
    assert bool(real) == bool(folder)
    return [TALK, LONG, *(path.read_bytes() for path in real)]


def test_whole_transcripts_are_shown_whole(run: Run, place: Talks) -> None:
    for content in transcripts():
        session = place.upload(f"whole-{new_id()}.jsonl", content)
        place.make_index(session)
        whole = json.loads(show(run, session, "--json"))
        wanted = list(range(whole["total"]))
        assert [event["turn"] for event in whole["events"]] == wanted
        for width in (None, 80):
            replay = Replay(width=width)
            lines = [line.text for line in (*replay.head(whole), *replay.events(whole["events"]))]
            text = "\n".join(lines)
            assert turns(text) == wanted
            assert not OBEYED & set(text)
            lines.remove(session)  # never broken, to be copied
            assert width is None or max(map(cell_len, lines)) <= width
