"""What the side panel makes of a row: trees, lines and bars, without a server."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from console.pages.activity.panel.changed import changed
from console.pages.activity.panel.values import LONG, Node, parsed, tree, written
from console.pages.activity.panel.waterfall import WIDE, bars

AT = datetime(2026, 1, 2, 3, 4, 5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def plain(name: str, value: Any) -> Any:
    return value


def leaves(node: Node) -> list[Node]:
    return [leaf for _, part in node.parts for leaf in leaves(part)] or [node]


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_a_tree_of_what_is_not_masked_says_so_everywhere(value: Any) -> None:
    assert not any(leaf.masked for leaf in leaves(tree(value, value)))


def test_only_what_the_mask_changed_is_marked_and_nothing_stored_is_kept() -> None:
    shown = {"sql": "SELECT ?", "rows": 3, "in": [{"note": "a…"}, "b"]}
    stored = {"sql": "SELECT 42", "rows": 3, "in": [{"note": "a secret"}, "b"]}
    found = tree(shown, stored)
    assert [leaf.value for leaf in leaves(found) if leaf.masked] == ["SELECT ?", "a…"]
    assert "42" not in repr(found)
    assert "secret" not in repr(found)


def test_moments_long_texts_and_numbers_are_what_they_are() -> None:
    value = {
        "at": "2026-01-02T03:04:05+01:00",
        "no": "2026-13-02T03:04:05Z",
        "long": "x" * (LONG + 1),
        "lines": "a\nb",
        "flag": True,
        "none": None,
    }
    parts = dict(tree(value, value).parts)
    assert (parts["at"].kind, parts["at"].value) == ("time", datetime(2026, 1, 2, 2, 4, 5))
    kinds = [parts[name].kind for name in ("no", "long", "lines", "flag", "none")]
    assert kinds == ["text", "long", "long", "plain", "none"]
    assert parts["flag"].value == "true"


def test_what_is_too_much_is_counted_and_what_is_too_deep_is_written_out() -> None:
    assert tree(list(range(130)), None).more == 30
    deep: Any = "end"
    for _ in range(40):
        deep = [deep]
    (bottom,) = leaves(tree(deep, deep))
    assert (bottom.kind, "end" in bottom.value) == ("plain", True)


def test_a_column_that_is_no_json_is_shown_as_text() -> None:
    assert parsed("{broken") == "{broken" == written("{broken")
    assert (parsed(None), written(None)) == (None, "")


def test_lists_are_compared_as_sets_with_people_and_grants_by_their_names() -> None:
    def named(name: str, value: Any) -> Any:
        return f"{value}@example.org" if name == "user_id" else value

    members = [{"user_id": "b", "added_at": "1"}, {"user_id": "a", "added_at": "2"}]
    grants = [{"id": "1", "resource_type": "table", "resource_id": "orders"}]
    fields: list[dict[str, Any]] = [
        {"name": "members", "before": members, "after": [{"user_id": "b", "added_at": "9"}]},
        {"name": "grants", "before": None, "after": grants},
    ]
    first, second = changed(fields, named)
    assert [(line.sign, line.text) for line in first.lines.first if line.sign in "+-"] == [
        ("-", "a@example.org")
    ]
    assert [(line.sign, line.text) for line in second.lines.first] == [("+", "table:orders")]


def test_a_difference_behind_the_mask_is_said() -> None:
    cut = "x" * 127 + "…"
    (field,) = changed([{"name": "body", "before": cut, "after": cut}], plain)
    assert field.unseen


def event(id: str, seconds: float, took: int | None) -> dict[str, Any]:
    return {"id": id, "timestamp": AT + timedelta(seconds=seconds), "duration_ms": took}


def test_a_bar_ends_at_the_rows_time_and_is_as_long_as_it_took() -> None:
    whole, second, nothing = bars(
        [event("c", 10, None), event("b", 10, 5000), event("a", 10, 10_000)]
    )
    assert [bar.event["id"] for bar in (whole, second, nothing)] == ["a", "b", "c"]
    assert (whole.x, whole.width) == (0, WIDE)
    assert (second.x, second.width) == (WIDE / 2, WIDE / 2)
    assert nothing.x + nothing.width == WIDE
    assert nothing.width > 0
    assert bars([]) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 10_000), st.none() | st.integers(0, 10**7)), min_size=1))
def test_no_bar_leaves_the_drawing(spans: list[tuple[float, int | None]]) -> None:
    for bar in bars([event(str(n), *span) for n, span in enumerate(spans)]):
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDE + 0.2
