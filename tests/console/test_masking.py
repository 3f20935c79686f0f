"""What others see of a row: no literal of a query, no long text; one's own rows are raw. The same
on every way out of the house."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.masking import SHOWN, mask, mask_sql
from schema.policy import Principal
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, EXPORT, ask, bounds, event, window, write

OTHER, ME = Principal("u-2", is_admin=True), Principal("u-1")


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT a FROM t", "SELECT a FROM t"),
        ("SELECT 'x'", "SELECT ?"),
        ("SELECT 'it''s'", "SELECT ?"),
        ("SELECT ''", "SELECT ?"),
        ("WHERE a='x'AND b='y'", "WHERE a=?AND b=?"),
        ("SELECT E'it\\'s' || 'b'", "SELECT ? || ?"),
        ("SELECT like'a\\' || 'b'", "SELECT like? || ?"),
        ("SELECT x'41', B'01', N'ä'", "SELECT ?, ?, ?"),
        ("SELECT $$a'b$$, 1", "SELECT ?, ?"),
        ("SELECT $tag$ it's $$ $tag$ FROM t", "SELECT ? FROM t"),
        ("SELECT 42, 1.5, 0xFF, 1_000, t1.c2", "SELECT ?, ?, ?, ?, t1.c2"),
        ("SELECT a -- ssn 123 'x\nFROM t", "SELECT a ?\nFROM t"),
        ("SELECT /* 'x' 123 */ a", "SELECT ? a"),
        ("SELECT a FROM t WHERE n = 'unfinish", "SELECT a FROM t WHERE n = ?"),
        ("SELECT E'unfinish\\", "SELECT E?"),
        ("SELECT $t$ unfinish", "SELECT ?"),
        ("SELECT /* unfinish", "SELECT ?"),
        ("SELECT \"it's\" FROM t WHERE n = 'x'", 'SELECT "it\'s" FROM t WHERE n = ?'),
        ('SELECT "a""\'b", \'x\'', 'SELECT "a""\'b", ?'),
        ("SELECT '\"', 'x' || \"c\"", 'SELECT ?, ? || "c"'),
    ],
)
def test_literals_become_question_marks(sql: str, shown: str) -> None:
    assert mask_sql(sql) == shown


# Characters of no keyword below, so that one that survives is one of the literal.
secret = st.text(st.sampled_from("ÄÖÜ723'\"\\$-/* \n🎉;"), min_size=1, max_size=30)


def written(text: str, form: str) -> str:
    """`text` as a literal of this form."""
    if form == "plain":
        return "'" + text.replace("'", "''") + "'"
    if form == "escaped":
        return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "$tag$" + text + "$tag$"


@given(
    st.lists(st.tuples(secret, st.sampled_from(["plain", "escaped", "dollars"])), max_size=4),
    st.booleans(),
    st.integers(0, 200),
)
@example([("'", "plain"), ("\\", "escaped")], False, 0)
@example([("\\'", "escaped"), ("723", "plain")], True, 21)
def test_nothing_of_a_literal_survives(
    drawn: list[tuple[str, str]],
    cut: bool,  # noqa: FBT001 (drawn)
    at: int,
) -> None:
    sql = 'SELECT "it\'s" FROM t WHERE a = ' + " AND b = ".join(
        written(text, form) for text, form in drawn
    )
    begun = len('SELECT "it\'s"')
    shown = mask_sql(sql[: begun + at] if cut else sql)
    assert not set(shown[begun:]) & set("ÄÖÜ723'\"\\-/*\n🎉;")


@given(st.from_regex(r"[0-9][0-9_]{0,6}(\.[0-9]{0,5})?([eE][0-9]{1,3})?", fullmatch=True))
def test_no_digit_of_a_number_survives(number: str) -> None:
    shown = mask_sql(f"SELECT a FROM t WHERE n > {number} OR n<-{number}")
    assert not set(shown) & set("0123456789")


def shown_to(principal: Principal, **params: Any) -> Any:
    row = mask({"user_id": "u-1", "params": orjson.dumps(params).decode()}, principal)
    return orjson.loads(row["params"])


def test_other_texts_are_cut_and_short_ones_stay() -> None:
    long = "x" * 300
    given = {"note": long, "short": "it's 42", "n": 7, "deep": {"list": [long, "a"]}}
    shown = shown_to(OTHER, **given)
    cut = "x" * (SHOWN - 1) + "…"
    assert shown == {"note": cut, "short": "it's 42", "n": 7, "deep": {"list": [cut, "a"]}}
    assert len(cut) == 128


def test_sql_is_masked_at_any_depth_and_before_it_is_cut() -> None:
    sql = "SELECT a FROM t WHERE n = '" + "secret " * 40 + "'"
    shown = shown_to(OTHER, sql_preview=sql[:200], query={"sql": ["SELECT 'secret'"]})
    assert shown == {"sql_preview": "SELECT a FROM t WHERE n = ?", "query": {"sql": ["SELECT ?"]}}


def test_ones_own_rows_are_raw() -> None:
    given = {"sql": "SELECT 'x'", "note": "x" * 200}
    assert shown_to(ME, **given) == given


def test_rows_of_nobody_are_masked_too() -> None:
    row = mask({"user_id": None, "params": '{"sql":"SELECT \'x\'"}'}, OTHER)
    assert row["params"] == '{"sql":"SELECT ?"}'


def test_params_that_are_no_json_are_cut() -> None:
    row = mask({"user_id": None, "params": "{" + "'x" * 200, "resource": "r" * 200}, OTHER)
    assert len(row["params"]) == len(row["resource"]) == SHOWN


# The ways out of the house


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("masking")) as world:
        yield world


PARAMS = orjson.dumps({"sql_preview": "SELECT 'hunter2', 42 FROM t", "note": "n" * 200}).decode()
MASKED = {"sql_preview": "SELECT ?, ? FROM t", "note": "n" * 127 + "…"}


def test_the_api_one_row_and_every_export_mask_alike(world: World) -> None:
    within = window()
    other = world.user()
    columns = {"params": PARAMS, "params_before": PARAMS, "resource": "r" * 200}
    (theirs,) = write(world, event(within[0], user_id=other, **columns))
    (mine,) = write(world, event(within[0], user_id=world.admin_id, **columns))
    asked = bounds(within)
    found = [
        *ask(world.admin, ACTIVITY, asked)["rows"],
        *(ask(world.admin, f"{ACTIVITY}/{row['id']}", {}) for row in (theirs, mine)),
    ]
    for format in ("csv", "json", "parquet"):
        answer = world.admin.get(EXPORT, params={**asked, "format": format})
        if format == "csv":
            found += csv.DictReader(io.StringIO(answer.text, newline=""))
        elif format == "json":
            found += [orjson.loads(line) for line in answer.content.splitlines()]
        else:
            found += pq.read_table(pa.BufferReader(answer.content)).to_pylist()
    assert len(found) == 10
    for row in found:
        raw = row["id"] == mine["id"]
        for column in ("params", "params_before"):
            expected = orjson.loads(PARAMS) if raw else MASKED
            assert orjson.loads(row[column]) == expected
        assert len(row["resource"]) == (200 if raw else SHOWN)
        assert (row["user_email"] == "root@example.org") == raw
        assert "search" not in row
