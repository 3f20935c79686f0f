"""Which events stand together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.pages.replay.grouped import Again, Card, Item, Known, Lane, grouped

AT = datetime(2026, 3, 1, 23, 50)
Row = dict[str, Any]


def event(turn: int, kind: str = "text", **more: Any) -> Row:
    row = dict.fromkeys(("agent", "part", "uuid", "call_turn", "tool_name", "input"))
    row |= {"turn": turn, "kind": kind, "text": "", "subtype": "", "line": turn, "block": 0}
    return {**row, "is_error": False, "ts": AT + timedelta(seconds=turn), **more}


def call(turn: int, tool: str = "Bash", given: Any = None, **more: Any) -> Row:
    return event(turn, "tool_use", tool_name=tool, input=given or {"n": turn}, **more)


def result(turn: int, of: int | None, **more: Any) -> Row:
    return event(turn, "tool_result", call_turn=of, **more)


def cards(items: list[Item]) -> list[Card]:
    found = []
    for item in items:
        found += [item] if isinstance(item, Card) else list(item.cards)
    return found


def test_results_stand_with_their_calls_also_when_two_were_made_at_once() -> None:
    image = event(4, "image", line=3, part=1)
    items = grouped([call(0), call(1), result(2, 0), result(3, 1), image], Known())
    assert [card.turns for card in cards(items)] == [[0, 2], [1, 3, 4]]


def test_a_result_without_its_call_stands_alone() -> None:
    items = grouped([result(100, 3), result(101, None), call(102, agent="a")], Known())
    assert [card.turns for card in cards(items)] == [[100], [101], [102]]


def test_a_result_in_another_agents_lane_is_not_taken_out_of_it() -> None:
    items = grouped([call(0), result(1, 0, agent="a")], Known())
    assert [card.turns for card in cards(items)] == [[0], [1]]


def test_an_image_that_somebody_pasted_is_not_part_of_a_result() -> None:
    items = grouped([call(0), result(1, 0), event(2, "image", line=1, block=1)], Known())
    assert [card.turns for card in cards(items)] == [[0, 1], [2]]


def test_a_subagent_has_a_lane_with_the_name_it_was_given() -> None:
    asks = {"subagent_type": "Explore", "description": "look", "prompt": "look around"}
    told = event(1, "meta", agent="x", text="look around")
    events = [call(0, "Task", asks), told, call(2, agent="x", is_error=True), event(3)]
    first, lane, last = grouped(events, Known(agents={"x": 30}))
    assert isinstance(first, Card)
    assert isinstance(last, Card)
    assert isinstance(lane, Lane)
    assert (lane.agent, lane.kind, lane.about) == ("x", "Explore", "look")
    assert (lane.first, lane.count, lane.total, lane.failures) == (1, 2, 30, 1)


def test_calls_that_only_repeat_are_folded_from_the_second_on() -> None:
    same = {"command": ["make", "test"]}
    events = []
    for turn in range(0, 8, 2):
        events += [call(turn, given=same), result(turn + 1, turn)]
    found = [{"turn_index": 7, "severity": "error"}]
    first, again = grouped(events, Known(found))
    assert isinstance(first, Card)
    assert isinstance(again, Again)
    assert (again.cut, len(again.cards), again.findings) == ("2–7", 3, found)
    assert len(grouped(events[:4], Known())) == 2


def test_a_finding_stands_at_its_event_also_when_that_is_joined() -> None:
    found: list[Row] = [
        {"turn_index": 1, "severity": "error"},
        {"turn_index": None, "severity": "info"},
    ]
    (card,) = cards(grouped([call(0), result(1, 0)], Known(found)))
    assert card.findings == (found[0],)


def test_a_pause_and_a_new_day_are_told() -> None:
    late = AT + timedelta(minutes=9)
    events = [event(0), event(1, ts=late), event(2, ts=late + timedelta(minutes=11)), event(3)]
    days = [card.day is not None for card in cards(grouped(events, Known()))]
    pauses = [card.pause for card in cards(grouped(events, Known()))]
    assert days == [True, False, True, True]
    assert pauses == [None, None, timedelta(minutes=11), None]
    (later,) = cards(grouped([event(100)], Known()))
    assert later.day is None


kinds = st.sampled_from(["text", "thinking", "tool_use", "tool_result", "image", "meta"])
drafts = st.lists(
    st.tuples(
        kinds,
        st.sampled_from([None, "a", "b"]),
        st.integers(-1, 12),
        st.integers(0, 2),
        st.none() | st.integers(0, 1),
    ),
    max_size=14,
)


@given(drafts, st.integers(0, 300))
def test_every_event_is_there_once_and_in_order(drafts: list[Any], start: int) -> None:
    events = []
    for place, (kind, agent, of, line, part) in enumerate(drafts):
        more = {"agent": agent, "line": line, "part": part, "input": {"n": of}}
        if kind == "tool_result" and of >= 0:
            more["call_turn"] = start + of
        events.append(event(start + place, kind, tool_name="Bash", **more))
    found = cards(grouped(events, Known()))
    firsts = [card.event["turn"] for card in found]
    assert firsts == sorted(firsts)
    turns = [turn for card in found for turn in card.turns]
    assert sorted(turns) == [one["turn"] for one in events]
    for card in found:
        assert card.turns == sorted(set(card.turns)) or card.event["kind"] == "tool_use"
        assert {one["agent"] for one in card.all} == {card.event["agent"]}
