"""Files as tables: whatever a path or a file holds, nothing but the file that is meant is read, and
what is read is what it holds."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.settings import Settings
from console.tables import parquet_rows, table_files
from console.tables.parquet_rows import Unfit
from console.tables.table_files import Column

ALLOWED = (Path("/srv/one"), Path("/srv/two"))
PARTS = st.sampled_from(
    ["..", ".", "", "a", "b.csv", "~", "srv", "one", "one2", "\0", "a b.parquet"]
)
PATHS = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/", "//", "/srv/one/", "/srv/two/", "/srv/one"]),
    st.lists(PARTS | st.text(max_size=5), max_size=5),
    st.sampled_from(["", ".csv", "/x.parquet", ".CSV"]),
)


@given(PATHS)
def test_a_path_is_inside_or_refused(text: str) -> None:
    try:
        found = Path(table_files.located(ALLOWED, text))
    except Unfit:
        return
    assert any(found.is_relative_to(folder) and found != folder for folder in ALLOWED)
    assert ".." not in found.parts
    assert found.suffix.lower() in (".csv", ".parquet")


def test_without_the_setting_there_is_one_folder(tmp_path: Path) -> None:
    assert table_files.folders(Settings({}, AGNES_DATA_DIR=str(tmp_path))) == (tmp_path / "tables",)
    two = Settings({}, AGNES_TABLE_FOLDERS="/a, /b/../c")
    assert table_files.folders(two)[0] == Path("/a")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def read(folder: Path, name: str, content: bytes) -> tuple[Sequence[Column], list[dict[str, Any]]]:
    """The columns of such a file, and its rows."""
    (folder / name).write_bytes(content)
    with table_files.opened([folder], name) as found:
        columns = table_files.columns(found)
        rows = [row for batch in table_files.batches(found, columns) for row in batch.to_pylist()]
        assert table_files.count(found, columns[0]) == len(rows)
    return columns, rows


def refusal(folder: Path, name: str, content: bytes) -> str:
    """Why such a file is no table; nothing for one that is. Any other error is raised."""
    try:
        read(folder, name, content)
    except Unfit as error:
        return str(error)
    return ""


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=8)
_CELLS = st.lists(st.tuples(_TEXTS.map(lambda text: "t:" + text), st.integers(0, 9)), max_size=6)


@given(_CELLS)
def test_a_csv_file_comes_back_as_it_was_written(folder: Path, cells: list[Any]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows([("text", "number"), *cells])
    _, rows = read(folder, "a.csv", text.getvalue().encode())
    assert [(row["text"], row["number"]) for row in rows] == cells


def test_a_file_that_was_written_anew_is_another(folder: Path) -> None:
    def identity() -> tuple[int, ...]:
        with table_files.opened([folder], "again.csv") as found:
            return found.identity

    file = folder / "again.csv"
    file.write_text("a\n1\n")
    assert identity() != identity(), "of one that may still change in the same tick"
    os.utime(file, ns=(1, 1))
    settled = identity()
    assert settled == identity()
    file.write_text("a\n2\n")
    assert identity()[:4] != settled


def test_only_what_is_empty_is_null(folder: Path) -> None:
    _, rows = read(folder, "null.csv", b'n,land\n1,NA\n,null\n3,\n4,""\n')
    assert [(row["n"], row["land"]) for row in rows] == [
        *((1, "NA"), (None, "null"), (3, None), (4, "")),
    ]


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=20))
def test_a_parquet_file_with_other_bytes_in_it_is_read_or_refused(
    folder: Path, changed: list[tuple[int, int]]
) -> None:
    sink = io.BytesIO()
    rows = {"id": range(50), "name": [f"v{n % 5}" for n in range(50)], "tags": [[1, 2]] * 50}
    pq.write_table(pa.table(rows), sink)
    content = bytearray(sink.getvalue())
    for at, byte in changed:
        content[at % len(content)] = byte
    assert refusal(folder, "a.parquet", bytes(content)).isprintable()


@given(st.binary(max_size=200))
def test_a_csv_file_of_anything_is_read_or_refused(folder: Path, content: bytes) -> None:
    assert refusal(folder, "any.csv", content).isprintable()


def test_every_column_has_a_type_that_the_registry_can_keep(folder: Path) -> None:
    kinds = {
        "small": (pa.array([1], pa.int8()), "int8"),
        "half": (pa.array([1.5], pa.float16()), "float32"),
        "fine": (pa.array([1], pa.timestamp("ns", "UTC")), "timestamp('UTC', 6)"),
        "time": (pa.array([1], pa.time64("ns")), "time"),
        "day": (pa.array([1], pa.date32()), "date"),
        "nothing": (pa.nulls(1), "string"),
        "word": (pa.array(["x"]).dictionary_encode(), "string"),
        "fixed": (pa.array([b"ab"], pa.binary(2)), "binary"),
        "many": (pa.array([[1.5]]), "array<float64>"),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table({name: array for name, (array, _) in kinds.items()}), sink)
    columns, (row,) = read(folder, "kinds.parquet", sink.getvalue())
    assert [one.type for one in columns] == [kind for _, kind in kinds.values()]
    assert (row["half"], row["word"], row["fixed"]) == (1.5, "x", b"ab")


def test_a_type_without_a_form_here_is_refused_by_name(folder: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8()))}), sink)
    with pytest.raises(Unfit, match="the column 'map' holds map"):
        read(folder, "map.parquet", sink.getvalue())


def _bomb(rows: int, size: int) -> pa.Table:
    """One value in every row, and in a list: some kilobytes as a file."""
    once = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * size]))
    lists = pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), once)
    return pa.table({"id": range(rows), "text": once, "list": lists})


@pytest.mark.parametrize("stored", [True, False])
def test_one_value_in_every_row_is_written_out_in_small_pieces(
    folder: Path, *, stored: bool
) -> None:
    rows, size = 3000, 1_000_000
    pq.write_table(_bomb(rows, size), folder / "bomb.parquet", store_schema=stored)
    assert (folder / "bomb.parquet").stat().st_size < 1 << 20
    seen, before, most = 0, pa.total_allocated_bytes(), 0
    with table_files.opened([folder], "bomb.parquet") as found:
        for batch in table_files.batches(found, table_files.columns(found)):
            most = max(most, pa.total_allocated_bytes() - before)
            texts, lists = batch.column("text"), batch.column("list").flatten()
            assert {len(texts[0].as_py()), len(lists[0].as_py())} == {size}
            assert batch.column("id").to_pylist() == [*range(seen, seen + batch.num_rows)]
            seen += batch.num_rows
    assert seen == rows
    assert most < 300 << 20


def test_a_row_that_is_too_large_is_refused(folder: Path) -> None:
    rows = _bomb(200, 1_000_000)
    whole = pa.ListArray.from_arrays(pa.array([0, 200], pa.int32()), rows["text"].combine_chunks())
    pq.write_table(pa.table({"list": whole}), folder / "row.parquet")
    with (
        pytest.raises(Unfit, match="a row has more than 64 MB"),
        table_files.opened([folder], "row.parquet") as found,
    ):
        list(table_files.batches(found, table_files.columns(found)))


def test_a_column_that_unpacks_to_too_much_is_refused_before_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "_CHUNK", 1 << 20)
    rows = pa.table({"a": pa.array(["x" * (20 << 20)]), "b": [1]})
    pq.write_table(rows, folder / "packed.parquet", use_dictionary=False)
    with table_files.opened([folder], "packed.parquet") as found:
        columns = table_files.columns(found)
        before = pa.total_allocated_bytes()
        with pytest.raises(Unfit, match="the column 'a' has more than 1 MB in one group"):
            list(table_files.batches(found, columns))
        assert pa.total_allocated_bytes() - before < 10 << 20
        assert len(list(table_files.batches(found, columns[1:]))) == 1
