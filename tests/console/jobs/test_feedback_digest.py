"""The notebook of the daily digest, run as a plain program against a real server: what it says is
what it was told, and what people wrote is text in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from markupsafe import Markup

from console import client
from console.client import Client
from console.jobs import report as said
from tests.console.access_world import World
from tests.console.feedback.days_place import EXCERPT, NOW, fill, morning
from tests.console.jobs.test_notebooks import FOLDER, cells, values
from tests.console.jobs.test_reports import TAGS, _Tags

Play = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with morning(), World(tmp_path_factory.mktemp("told") / "data") as world:
        yield world


@pytest.fixture
def play(world: World, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run the digest with these parameters, as a job: all that it shows, and its variables."""

    def run(**given: str) -> tuple[str, dict[str, Any]]:
        shown: list[Markup] = []
        secret = world.instance.gate.passes.issue("run", lifetime=timedelta(hours=1))
        monkeypatch.setattr(client, "connect", lambda timeout: Client(world.address, secret))
        monkeypatch.setattr(said, "show", lambda *parts: shown.extend(parts))
        parameters, *code = cells(FOLDER / "reports" / "feedback_digest.ipynb")
        words = [f"{key} = {text!r}" for key, text in given.items()]
        names = values("\n".join([parameters, *words, *code]))
        return "\n".join(shown), names

    return run


def test_an_empty_inbox_is_said_to_be_empty(play: Play) -> None:
    text, names = play()
    assert "Nothing was reported on this day." in text
    assert "No report is kept here." in text
    assert names["came"]["groups"] == 0
    assert _Tags(text).links == []


def test_the_day_is_said_in_words_and_figures(play: Play, world: World) -> None:
    days = fill(world, 3)
    text, names = play()
    digest = names["digest"]
    assert f"<b>{days.day:%A %d %B %Y}</b> (UTC)" in text
    came, waits, kept = digest["came"], digest["open"], digest["all"]
    assert (
        f"{came['reports']} reports of {came['reporters']} people came, about {came['groups']}"
        f" problems: {digest['new']['total']} of them new, {digest['again']['total']} reported"
        " before." in text
    )
    assert f"{waits['groups']} of {kept['groups']} problems wait for an answer" in text
    for head in (f"that day (of {came['groups']})", f"Waiting (of {waits['groups']})"):
        assert head in text
    parts = ("new", "again", "reopened", "closed", "oldest")
    wanted = [row["href"] for part in parts for row in digest[part]["rows"]]
    links = _Tags(text).links
    assert sorted(links) == sorted(wanted)
    assert all(re.fullmatch(r"/admin/feedback/[0-9a-f-]{36}", link) for link in links)


def test_what_people_wrote_is_text_and_no_excerpt_is_told(play: Play, world: World) -> None:
    text, _ = play()
    assert "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x" in text
    assert _Tags(text).tags <= TAGS
    assert EXCERPT not in text
    assert "long " * 30 not in text


def test_a_day_that_is_not_over_says_so(play: Play) -> None:
    text, names = play(day=NOW.date().isoformat())
    assert "this day is not over" in text
    assert not names["digest"]["is_over"]
