"""The notebooks for analysts, against a real server: run by nbval as an analyst and as an admin;
what they say is of the rows that whoever runs them may see, and of no others."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pytest
from IPython.display import Markdown

from console import notebook
from console.audit import new_id, now
from console.queries.sessions import FINDING_TYPES, VERDICTS
from ingest.redact import redact
from schema.tables import SESSION_FINDINGS, USAGE_EVENTS, USAGE_SESSION_SUMMARY
from schema.transaction import Rows
from tests import books
from tests.console.telemetry_place import event
from tests.whole_server import WholeServer

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "analysis"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb")))
MINE = ("my_failures", "my_sessions", "my_tools_over_time")
HOSTILE = "</td><script>alert(1)</script>"
TOOLS = ("Bash", "Read", "mcp__agnes__query", HOSTILE)
OUTCOMES = ("ok", "ok", "ok", "error", "user_rejected", "policy_denied", "interrupted")
Row = dict[str, Any]


@dataclass
class Place:
    """A server with two people who work, an admin and a newcomer who do not, and what was
    written."""

    server: WholeServer
    people: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    sessions: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)

    def fill(self) -> None:
        for name in ("ana", "omar", "boss", "newcomer"):
            self.people[name] = self.server.person(name, is_admin=name == "boss")
            self.tokens[name] = self.server.token(self.people[name])
        draw = random.Random(7)
        for number in range(60):
            self._session(draw, ("ana", "omar")[number % 2], f"talk-{number:02}")
        self.server.instance.store.write(
            Rows(USAGE_SESSION_SUMMARY, self.sessions),
            Rows(USAGE_EVENTS, self.events),
            Rows(SESSION_FINDINGS, self.findings),
        ).result()

    def _session(self, draw: random.Random, name: str, file: str) -> None:
        owner, at = self.people[name], now() - timedelta(minutes=draw.uniform(5, 25 * 1440))
        key, outcomes = f"{owner}/{file}.jsonl", draw.choices(OUTCOMES, k=draw.randrange(12))
        whose = {"session_file": key, "user_id": owner, "username": f"{name}@example.org"}
        for outcome in outcomes:
            tool = {"tool_name": draw.choice(TOOLS), "skill_name": draw.choice((None, "review"))}
            self.events.append(event(at, **whose, **tool, outcome=outcome, model="m-1"))
        for turn in range(draw.randrange(3)):
            kind = {"finding_type": draw.choice(FINDING_TYPES), "subtype": "exec"}
            about = {"severity": "error", "turn_index": turn, "line_no": turn, "count": 1}
            made = {"id": new_id(), "excerpt": HOSTILE, "detected_at": at}
            self.findings.append({**whose, **kind, **about, **made})
        figures = {"tool_calls": len(outcomes), "tool_errors": outcomes.count("error")}
        tokens = {"input_tokens": 10, "output_tokens": 5, "active_seconds": 60.0}
        found = sum(one["session_file"] == key for one in self.findings)
        about = {"session_id": file, "verdict": draw.choice((None, *VERDICTS)), "findings": found}
        times = {"started_at": at, "uploaded_at": at, "extracted_at": at}
        self.sessions.append({**whose, **figures, **tokens, **about, **times})

    def of(self, rows: list[Row], *names: str) -> list[Row]:
        return [row for row in rows if row["user_id"] in {self.people[name] for name in names}]

    def settings(self, who: str) -> dict[str, str]:
        return {"AGNES_SERVER": self.server.address, "AGNES_TOKEN": self.tokens[who]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("analysis") / "data"
    with WholeServer(folder, AGNES_JOBS="0", AGNES_QUERY_PER_MINUTE="10000") as server:
        place = Place(server)
        place.fill()
        yield place


@dataclass
class Told:
    """What a notebook left: its variables, and what each cell of it shows."""

    names: dict[str, Any]
    shown: list[Any]

    @property
    def text(self) -> str:
        return "\n".join(one.data for one in self.shown if isinstance(one, Markdown))


Play = Callable[[str, str], Told]


@pytest.fixture(scope="module")
def play(place: Place) -> Play:
    """Run a notebook as a plain program, as somebody: once, whoever asks for it again."""

    @cache
    def run(name: str, who: str) -> Told:
        told = Told({}, [])
        with pytest.MonkeyPatch.context() as environment:
            for setting, value in place.settings(who).items():
                environment.setenv(setting, value)
            for cell in cells(name):
                body = ast.parse("".join(cell["source"])).body
                last = body.pop() if isinstance(body[-1], ast.Expr) else None
                exec(compile(ast.Module(body, []), name, "exec"), told.names)  # noqa: S102 (ours)
                if isinstance(last, ast.Expr):
                    code = compile(ast.Expression(last.value), name, "eval")
                    told.shown.append(eval(code, told.names))  # noqa: S307 (ours)
        told.names["server"].close()
        told.names["con"].disconnect()
        return told

    return run


def cells(name: str) -> list[Row]:
    return books.cells(FOLDER / f"{name}.ipynb")


def test_there_are_four() -> None:
    assert ("instance_overview", *MINE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_begins_alike_and_holds_no_answer_and_no_secret(name: str) -> None:
    first, parameters, imports, *others = cells(name)
    assert "from console import notebook, views\n" in imports["source"]
    assert "".join(first["source"]) == "import ibis\n\ncon = ibis.agnes.connect()"
    assert parameters["metadata"]["tags"] == ["parameters"]
    assert not any("tags" in cell["metadata"] for cell in (imports, *others))
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells(name))
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert redact(text) == text
    assert "://" not in text
    assert "@" not in text
    assert "token=" not in text


@pytest.mark.parametrize("who", ["ana", "boss"])
def test_every_notebook_runs_in_a_kernel(place: Place, who: str, tmp_path: Path) -> None:
    books.run([FOLDER / f"{name}.ipynb" for name in NAMES], tmp_path, place.settings(who))


def test_my_sessions_are_mine(place: Place, play: Play) -> None:
    told = play("my_sessions", "ana")
    mine = place.of(place.sessions, "ana")
    (whole,) = told.names["whole"].to_dict("records")
    assert whole["sessions"] == len(mine)
    assert whole["calls"] == sum(row["tool_calls"] for row in mine)
    assert whole["tokens"] == 15 * len(mine)
    assert told.names["by_day"].sessions.sum() == len(mine)
    assert told.names["weeks"]["total_findings"] == len(place.of(place.findings, "ana"))
    worst = told.names["worst"]
    assert worst.findings.max() == max(row["findings"] for row in mine)
    files = {row["session_file"].partition("/")[2] for row in mine}
    start = f"{place.server.address}/me/sessions/"
    assert {link.removeprefix(start) for link in worst.replay} <= files


def test_my_failures_are_mine(place: Place, play: Play) -> None:
    told = play("my_failures", "ana")
    calls = place.of(place.events, "ana")
    tools = {row["tool_name"]: row for row in told.names["tools"].to_dict("records")}
    for name in TOOLS:
        these = [row["outcome"] for row in calls if row["tool_name"] == name]
        assert tools[name]["calls"] == len(these)
        assert tools[name]["errors"] == these.count("error")
        assert tools[name]["rejected"] == these.count("user_rejected")
        assert tools[name]["denied"] == these.count("policy_denied")
        share = tools[name]["share"]
        assert (share == share) is (len(these) >= 10)  # none of too few calls
    assert told.names["alike"].findings.sum() == len(place.of(place.findings, "ana"))


def test_my_tools_are_mine(place: Place, play: Play) -> None:
    told = play("my_tools_over_time", "ana")
    calls = place.of(place.events, "ana")
    assert told.names["count"] == len(calls)
    groups = [bucket["groups"] for bucket in told.names["by_tool"]["buckets"]]
    for name in TOOLS:
        same = sum(row["tool_name"] == name for row in calls)
        assert sum(group.get(name, 0) for group in groups) == same
    started = told.names["started"].set_index(["kind", "name"]).calls
    assert started["skill", "review"] == sum(row["skill_name"] == "review" for row in calls)
    on_server = sum(row["tool_name"] == "mcp__agnes__query" for row in calls)
    assert started["MCP server", "agnes"] == on_server


@pytest.mark.parametrize(("who", "whose"), [("boss", ("ana", "omar")), ("ana", ("ana",))])
def test_the_overview_is_of_everybody_for_an_admin_alone(
    place: Place, play: Play, who: str, whose: tuple[str, ...]
) -> None:
    told = play("instance_overview", who)
    sessions, calls = place.of(place.sessions, *whose), place.of(place.events, *whose)
    (whole,) = told.names["whole"].to_dict("records")
    assert (whole["people"], whole["sessions"]) == (len(whose), len(sessions))
    assert set(told.names["people"].user_id) == {place.people[name] for name in whose}
    assert told.names["count"] == len(calls)
    errors = sum(row["outcome"] == "error" for row in calls)
    assert told.names["failing"].errors.sum() == errors
    assert told.names["weeks"]["total_findings"] == len(place.of(place.findings, *whose))
    assert ("is an admin: what follows is of **everybody**" in told.text) is (who == "boss")
    assert ("is not an admin.** All that follows is of **your own rows" in told.text) is (
        who == "ana"
    )
    assert ("only an admin can ask for it" in told.text) is (who == "ana")


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_is_it_says_so(play: Play, name: str) -> None:
    told = play(name, "newcomer")
    sentences = [one.data for one in told.shown if isinstance(one, Markdown)]
    assert len(sentences) >= len(told.shown) - 1  # the overview has a log even then
    assert "a larger `days` looks further back" in told.text


def test_an_admins_own_notebooks_are_of_the_admin(play: Play) -> None:
    for name in MINE:
        assert "a larger `days` looks further back" in play(name, "boss").text


def test_what_others_wrote_is_text(play: Play) -> None:
    told = play("my_failures", "ana")
    tables = [one.to_html() for one in told.shown if hasattr(one, "to_html")]
    assert len(tables) == 3
    assert not any(HOSTILE in html for html in tables)
    assert sum("&lt;script&gt;" in html for html in tables) == 2
    assert tables[-1].count(">open</a>") == len(told.names["newest"])


def test_the_figures_are_those_of_the_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, value in place.settings("boss").items():
        monkeypatch.setenv(setting, value)
    con = ibis.agnes.connect()
    since, until = notebook.last(30)
    window = {name: f"{at.isoformat()}Z" for name, at in (("since", since), ("until", until))}
    with place.server.client(place.tokens["boss"]) as client:

        def answer(path: str, **params: str) -> Row:
            found = client.get(path, params={**window, **params}).raise_for_status()
            return {key: value for key, value in found.json().items() if key != "filter"}

        for by in (None, "tool_name", "skill"):
            grouped = {"group_by": by} if by else {}
            page = answer("/api/admin/telemetry/series", **grouped)
            mine = notebook.calls(con.table("agnes_telemetry"), since, until, by=by)
            for bucket in mine["buckets"]:
                bucket["ts"] = f"{bucket['ts'].isoformat()}Z"
            assert {name: page[name] for name in mine} == mine
        page = answer("/api/admin/sessions/findings")
        of, found = con.table("agnes_sessions"), con.table("agnes_findings")
        mine = notebook.findings(found, of, since, until)
        assert mine["cells"]
        assert {name: page[name] for name in mine} == mine
    con.disconnect()
