"""The parts of the Sessions page agree with each other, with its export and with where they
lead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from console.as_command import SESSION_FLAGS, SESSION_OPTIONS
from console.audit import Caller, new_id, now
from console.cli.session_filters import SESSIONS
from console.jobs import board
from console.pages.sessions import SessionsPage, cards, facets, filters, rows, sentence
from console.pages.sessions import actions as taken
from console.pages.sessions import before as earlier
from console.pages.sessions.reading import Reading
from console.pages.sessions.sentence import spelled
from console.pages.visits import url
from console.session_filter import FILTERS
from console.sessions import kinds_of
from ingest.pending import ATTEMPTS
from ingest.pipeline import PROCESSORS
from schema.errors import AgnesError
from schema.policy import Principal
from schema.tables import SESSION_FILES, SESSION_FINDINGS, SESSION_PROCESSOR_STATE
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.test_sessions_truth import SPAN, Made, as_given, chosen, keep, sets

PAGE = SessionsPage()
Row = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("page")) as world:
        yield world


def read(world: World, query: str = "", **who: Any) -> Reading:
    """What the page's parts are given for this query."""
    principal = Principal("anna", is_admin=True) if not who else Principal("anna", **who)
    begun = PAGE.begun(world.instance, Caller(principal), beat=False)

    async def stated() -> Reading:
        return await PAGE.filtered(PAGE.stated(begun, query.removeprefix("?")))

    return asyncio.run(stated())


def asked(made: Made, given: dict[str, Any], **more: str) -> str:
    times = {"since": made.start.isoformat(), "until": (made.start + SPAN).isoformat()}
    return url({**as_given(made, given), **times, **more})


def total(world: World, query: str) -> int:
    return int(rows.read(read(world, query))["total"])


@settings(max_examples=max(12, settings().max_examples // 8))
@given(sets, chosen)
def test_cards_facets_list_and_export_are_of_the_same_sessions(
    world: World, some: list[Row], words: dict[str, Any]
) -> None:
    query = asked(keep(world, some), words)
    reading = read(world, query)
    listed, figures, counted = rows.read(reading), cards.read(reading), facets.read(reading)
    number = listed["total"]
    assert figures["sessions_total"] == number
    judged = sum(bool(row["verdict"] not in (None, "open")) for row in listed["rows"])
    assert sentence.read(reading).judged(figures) == judged
    for facet in counted:
        if facet.field in ("verdict", "user_id", "model", "processed"):
            assert sum(one.count for one in facet.shown + facet.folded) == number, facet.field
    exported = taken.read(reading)
    assert exported is not None
    (link,) = (link for title, link in exported["exports"] if title == "JSON lines")
    answer = world.admin.get(link)
    assert answer.headers["X-Row-Count"] == str(number)
    keys = [orjson.loads(line)["session_file"] for line in answer.text.splitlines()]
    assert keys == [row["session_file"] for row in listed["rows"]]


@settings(max_examples=max(8, settings().max_examples // 12))
@given(sets, chosen)
def test_where_a_card_or_a_facet_leads_there_are_as_many_as_it_said(
    world: World, some: list[Row], words: dict[str, Any]
) -> None:
    reading = read(world, asked(keep(world, some), words))
    state, figures = reading.state, cards.read(reading)
    for card, figure, name in (
        ("errors", "error_sessions", "only_errors"),
        ("findings", "with_findings", "has_finding"),
    ):
        if name not in state.given:
            assert total(world, figures["quick"][card].url) == figures[figure], card
    for facet in facets.read(reading):
        for choice in facet.shown:
            if facet.field in state.given:
                continue
            assert choice.include is not None
            led = read(world, choice.include)
            assert rows.read(led)["total"] == choice.count, (facet.field, choice.word)
            (again,) = (one for one in facets.read(led) if one.field == facet.field)
            (back,) = (one.include for one in again.shown + again.folded if one.included)
            assert back == state.url()


def test_a_chip_takes_out_what_it_names_and_nothing_else(world: World) -> None:
    query = "?anchor=started&has_finding=any&model=large&q=x&since_minutes=60&week=2026-11-16"
    found = filters.read(read(world, query))
    assert [(chip.name, chip.text) for chip in found["chips"]] == [
        ("finding", "of any kind"),
        ("model", "large"),
        ("week of", "16 Nov 2026"),
    ]
    assert found["chips"][0].url == query.replace("has_finding=any&", "")
    assert dict(found["hidden"]).keys() == {
        *("anchor", "has_finding", "model", "since_minutes", "week")
    }
    assert found["empty"].wider == (10_080, query.replace("=60", "=10080"))


def file_of(key: str, at: Any) -> Row:
    owner = key.partition("/")[0]
    times = {"uploaded_at": at, "first_uploaded_at": at, "indexed": False}
    return {"session_file": key, "user_id": owner, "sha256": "1" * 64, "bytes": 5, **times}


def test_a_session_that_was_not_judged_says_why(world: World) -> None:
    keys = [f"standing/{name}-{new_id()}.jsonl" for name in ("new", "held", "broken")]
    failed = {
        "processor_name": "usage",
        "session_file": keys[2],
        "user_id": "standing",
        "processor_version": PROCESSORS["usage"].version,
        "file_hash": "1" * 64,
        "processed_at": now(),
        "attempts": ATTEMPTS,
        "error": "line 3 is no JSON",
    }
    world.store.write(
        Rows(SESSION_FILES, [file_of(key, now()) for key in keys]),
        Rows(SESSION_PROCESSOR_STATE, [failed]),
    ).result()
    assert [row["session_file"] for row in board.set_aside(world.instance)] == keys[2:]
    assert world.instance.claims.take(keys[1], "a kernel", found=now())
    reading = read(world, "?user_id=standing")
    found = {row["session_file"]: row for row in rows.read(reading)["rows"]}
    says = [found[key]["standing"]["says"] for key in keys]
    assert says == ["waiting", "being read", "set aside"]
    assert found[keys[2]]["standing"]["aside"]["error"] == "line 3 is no JSON"
    assert found[keys[0]]["href"].endswith(".jsonl?user_id=standing")
    world.instance.claims.give_back(keys[1])
    again = {row["session_file"]: row for row in rows.read(reading)["rows"]}
    assert again[keys[1]]["standing"]["says"] == "waiting"
    regions = asyncio.run(PAGE.show(world.instance, reading.caller, "user_id=standing", beat=False))
    assert f"after {ATTEMPTS} failures: " in regions["rows"]
    assert "line 3 is no JSON" in regions["rows"]
    assert 'href="/admin/jobs"' in regions["rows"]
    granted = Caller(Principal("anna", surfaces=frozenset({"sessions"})))
    regions = asyncio.run(PAGE.show(world.instance, granted, "user_id=standing", beat=False))
    assert "set aside" in regions["rows"]
    assert "/admin/jobs" not in regions["rows"]


def test_a_row_opens_at_the_first_finding_with_the_list_it_stands_in(world: World) -> None:
    key = f"opening/{new_id()}.jsonl"
    common = {"session_file": key, "user_id": "opening", "severity": "info"}
    found = [
        {"id": new_id(), "finding_type": kind, "turn_index": turn, **common}
        for kind, turn in (("loop", 30), ("tool_error", 12), ("loop", 25))
    ]
    world.store.write(
        Rows(SESSION_FILES, [file_of(key, now())]), Rows(SESSION_FINDINGS, found)
    ).result()
    reading = read(world, "?sort=tokens:asc&user_id=opening")
    (row,) = rows.read(reading)["rows"]
    assert row["href"] == f"/admin/sessions/{key}?sort=tokens%3Aasc&user_id=opening#t12"
    told = [(kind["finding_type"], kind["findings"], kind["turn"]) for kind in row["kinds"]]
    assert told == [("tool_error", 1, 12), ("loop", 2, 25)]
    assert kinds_of(reading.reader, []) == {}
    own = Reading(
        type(reading.reader)(world.instance, Principal("somebody")),
        *(reading.caller, reading.state, reading.at),
    )
    assert kinds_of(own.reader, [key]) == {}


def test_a_name_is_shortened_to_what_tells_it_from_others() -> None:
    names = {
        "u/74861c3c-1111-7222-8333-444444444444.jsonl": "74861c3c…",
        "u/team_project__68ed6ce4-377683e1.jsonl": "…377683e1",
        "u/short.jsonl": "short",
    }
    assert {name: rows.short(name) for name in names} == names


def test_the_window_before_is_compared_where_there_was_something_before_it(world: World) -> None:
    at = now()
    ages = {"now": 1, "then": 8, "older": 30}
    files = [
        file_of(f"{name}-before/{new_id()}.jsonl", at - timedelta(days=days))
        for name, days in ages.items()
    ]
    world.store.write(Rows(SESSION_FILES, files)).result()
    found = earlier.read(read(world, "?user_id=then-before&since_minutes=10080"))
    assert found
    assert found.kpis["sessions_total"] == 1
    assert earlier.read(read(world, "?user_id=now-before")) is False
    assert earlier.read(read(world, "?since=1971-01-01&until=9000-01-01")) is False


def test_what_cannot_be_asked_is_named(world: World) -> None:
    for query, word in (
        ("?verdict=fine", "verdict"),
        ("?sort=height:asc", "sort"),
        ("?tab=x", "tab"),
        ("?who=ana", "who"),
    ):
        with pytest.raises(AgnesError, match=word):
            read(world, query)
    caller = Caller(Principal("anna", is_admin=True))
    regions = asyncio.run(PAGE.show(world.instance, caller, "verdict=fine", beat=False))
    assert "one of clean, recovered" in regions["notice"]
    assert regions["rows"] == ""
    assert 'href="?"' in regions["actions"]


def test_an_empty_list_offers_ways_out_also_when_the_page_asks_again(world: World) -> None:
    caller = Caller(Principal("anna", is_admin=True))
    query = "user_id=nobody&offset=50&since_minutes=1440"
    for beat in (False, True):
        regions = asyncio.run(PAGE.show(world.instance, caller, query, beat=beat))
        shown = regions["rows"]
        assert "No session matches." in shown
        assert "the last 24 h" in shown
        for way in ("Back to the first page", "Look at the last 7 d", "Reset the filters"):
            assert way in shown, way
        assert 'data-again="30000"' in shown


def test_a_length_of_time_is_spelled() -> None:
    said = {1: "one minute", 15: "15 minutes", 60: "one hour", 1440: "24 hours", 2880: "2 days"}
    assert {minutes: spelled(minutes) for minutes in said} == said


def test_every_parameter_has_its_option_in_the_terminal() -> None:
    of_terminal = {one.param: one.flags[0] for one in SESSIONS if one.param and not one.switch}
    assert of_terminal.items() <= SESSION_OPTIONS.items()
    assert {one.param: one.flags[0] for one in SESSIONS if one.switch} == SESSION_FLAGS
    ours = {*SESSION_OPTIONS, *SESSION_FLAGS} - {"sort"}
    assert ours == set(FILTERS) - {"since_minutes"}
    flags = {flag for one in SESSIONS for flag in one.flags} | {"--sort"}
    assert set(SESSION_OPTIONS.values()) <= flags
