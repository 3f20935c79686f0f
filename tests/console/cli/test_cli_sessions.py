"""`agnes admin sessions` and `agnes sessions` against a whole server: what is listed, named, found
and saved."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console.cli.session_names import LEAST
from schema.tables import USERS
from tests.console.cli.served import As, signed_in
from tests.console.cli.stand_in import Run, Server, Terminal, seen
from tests.console.cli.test_cli_activity import ESCAPED, HOSTILE, OBEYED
from tests.console.sessions_place import FINDINGS, KPIS, LIST, ask, fill
from tests.console.transcript_place import SIDE, TALK, Place


class Talks(Place):
    one: str  # with a subagent
    two: str


YEAR = {"since_minutes": 525_600}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talks]:
    with Talks(tmp_path_factory.mktemp("cli")) as place:
        fill(place)
        place.one = place.upload("talk-one.jsonl", TALK)
        place.upload("agent-x.jsonl", SIDE, parent=place.one)
        place.two = place.upload("talk-two.jsonl", TALK)
        yield place


@pytest.fixture(autouse=True)
def become(place: Talks, config: Path) -> Iterator[As]:
    with signed_in(place) as become:
        yield become


def table(text: str) -> list[str]:
    return text.splitlines()[1:]


def test_the_list_is_the_servers_in_its_order(run: Run, place: Talks) -> None:
    done = run("admin", "sessions", "--limit", "200")
    answer = ask(place, LIST, limit=200)
    files = [row["session_file"].partition("/")[2] for row in answer["rows"]]
    assert [line.split()[-1] + ".jsonl" for line in table(done.stdout)] == files
    failed = [line.startswith("!") for line in table(done.stdout)]
    assert failed == [row["tool_errors"] > 0 for row in answer["rows"]]
    assert f"{len(files)} of {answer['total']} sessions" in done.stderr
    words = ("admin", "sessions", "list", "--limit", "200", "--json")
    assert json.loads(run(*words).stdout)["rows"] == answer["rows"]


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["--errors"], {"only_errors": "true"}),
        (["--verdict", "failed"], {"verdict": "failed"}),
        (["--finding", "loop"], {"has_finding": "loop"}),
        (["--model", "small"], {"model": "small"}),
        (["-q", "session-0"], {"q": "session-0"}),
        (["--since", "2d", "--anchor", "started"], {"since_minutes": 2880, "anchor": "started"}),
        (["--since", "365d"], YEAR),
    ],
)
def test_one_filter_for_list_figures_and_findings(
    run: Run, place: Talks, words: list[str], params: dict[str, object]
) -> None:
    listed = json.loads(run("admin", "sessions", "list", *words, "--json").stdout)
    assert listed["total"] == ask(place, LIST, **params)["total"] > 0
    figures = json.loads(run("admin", "sessions", "kpis", *words, "--json").stdout)
    assert figures["sessions_total"] == listed["total"]
    found = json.loads(run("admin", "sessions", "findings", *words, "--json").stdout)
    assert found["total_findings"] == ask(place, FINDINGS, **params)["total_findings"]


def test_a_user_is_named_by_e_mail_or_by_id(run: Run, place: Talks, become: As) -> None:
    (id,) = {row["user_id"] for row in ask(place, LIST, username="s0@example.org")["rows"]}
    of_them = ask(place, LIST, user_id=id)["total"]
    for user in ("s0@example.org", "S0@example.ORG", id):
        listed = json.loads(run("admin", "sessions", "list", "--user", user, "--json").stdout)
        # Also those that nobody has read yet, of which only the id is known.
        assert listed["total"] == of_them == 8
    nobody = run("admin", "sessions", "list", "--user", "no@example.org")
    assert (nobody.exit_code, "no user has the e-mail no@example.org" in nobody.stderr) == (1, True)
    become(place.granted)  # who may not look people up
    done = run("admin", "sessions", "list", "--user", "s0@example.org", "--json")
    assert json.loads(done.stdout)["total"] == 6


def test_figures_have_their_denominators(run: Run, place: Talks) -> None:
    figures = ask(place, KPIS)
    text = run("admin", "sessions", "kpis").stdout
    total, failed = figures["sessions_total"], figures["error_sessions"]
    assert f"sessions       {total} of {figures['distinct_users']} people" in text
    assert f"with failures  {failed} of {total} ({100 * failed / total:.1f} %)" in text
    assert "not judged yet" in text
    assert f"waiting        {total - figures['processed']} of {total}" in text


def test_nothing_found_says_what_was_asked_and_what_to_try(run: Run) -> None:
    for command in ("list", "kpis", "findings"):
        done = run("admin", "sessions", command, "--model", "no such", "--since", "1d")
        assert done.exit_code == 0
        assert "no " in done.stdout
        assert "with --since 1d --model 'no such'" in done.stdout
        assert "--since 90d" in done.stderr


@pytest.mark.parametrize(
    ("words", "named", "code"),
    [
        (["list", "--verdict", "bad"], "verdict='bad'", 1),
        (["list", "--sort", "size"], "sort='size'", 1),
        (["list", "--since", "400d"], "--since='400d'", 2),
        (["list", "--limit", "201"], "'--limit'", 2),
        (["list", "--week", "2026-11-17"], "week='2026-11-17'", 1),
        (["list", "--search", ""], "--search=''", 2),
        (["findings", "--cursor", "x"], "--cursor x", 2),
        (["findings", "--type", "sad"], "finding_type='sad'", 1),
        (["show", "abc"], f"at least {LEAST} characters", 2),
        (["show", "no-such-session"], "'no-such-session'", 1),
        (["show", "talk-"], "2 sessions begin with 'talk-'", 2),
        (["show", "x/../y.jsonl"], "user='x'", 1),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    run: Run, words: list[str], named: str, code: int
) -> None:
    done = run("admin", "sessions", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert named in done.stderr


def test_findings_page_on_by_the_printed_command(run: Run, place: Talks) -> None:
    everything = ask(place, FINDINGS, limit=500, has_finding="loop")["rows"]
    assert len(everything) > 2
    words = ["admin", "sessions", "findings", "--finding", "loop", "--limit", "2"]
    rows = []
    while words:
        done = run(*words)
        rows += table(done.stdout)
        more = done.stderr.strip().removeprefix("more: agnes ")
        words = shlex.split(more) if more != done.stderr.strip() else []
    assert [row.split()[3] for row in rows] == [row["finding_type"] for row in everything]


def test_findings_by_week_are_the_heatmap(run: Run, place: Talks) -> None:
    answer = ask(place, FINDINGS)
    text = run("admin", "sessions", "findings", "--by-week").stdout
    for cell in answer["cells"]:
        line = next(line for line in text.splitlines() if line.startswith(cell["week"]))
        assert f" {cell['findings']} ({cell['sessions']})" in line
    assert f"{answer['total_findings']} findings in {answer['total_sessions']} sessions" in text


def test_facets_and_exports_are_of_the_same_sessions(
    run: Run, place: Talks, tmp_path: Path
) -> None:
    text = run("admin", "sessions", "facets", "--model", "small").stdout
    assert "MODELS  SESSIONS\nsmall          6\n" in text
    file = tmp_path / "out.json"
    words = ["--model", "small", "--format", "json", "--out", str(file)]
    assert run("admin", "sessions", "export", *words).stdout.startswith("6 rows")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    listed = ask(place, LIST, model="small")["rows"]
    assert {row["session_file"] for row in rows} == {row["session_file"] for row in listed}


@pytest.mark.parametrize(
    "words",
    [
        ["{file}"],
        ["{user}", "{name}"],
        ["{email}", "{name}"],
        ["{email}/{name}"],
        ["{user}/talk-one"],
        ["talk-o"],
        ["talk-o…"],
        ["TALK-ONE.jsonl"],
    ],
)
def test_a_session_is_named_in_many_ways(run: Run, place: Talks, words: list[str]) -> None:
    user, name = place.one.split("/")
    email = place.rows(USERS, id=user)[0]["email"]
    named = [word.format(file=place.one, user=user, name=name, email=email) for word in words]
    done = run("admin", "sessions", "show", *named)
    assert done.exit_code == 0, done.stderr
    assert place.one in done.stdout


def test_a_transcript_is_saved_as_it_was_sent_and_never_over_another(
    run: Run, place: Talks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("admin", "sessions", "download", "talk-one")
    file = tmp_path / "talk-one.jsonl"
    assert file.read_bytes() == TALK
    assert done.stdout == f"{len(TALK):,} bytes: talk-one.jsonl\n"
    file.write_text("mine")
    before = len(place.log("session_download"))
    again = run("admin", "sessions", "download", "talk-one")
    assert (again.exit_code, file.read_text()) == (2, "mine")
    assert "--force" in again.stderr
    assert len(place.log("session_download")) == before
    assert run("admin", "sessions", "download", "talk-one", "--force").exit_code == 0
    assert file.read_bytes() == TALK
    assert run("admin", "sessions", "download", place.two, "-o", "-").stdout_bytes == TALK
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == [file.name]


def test_all_of_a_persons_sessions_are_a_zip(
    run: Run, place: Talks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    email = place.rows(USERS, id=place.owner)[0]["email"]
    done = run("admin", "sessions", "download", "--all", "--user", email)
    assert done.exit_code == 0, done.stderr
    (file,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 3
    assert done.stdout.startswith("3 files, ")
    piped = run("admin", "sessions", "download", "--all", "--user", email, "-o", "-")
    with zipfile.ZipFile(io.BytesIO(piped.stdout_bytes)) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize(
    "words",
    [[], ["--all"], ["--user", "u"], ["one", "--all", "--user", "u"]],
    ids=["nothing", "all", "user", "both"],
)
def test_a_download_of_nothing_clear_is_wrong_use(run: Run, words: list[str]) -> None:
    assert run("admin", "sessions", "download", *words).exit_code == 2


@pytest.mark.parametrize(
    ("headers", "content"),
    [({"Content-Length": "9"}, b"short"), ({"X-File-Count": "2"}, b"PK\x03\x04 cut off")],
    ids=["short", "zip"],
)
def test_what_did_not_arrive_whole_is_not_kept(
    run: Run, server: Server, tmp_path: Path, headers: dict[str, str], content: bytes
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, content=iter([content]))

    zipped = "X-File-Count" in headers
    user = "01a20838-a453-70a5-94d4-e2ddc08eb6c0"
    if zipped:
        server.on("GET", f"/api/admin/users/{user}/sessions/download-all", answer)
    else:
        server.on("GET", f"/api/admin/sessions/{user}/a.jsonl/download", answer)
    words = ["--all", "--user", user] if zipped else [f"{user}/a.jsonl"]
    done = run("admin", "sessions", "download", *words, "-o", str(tmp_path / "out"))
    assert (done.exit_code, list(tmp_path.glob("*out*"))) == (1, [])
    assert "try again" in done.stderr


def test_ones_own_sessions_need_no_grant(
    run: Run, place: Talks, become: As, tmp_path: Path
) -> None:
    run("admin", "sessions", "show", place.one, "--reason", "to help\x1b[2J")
    become(place.owner)
    assert run("admin", "sessions", "list").exit_code == 3
    names = [line.split()[-1] for line in table(run("sessions").stdout)]
    assert sorted(names) == ["talk-one", "talk-two"]
    assert place.one in run("sessions", "show", "talk-one").stdout
    file = tmp_path / "mine.jsonl"
    assert run("sessions", "download", "talk-two", "-o", str(file)).exit_code == 0
    assert file.read_bytes() == TALK
    looks = run("sessions", "views").stdout
    assert "to help\\x1b[2J" in looks
    become(place.analyst)
    assert run("sessions").stdout == "no sessions\n"
    assert run("sessions", "show", "talk-one").exit_code == 1


def test_who_looked_at_a_session(run: Run, place: Talks) -> None:
    run("admin", "sessions", "show", place.two)
    done = run("admin", "sessions", "views", place.two)
    assert "session.transcript_view" in done.stdout
    rows = json.loads(run("admin", "sessions", "views", place.two, "--json").stdout)["rows"]
    assert len(table(done.stdout)) == len(rows) > 0


ROW = {
    "session_file": f"u/{HOSTILE}.jsonl",
    **dict.fromkeys(("user_email", "verdict", "primary_model"), HOSTILE),
    "uploaded_at": HOSTILE,
    **dict.fromkeys(("findings", "tool_errors", "tool_calls", "tokens", "hits"), 1),
    "active_seconds": 90.0,
    "processed": True,
    "snippet": [[HOSTILE, True]],
}
HIT = {"session_file": f"u/{HOSTILE}.jsonl", "turn": 1, "role": HOSTILE, "kind": HOSTILE}
FOUND = {**dict.fromkeys(("finding_type", "severity", "excerpt"), HOSTILE), "count": 1}
PAGED = {"total": 1, "limit": 50, "offset": 0, "next_offset": None}


@pytest.mark.parametrize(
    ("words", "endpoint", "answer"),
    [
        (["list"], "list", {**PAGED, "rows": [ROW]}),
        (
            ["search", "x"],
            "search",
            {
                **PAGED,
                "rows": [{**HIT, "parts": [[HOSTILE, True]], "ts": HOSTILE}],
                "indexed": 1,
                "waiting": 0,
                "hits": 1,
                "sessions": 1,
                "truncated": False,
            },
        ),
        (
            ["findings"],
            "findings",
            {"rows": [{**ROW, **FOUND, "turn_index": 1, "at": HOSTILE}], "next_cursor": None},
        ),
        (["facets"], "facets", {"models": [{"value": HOSTILE, "count": 1}], "other": {}}),
    ],
)
def test_hostile_names_and_lines_are_shown_and_never_obeyed(
    run: Run, server: Server, words: list[str], endpoint: str, answer: object
) -> None:
    content = json.dumps(answer).encode()
    server.on(
        "GET", f"/api/admin/sessions/{endpoint}", lambda _: httpx.Response(200, content=content)
    )
    done = run("admin", "sessions", *words)
    assert done.exit_code == 0
    assert ESCAPED.split(r"\r")[0] in done.stdout
    assert not OBEYED & set(done.stdout + done.stderr)
    assert len(done.stdout.splitlines()) == 2
    text = run("admin", "sessions", *words, "--json").stdout
    assert json.loads(text) == answer
    assert not OBEYED & set(text)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_list_fits_the_terminal(run: Run, place: Talks, terminal: Terminal, columns: int) -> None:
    terminal(columns=columns)
    for words in (["list"], ["findings"], ["list", "-q", "talk"]):
        done = run("admin", "sessions", *words)
        assert done.exit_code == 0, done.stderr
        lines = [seen(line) for line in done.stdout.splitlines()]
        assert max(map(len, lines)) <= columns
        assert "SESSION" in lines[0]
