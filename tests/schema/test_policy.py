from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.policy import SURFACES, Principal, Seen, visible
from schema.store import Store
from schema.table import Table
from schema.tables import AUDIT_LOG, SCHEMA_MIGRATIONS, TABLES, USER_GROUPS
from tests.schema.sample_rows import OWNERS, fill

FILLED = {name: table for name, table in TABLES.items() if table is not SCHEMA_MIGRATIONS}
OWNED = {name: table for name, table in FILLED.items() if table.owner is not None}
OWNERLESS = {name: table for name, table in FILLED.items() if table.owner is None}
ADMIN = Principal("root", is_admin=True)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Store, dict[str, list[dict[str, Any]]]]]:
    store = Store(tmp_path_factory.mktemp("policy") / "a.duckdb", threads=1)
    yield store, fill(store, 7)
    store.close()


def everything(seen: Seen) -> ir.Table:
    return seen.rows()


def seen_by(store: Store, table: Table, principal: Principal) -> list[dict[str, Any]]:
    """What `principal` sees; asked in both ways, which must agree."""
    bound: list[dict[str, Any]] = store.ask(everything, Seen(table, principal)).to_pylist()
    assert store.read(visible(table, principal)).to_pylist() == bound
    return bound


World = tuple[Store, dict[str, list[dict[str, Any]]]]


@pytest.mark.parametrize("name", FILLED)
def test_an_admin_sees_every_row(world: World, name: str) -> None:
    store, written = world
    assert seen_by(store, TABLES[name], ADMIN) == written[name]


@pytest.mark.parametrize("name", [n for n, table in FILLED.items() if table.surface is not None])
def test_who_holds_the_surface_of_a_table_sees_every_row(world: World, name: str) -> None:
    store, written = world
    surface = TABLES[name].surface
    assert surface is not None
    holder = Principal("u1", surfaces=frozenset({surface}))
    assert seen_by(store, TABLES[name], holder) == written[name]
    others = Principal("u1", surfaces=frozenset(SURFACES) - {surface})
    assert seen_by(store, TABLES[name], others) != written[name]


@pytest.mark.parametrize("name", OWNERLESS)
def test_a_table_without_owner_shows_nothing_to_others(world: World, name: str) -> None:
    store, _ = world
    assert seen_by(store, TABLES[name], Principal("u1")) == []


def test_every_surface_together_does_not_open_a_table_without_one(world: World) -> None:
    store, _ = world
    assert USER_GROUPS.surface is None
    assert seen_by(store, USER_GROUPS, Principal("u1", surfaces=frozenset(SURFACES))) == []


def test_a_row_without_owner_is_nobodys(world: World) -> None:
    store, written = world
    assert None in [row["user_id"] for row in written["audit_log"]]
    for nobody in ("", "None", "null"):
        assert seen_by(store, AUDIT_LOG, Principal(nobody)) == []


def test_own_rows_only_takes_grants_away_but_leaves_admins_all() -> None:
    granted = Principal("u1", surfaces=frozenset(SURFACES), groups=("g",), email="a@b", kind="cli")
    narrowed = granted.own_rows_only()
    assert narrowed == Principal("u1", groups=("g",), email="a@b", kind="cli")
    assert granted.sees_all(AUDIT_LOG)
    assert not narrowed.sees_all(AUDIT_LOG)
    assert ADMIN.own_rows_only().sees_all(AUDIT_LOG)


@pytest.mark.parametrize("name", OWNED)
@given(
    user=st.sampled_from(OWNERS) | st.text(max_size=6) | st.just("' OR TRUE --"),
    surfaces=st.frozensets(st.sampled_from(SURFACES)),
    narrowed=st.booleans(),
)
@settings(max_examples=8)
def test_an_analyst_sees_exactly_their_own_rows(
    world: World,
    name: str,
    user: str,
    surfaces: frozenset[str],
    narrowed: bool,  # noqa: FBT001 (hypothesis passes it by name)
) -> None:
    store, written = world
    table = TABLES[name]
    principal = Principal(user.replace("\0", ""), surfaces=surfaces)
    principal = principal.own_rows_only() if narrowed else principal
    found = seen_by(store, table, principal)
    everyones = table.surface in principal.surfaces
    owner = table.owner or ""
    expected = [row for row in written[name] if everyones or row[owner] == principal.user_id]
    assert found == expected
    assert all(row in written[name] for row in found)
