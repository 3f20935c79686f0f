"""The parts of the Telemetry page agree with each other, with its exports, and with a reckoning in
plain Python; its links ask for what they say."""

from __future__ import annotations

import csv
import io
from array import array
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.as_command import TELEMETRY_FLAGS, TELEMETRY_OPTIONS
from console.cli.session_filters import TELEMETRY
from console.pages.telemetry import actions, before, body, cards, facets, failures, groups, series
from console.pages.telemetry.state import TABS
from console.pages.telemetry.words import GROUPS, parameter
from console.queries import telemetry as queries
from console.queries.telemetry_filter import COLUMNS, OUTCOMES, TERMS
from console.transcript import indexing
from ingest.transcript.index import Index
from schema.errors import BadParameter
from schema.policy import Principal
from tests.console.access_world import World
from tests.console.pages.telemetry.telemetry_reading import asks, reading
from tests.console.telemetry_place import BASE, bounds, event, window, write

EXAMPLES = max(8, settings().max_examples // 12)  # one example asks some twenty times
TOOLS = (None, "Bash", "Read", "mcp__a__x", "mcp__b__y", "<b>", "none")
rows = st.lists(
    st.fixed_dictionaries(
        {
            "minute": st.integers(0, 2 * 1440 - 1),
            "tool_name": st.sampled_from(TOOLS),
            "user_id": st.sampled_from((None, "u-1", "u-2")),
            "session_file": st.sampled_from(("u-1/a.jsonl", "u-2/b.jsonl")),
            "skill_name": st.sampled_from((None, "charts:bar", "any")),
            "outcome": st.sampled_from((*OUTCOMES, None)),
        }
    ),
    max_size=60,
)
questions = st.fixed_dictionaries(
    {"tab": st.sampled_from(list(groups.BY)), "group_by": st.sampled_from(list(GROUPS))},
    optional={
        "tool_name": st.sampled_from(("Bash", "none", "<b>")),
        "only_errors": st.just("true"),
        "outcome": st.sampled_from(("error", "ok", "none")),
        "q": st.just("mcp"),
        "stack": st.sampled_from(series.STACKS),
    },
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("telemetry-page")) as world:
        yield world


def made(world: World, *some: dict[str, Any]) -> dict[str, str]:
    """The window of these events, of which `minute` is the place."""
    within = window()
    places = (within[0] + timedelta(minutes=row.get("minute", 1)) for row in some)
    columns = ({name: row[name] for name in row if name != "minute"} for row in some)
    write(world, [event(at, **row) for at, row in zip(places, columns, strict=True)])
    return bounds(within)


def wanted(row: dict[str, Any], asked: dict[str, str]) -> bool:
    """The filter of the page in plain Python, with what its tab is about."""
    name = row["tool_name"] or ""
    server = name.split("__")[1] if name.startswith("mcp__") else None
    about = {"skills": row["skill_name"], "mcp": server, "subagents": None, "tools": True}
    tests = [about[asked["tab"]] is not None]
    for column in ("tool_name", "outcome"):
        if column in asked:
            value = asked[column]
            tests.append(row[column] is None if value == "none" else row[column] == value)
    if "only_errors" in asked:
        tests.append(row["outcome"] == "error")
    if "q" in asked:
        tests.append("mcp" in name)
    return all(tests)


@settings(max_examples=EXAMPLES)
@given(some=rows, asked=questions)
def test_cards_facets_chart_table_and_exports_count_the_same_calls(
    world: World, some: list[dict[str, Any]], asked: dict[str, str]
) -> None:
    span = made(world, *some)
    here = reading(world, {**span, **asked})
    found = [row for row in some if wanted(row, asked)]
    errors = sum(row["outcome"] == "error" for row in found)
    card = cards.read(here)
    assert (card["events_total"], card["errors"]) == (len(found), errors)
    for facet in facets.read(here):
        shown = sum(choice.count for choice in facet.shown + facet.folded)
        assert shown + facet.other["count"] == len(found), facet.title
    table = groups.read(here)
    assert table["whole"] == sum(row["invocations"] for row in table["rows"]) == len(found)
    assert sum(row["errors"] for row in table["rows"]) == errors
    drawn = series.read(here)
    assert (drawn["total"], drawn["errors"]) == (len(found), errors) if drawn else not found
    if asked["group_by"] == "tool":
        counted = Counter(row["tool_name"] for row in found)
        assert {row["bucket"]: row["invocations"] for row in table["rows"]} == counted
    of_table, of_calls = (exported(world, export.links) for export in actions.read(here)["exports"])
    assert len(of_calls) == len(found)
    said = [(row["bucket"] or "", str(row["invocations"])) for row in table["rows"]]
    assert [(row["bucket"].lstrip("'"), row["invocations"]) for row in of_table] == said


def exported(world: World, links: list[tuple[str, str]]) -> list[dict[str, str]]:
    (url,) = (url for title, url in links if title == "CSV")
    answer = world.admin.get(url)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


@settings(max_examples=EXAMPLES)
@given(some=rows, by=st.sampled_from(list(GROUPS)))
def test_a_row_leads_to_its_own_calls_and_its_errors(
    world: World, some: list[dict[str, Any]], by: str
) -> None:
    span = made(world, *some)
    table = groups.read(reading(world, {**span, "group_by": by}))
    for row in table["rows"]:
        if row["bucket"] in ("any", "none"):
            continue  # words of the filter: who is called so is found with the others
        narrowed = reading(world, asks(row["url"]))
        assert cards.read(narrowed)["events_total"] >= row["invocations"]
        failed = cards.read(reading(world, asks(row["failed"])))
        assert failed["events_total"] == failed["errors"] >= row["errors"]
        if row["bucket"] is not None or by not in ("tool", "skill"):
            assert cards.read(narrowed)["events_total"] == row["invocations"]
        (again,) = groups.read(narrowed)["rows"]
        assert again["on"]
        assert by == "day" or asks(again["url"]).keys() == {*span, "group_by"}


def test_a_page_of_groups_goes_on_where_the_one_before_ended(world: World) -> None:
    names = [f"tool-{number:03}" for number in range(120)]
    span = made(world, *({"tool_name": name} for name in names))
    seen, url = [], {**span, "sort": "bucket:asc"}
    for _ in range(4):
        page = groups.read(reading(world, url))
        seen += [row["bucket"] for row in page["rows"]]
        assert page["total"] == 120
        if "next" not in page["links"]:
            break
        url = asks(page["links"]["next"])
    assert seen == names
    back = groups.read(reading(world, asks(page["links"]["previous"])))
    assert back["rows"][0]["bucket"] == names[50]
    assert "offset" not in asks(back["links"]["previous"])


def test_a_rate_of_few_calls_does_not_top_the_table(world: World) -> None:
    few = [{"tool_name": "once", "outcome": "error"}]
    many = [{"tool_name": "often", "outcome": "error" if n < 3 else "ok"} for n in range(40)]
    span = made(world, *few, *many)
    first, last = groups.read(reading(world, {**span, "sort": "error_rate:desc"}))["rows"]
    assert (first["bucket"], first["enough"], last["bucket"], last["enough"]) == (
        *("often", True),
        *("once", False),
    )
    assert 0 < first["error_low"] < first["error_rate"] < first["error_high"] < 1


def test_what_did_not_go_well_is_no_error(world: World) -> None:
    span = made(world, *({"outcome": outcome} for outcome in OUTCOMES))
    card = cards.read(reading(world, span))
    assert (card["errors"], card["apart"]) == (1, 4)
    assert dict(card["outcomes"]) == dict.fromkeys(cards.APART, 1)


def test_cards_are_switches(world: World) -> None:
    span = made(world, {"user_id": "u-1"}, {"outcome": "error"})
    quick = cards.read(reading(world, {**span, "tab": "mcp"}))["quick"]
    for card, group in (("calls", "day"), ("people", "user"), ("outcomes", "outcome")):
        on = asks(quick[card].url)
        assert (on["group_by"], on["tab"]) == (group, "mcp")
        again = cards.read(reading(world, on))["quick"][card]
        assert again.on
        assert asks(again.url) == {**span, "tab": "mcp"}
    for only in (asks(quick["errors"].url), {**span, "tab": "mcp", "outcome": "error"}):
        errors = cards.read(reading(world, only))["quick"]["errors"]
        assert errors.on
        assert asks(errors.url) == {**span, "tab": "mcp"}
    # From a tab without groups it leads to the first one that has them.
    assert asks(cards.read(reading(world, {**span, "tab": "users"}))["quick"]["people"].url) == {
        **span,
        "group_by": "user",
    }


def test_what_is_chosen_is_taken_apart_by_who_and_when(world: World) -> None:
    span = made(world, {"user_id": "u-1"}, {"user_id": "u-2", "outcome": "error"})
    chosen = {**span, "tool_name": "Bash"}
    table = groups.read(reading(world, chosen))
    assert (table["by"], table["total"], table["pinned"]) == ("user", 2, set())
    narrower = groups.read(reading(world, {**chosen, "user_id": "u-2", "outcome": "error"}))
    assert (narrower["by"], narrower["pinned"]) == ("day", {"outcome"})
    people = cards.read(reading(world, chosen))["quick"]["people"]
    assert people.on
    assert asks(people.url) == {**chosen, "group_by": "tool"}


def test_the_window_before_is_as_long_and_ends_where_this_one_begins(world: World) -> None:
    first = window()
    later = (first[1], first[1] + (first[1] - first[0]))
    hours = (first[0], first[0] + timedelta(hours=1), first[1], first[1] + timedelta(hours=1))
    write(world, [event(at) for at in hours])
    earlier = before.read(reading(world, bounds(later)))
    assert earlier is not None
    assert earlier.kpis["events_total"] == 2
    assert before.read(reading(world, bounds(first))) is None, "nobody called anything"
    here = reading(world, {})
    ((begun,),) = (row.values() for row in here.reader.ask(queries.began, here.reader.seen))
    day = timedelta(days=1)
    unknown = reading(world, bounds((begun + day, begun + 3 * day)))
    assert before.read(unknown) is None, "the window before begins before all that is known"


def test_a_choice_that_finds_nothing_can_be_taken_back(world: World) -> None:
    span = made(world, {"tool_name": "Bash"})
    found = facets.read(reading(world, {**span, "tool_name": "Nothing"}))
    (tools,) = (facet for facet in found if facet.field == "tool_name")
    (choice,) = tools.shown
    assert (choice.label, choice.count, choice.included) == ("Nothing", 0, True)
    assert choice.include is not None
    assert asks(choice.include) == span


def test_a_tab_counts_what_it_is_about(world: World) -> None:
    span = made(world, {"skill_name": "a"}, {"skill_name": None}, {"tool_name": "mcp__s__t"})
    counts = {
        tab: cards.read(reading(world, {**span, "tab": tab}))["events_total"] for tab in groups.BY
    }
    assert counts == {"tools": 3, "skills": 1, "subagents": 0, "mcp": 1}
    # What was asked for by name is asked for, also when the tab is about those that have one.
    assert (
        cards.read(reading(world, {**span, "tab": "skills", "skill": "none"}))["events_total"] == 2
    )


def test_a_failed_call_is_opened_at_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    file = "u-9/one.jsonl"
    calls = [("Read", "error"), ("Bash", "ok"), ("Bash", "error")]
    some = [{"session_file": file, "tool_name": name, "outcome": end} for name, end in calls]
    span = made(world, *some)
    # Event 2 answers call 1, of Read; event 6 answers call 5, of Bash. Both failed.
    index = Index(total=7, names=["", "Read", "Bash"], errors=array("I", (2, 6)))
    index.results, index.calls = array("I", (2, 6)), array("I", (1, 5))
    index.tools = array("I", (1, 2))
    monkeypatch.setattr(indexing, "index_of", lambda instance, session_file: index)
    found = failures.read(reading(world, {**span, "tool_name": "Bash"}))
    assert found is not None
    (row,) = found["rows"]
    assert (row["url"], row["errors"], row["calls"]) == ("/admin/sessions/u-9/one.jsonl#t6", 1, 2)
    assert found["sessions"] == 1
    assert failures.read(reading(world, span)) is None, "no call was chosen"
    holder = Principal("u-5", surfaces=frozenset(("telemetry",)))
    assert failures.read(reading(world, {**span, "tool_name": "Bash"}, holder)) is None
    assert cards.read(reading(world, span, holder))["sessions_url"] is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"group_by": "zzz"}, "group_by"),
        ({"stack": "zzz"}, "stack"),
        ({"sort": "zzz"}, "sort"),
        ({"tab": "zzz"}, "tab"),
        ({"outcome": "zzz"}, "outcome"),
        ({"zzz": "1"}, "zzz"),
        ({"since_minutes": "0"}, "since_minutes"),
    ],
)
def test_what_cannot_be_asked_is_named(world: World, asked: dict[str, str], said: str) -> None:
    def read() -> None:
        here = reading(world, asked)
        series.read(here)
        groups.read(here)

    with pytest.raises(BadParameter, match=said):
        read()


def test_every_tab_has_a_body_and_every_group_a_parameter() -> None:
    assert tuple(body.BODIES) == TABS
    assert groups.BY.keys() == {key for key, one in body.BODIES.items() if one.over_time}
    for group in GROUPS:
        assert group == "day" or parameter(group) in COLUMNS


def test_the_command_says_every_filter_in_options_of_the_terminal() -> None:
    flags = {flag for one in TELEMETRY for flag in one.flags}
    said = {**TELEMETRY_OPTIONS, **TELEMETRY_FLAGS}
    assert said.keys() == {*TERMS, "since", "until", "group_by", "sort"}
    assert set(said.values()) <= {*flags, "--group-by", "--sort"}


def test_the_menu_holds_the_filter_with_its_window_as_times(world: World) -> None:
    span = made(world, {"tool_name": "Bash"})
    here = reading(world, {**span, "tab": "skills", "tool_name": "it's", "only_errors": "true"})
    copies = {copy.name: copy.text for copy in actions.read(here)["copies"]}
    since, until = (text.replace(".000000Z", "Z") for text in (span["since"], span["until"]))
    assert copies["agnes command"] == (
        f"agnes admin telemetry query --since {since} --until {until}"
        """ --tool 'it'"'"'s' --skill any --group-by skill --sort invocations:desc --errors"""
    )
    answer = world.admin.get(copies["API address"])
    assert answer.status_code == 200, answer.text
    assert copies["API address"].startswith(f"{BASE}/query?")
