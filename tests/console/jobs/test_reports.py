"""The report notebooks, run as plain programs against a real server: what they say is what they
were told, and a name in it is text. `test_kernels.py` starts real kernels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import Markup

from console import client
from console.client import Client
from console.jobs import report as said
from tests.console.access_world import World
from tests.console.jobs.test_notebooks import FOLDER, cells, values
from tests.console.reports_place import HOSTILE, WEEK, fill

THIS = WEEK.date().isoformat()
Play = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("told") / "data") as world:
        fill(world, 3, group="Sales")
        yield world


@pytest.fixture
def play(world: World, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a report with these parameters, as a job: all that it shows, and its variables."""

    def run(name: str, **given: str) -> tuple[str, dict[str, Any]]:
        shown: list[Markup] = []
        secret = world.instance.gate.passes.issue("run", lifetime=timedelta(hours=1))
        monkeypatch.setattr(client, "connect", lambda timeout: Client(world.address, secret))
        monkeypatch.setattr(said, "show", lambda *parts: shown.extend(parts))
        monkeypatch.setenv("AGNES_RUN_ID", "run")
        parameters, *code = cells(FOLDER / "reports" / f"{name}.ipynb")
        words = [f"{key} = {text!r}" for key, text in given.items()]
        names = values("\n".join([parameters, *words, *code]))
        return "\n".join(shown), names

    return run


class _Tags(HTMLParser):
    """The tags and links that a browser would make of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on")]


TAGS = {"p", "b", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "h4", "a"}


def test_the_week_is_said_in_words_and_figures(play: Play) -> None:
    text, names = play("weekly_report", week=THIS, group="Sales")
    report = names["report"]
    now, before = report["sessions"]["now"], report["sessions"]["before"]
    assert "<b>Week of 04 March 2024</b> (Monday to Sunday, UTC) · Sales, 2 people" in text
    came = f"{now['sessions_total']} sessions of 2 people came, after {before['sessions_total']}"
    assert came in text
    assert said.change(now["sessions_total"], before["sessions_total"]) in text
    for name, count in now["by_verdict"].items():
        row = f"<td>Verdict: {'not judged' if name == 'none' else name}</td>"
        assert f'{row}<td style="text-align: right">{count}</td>' in text
    assert f"{report['cost']['now']['total']:,.2f}" in text
    assert _Tags(text).tags <= TAGS


def test_what_was_named_by_others_is_text(play: Play) -> None:
    for name in ("weekly_report", "failure_review"):
        text, _ = play(name, week=THIS)
        assert str(Markup.escape(HOSTILE)) in text
        assert HOSTILE not in text
        assert _Tags(text).tags <= TAGS


def test_a_review_leads_to_the_turns(play: Play) -> None:
    text, names = play("failure_review", week=THIS)
    links = _Tags(text).links
    found = [row for one in names["report"]["worst"] for row in one["findings"]]
    assert found
    for row in found:
        assert f"/admin/sessions/{row['session_file']}#t{row['turn_index']}" in links
    assert all(re.match(r"/admin/sessions/[^/]+/[^/]+\.jsonl(#t\d+)?\Z", link) for link in links)


@pytest.mark.parametrize("name", ["weekly_report", "failure_review"])
def test_an_empty_week_is_said_to_be_empty(play: Play, name: str) -> None:
    text, _ = play(name, week="2001-01-01")
    assert "Nothing was uploaded in this week" in text
    text, _ = play(name)  # the last week: nothing was made for it
    assert "Nothing was uploaded in this week" in text


def test_few_calls_make_no_rate() -> None:
    few = {"events_total": 3, "error_rate": 0.3333, "error_low": 0.06, "error_high": 0.79}
    many = {"events_total": 900, "error_rate": 0.5, "error_low": 0.47, "error_high": 0.53}
    low = {**many, "error_rate": 0.1, "error_low": 0.08, "error_high": 0.12}
    near = {**many, "error_rate": 0.52, "error_low": 0.49, "error_high": 0.55}
    few["enough"], many["enough"], low["enough"], near["enough"] = False, True, True, True

    def told(now: Any, before: Any) -> str:
        return said._rate({"now": now, "before": before})

    assert told(few, many).endswith("too few calls for a rate that means anything.")
    assert told(many, few).endswith("too few calls to compare with.")
    assert told(many, low).endswith("more than chance.")
    assert told(many, near).endswith("a difference that chance may make.")
    assert told({**few, "events_total": 0}, many) == "No tool was called."


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (5, 5, "±0"),
        (12, 10, "+2 (+20 %)"),
        (5, 10, "−5 (−50 %)"),
        (3, 0, "+3"),
        (0, 3, "−3 (−100 %)"),
    ],
)
def test_a_change_has_its_share_where_there_is_one(now: int, before: int, text: str) -> None:
    assert said.change(now, before) == text
