"""Whoever sees other people's rows masked can search, filter, sort and count no further than that:
two rows that look alike to them cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.activity import Reader
from console.audit import dumps
from console.masking import mask
from console.queries.masked import SeenMasked
from schema.policy import Principal, Seen
from schema.search import search_text
from schema.tables import AUDIT_LOG, RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.audit_log import (
    EXPORT,
    FACETS,
    KPIS,
    ask,
    bounds,
    event,
    paged,
    window,
    write,
)

SECRET = "salary 4711"
COLUMNS = ("id", "resource", "params", "search")


class Place:
    def __init__(self, world: World) -> None:
        self.world = world
        self.me = world.user("probe@example.org")
        at = {"created_at": window()[0]}
        group = {"group_id": "g-probe", "user_id": self.me, "added_at": at["created_at"]}
        grant = {"id": "r-probe", "group_id": "g-probe", "resource_type": "activity"}
        world.store.write(
            Rows(USER_GROUPS, [{"id": "g-probe", "name": "probes", **at}]),
            Rows(USER_GROUP_MEMBERS, [group]),
            Rows(RESOURCE_GRANTS, [{**grant, **at}]),
        ).result()
        self.client: httpx.Client = world.client(world.token(self.me))
        self.principal = Principal(self.me, surfaces=frozenset({"activity"}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with World(tmp_path_factory.mktemp("masked")) as world:
        made = Place(world)
        with made.client:
            yield made


# Texts around the length at which the mask cuts, with what JSON escapes.
signs = st.sampled_from(
    ["a", "B", "ä", '"', "\\", "\n", "\x01", "'", "$", "…", "?", "👩‍🚀", "\\u0041"]
)
ends = st.lists(signs, max_size=6).map("".join)
texts = st.builds(
    lambda start, length, end: start + "x" * length + end,
    ends,
    st.sampled_from([0, 1, 115, 120, 121, 122, 125, 126, 127, 128, 129, 140]),
    ends,
)
keys = st.sampled_from(["sql", "sql_preview", "sqlite", "note", "tables", "n"])
values: Any = st.recursive(
    texts | st.integers(0, 10**6) | st.none() | st.lists(st.integers(), min_size=60, max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=4,
)
params = st.dictionaries(keys, values, max_size=3)


def alike(value: Any, key: str, tail: str) -> Any:
    """Another value that is shown as this one is: with other literals, another end of what is
    cut."""
    if isinstance(value, dict):
        return {name: alike(part, name, tail) for name, part in value.items()}
    if isinstance(value, list):
        return [alike(part, key, tail) for part in value]
    if isinstance(value, str) and key in ("sql", "sql_preview"):
        return value.replace("'x'", f"'{tail}'")
    return value[:127] + tail if isinstance(value, str) and len(value) > 128 else value


def of_others(resource: str | None, given: Any) -> dict[str, Any]:
    row = event(window()[0], "query.local", user_id="u-other", resource=resource)
    row["params"] = dumps(given) if given else None
    return {**row, "search": search_text(row["action"], row["resource"], row["params"])}


def seen_by(place: Place, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """What the database takes these rows for when this reader asks."""
    write(place.world, *rows)
    seen = SeenMasked(AUDIT_LOG, place.principal).rows()
    ids = [row["id"] for row in rows]
    found = place.world.store.read(seen.filter(seen.id.isin(ids)).select(*COLUMNS)).to_pylist()
    return sorted(found, key=lambda row: ids.index(row["id"]))


@settings(max_examples=40)
@given(params, texts, st.text("ab'\"\\…", min_size=2, max_size=6))
@example({"sql": "SELECT 'x'"}, "r", "s3cret")
@example({"sql": ["SELECT 'x'"]}, "r", "s3cret")
@example({"note": "x" * 140, "sql_preview": 'SELECT \'x\' \\" "q"'}, "r", "s3cret")
@example({"n": list(range(100, 160)), "note": "x" * 127 + "…"}, "r", "s3cret")
def test_rows_that_are_shown_alike_are_alike_to_every_question(
    place: Place, given: dict[str, Any], resource: str, tail: str
) -> None:
    one, other = (
        of_others(alike(resource, "", end), alike(given, "", end)) for end in ("left!", tail + "!!")
    )
    shown = [mask(row, place.principal) for row in (one, other)]
    first, second = seen_by(place, one, other)
    assert first["resource"] == shown[0]["resource"]
    if all(shown[0][name] == shown[1][name] for name in ("resource", "params")):
        assert (first["resource"], first["search"]) == (second["resource"], second["search"])


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("abc"), st.text("xyzä'$ ", max_size=160), max_size=3), texts)
def test_all_that_is_shown_of_a_row_without_a_query_is_searched(
    place: Place, given: dict[str, str], resource: str
) -> None:
    row = of_others(resource, given)
    shown = mask(row, place.principal)
    (found,) = seen_by(place, row)
    assert found["search"] == search_text(row["action"], shown["resource"], shown["params"])


PARAMS = {"sql_preview": f"SELECT a FROM pay WHERE note = '{SECRET}'", "tables": ["pay"]}


def test_a_probe_finds_nothing_behind_the_mask(place: Place) -> None:
    within = window()
    long = "report:" + "r" * 140
    rows = [
        event(within[0], "query.local", user_id="u-9", params=orjson.dumps(PARAMS).decode()),
        event(within[0], "query.local", user_id="u-9", resource=long + SECRET),
        event(within[0], "query.local", user_id="u-9", params=dumps({"note": "n" * 130 + SECRET})),
    ]
    write(place.world, *rows)

    def count(**asked: str) -> int:
        found: int = ask(place.client, KPIS, {**bounds(within), **asked})["events_total"]
        assert len(paged(place.client, {**bounds(within), **asked})) == found
        exported = place.client.get(EXPORT, params={**bounds(within), **asked, "format": "json"})
        assert int(exported.headers["X-Row-Count"]) == found
        return found

    assert count() == 3
    assert count(q=SECRET) == count(query=f'"{SECRET}"') == count(q="4711") == 0
    assert count(resource=long + SECRET) == count(resource_prefix=long) == 0
    assert count(query=f'resource:"{long}{SECRET}"') == 0
    assert count(query=f'-"{SECRET}"') == 3
    assert count(q="pay") == 1  # the tables of a query are shown
    assert count(q="N" * 127) == 1
    assert count(resource_prefix="report:rrr") == 1
    (resource,) = [
        one["value"]
        for one in ask(place.client, FACETS, bounds(within))["resources"]
        if one["value"]
    ]
    assert (len(resource), SECRET in resource) == (128, False)
    admin = {**bounds(within), "q": SECRET}
    assert ask(place.world.admin, KPIS, admin)["events_total"] == 3


def test_ones_own_rows_are_searched_as_they_are(place: Place) -> None:
    within = window()
    own = event(within[0], "query.local", user_id=place.me, params=orjson.dumps(PARAMS).decode())
    theirs = {**own, "id": own["id"] + "x", "user_id": "u-9"}
    nobodys = {**own, "id": own["id"] + "y", "user_id": None}
    write(place.world, own, theirs, nobodys)
    found = paged(place.client, {**bounds(within), "q": SECRET})
    assert [row["id"] for row in found] == [own["id"]]


def test_sorting_tells_nothing_behind_the_mask(place: Place) -> None:
    within, start = window(), "r" * 127
    for number, end in enumerate("zay"):
        row = event(within[0] + timedelta(seconds=number), user_id="u-9", resource=start + end * 9)
        write(place.world, row)
    asked = {**bounds(within), "sort": "resource:asc"}
    moments = [row["timestamp"] for row in paged(place.client, asked, limit=1)]
    assert moments == sorted(moments, reverse=True)
    assert len(moments) == 3


def test_an_admin_pays_nothing_for_the_mask(place: Place) -> None:
    root = Principal(place.world.admin_id, is_admin=True, surfaces=frozenset({"activity"}))
    plain, masked = (Reader(place.world.instance, who).seen for who in (root, place.principal))
    assert type(plain) is Seen
    assert type(masked) is SeenMasked
    own = Reader(place.world.instance, Principal(place.me)).seen
    assert type(own) is Seen
