"""What a saved view asks of its page, however it was saved."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from console import saved_views


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ({"result_class": "error"}, {"result_class": "error"}),
        ({"since_minutes": 60}, {"since_minutes": "60"}),
        ({"include_self_reads": True}, {"include_self_reads": "true"}),
        ({"include_self_reads": False, "q": ""}, {"include_self_reads": "false"}),
        ({"list": ["a"], "object": {"a": 1}, "null": None}, {}),
        ("?source=web&since_minutes=60", {"source": "web", "since_minutes": "60"}),
        ("action:sync. -result:error", {"query": "action:sync. -result:error"}),
        ("action:=sync.table", {"query": "action:=sync.table"}),
        ({}, {}),
    ],
)
def test_a_view_asks_what_was_saved(query: Any, asks: dict[str, str]) -> None:
    assert saved_views.asks({"query": orjson.dumps(query).decode()}) == asks
