"""Files, globs and folders as tables: each format, what is refused and how it is said, drift."""

from __future__ import annotations

import datetime
import gzip
import os
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.syncing import files
from tests.console.syncing.place import Place, in_this_process

CSV = "id,name,at\n1,Ada,2026-01-02\n2,Bob,2026-01-03\n"
ROWS = [
    {"id": 1, "name": "Ada", "at": datetime.date(2026, 1, 2)},
    {"id": 2, "name": "Bob", "at": datetime.date(2026, 1, 3)},
]
NDJSON = (
    '{"id": 1, "name": "Ada", "at": "2026-01-02"}\n{"id": 2, "name": "Bob", "at": "2026-01-03"}\n'
)


def parquet(tmp: Path) -> bytes:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp / "made.parquet")
    return (tmp / "made.parquet").read_bytes()


def test_each_format_becomes_the_same_typed_rows(place: Place, tmp_path: Path) -> None:
    place.write("a.csv", CSV)
    place.write("a.tsv", CSV.replace(",", "\t"))
    place.write("semicolon.csv", CSV.replace(",", ";"))
    place.write("bom.csv", "\ufeff" + CSV)
    place.write("packed.csv.gz", gzip.compress(CSV.encode()))
    place.write("a.ndjson", NDJSON)
    place.write("a.json", orjson.dumps([orjson.loads(line) for line in NDJSON.splitlines()]))
    place.write("a.parquet", parquet(tmp_path))
    names = [path.name for path in sorted(place.files.iterdir())]
    for number, name in enumerate(names):
        place.register(f"t{number}", location=name)
    attempts = place.sync()
    assert [(one.status, one.rows, one.error) for one in attempts] == [("ok", 2, None)] * len(names)
    for number, name in enumerate(names):
        assert place.rows(f"t{number}") == ROWS, name
        assert place.columns(f"t{number}") == {"id": "int64", "name": "string", "at": "date"}, name


def test_a_table_is_known_by_its_figures_in_history_and_log(place: Place) -> None:
    place.write("a.csv", CSV)
    id = place.register(location="a.csv")
    attempt = place.one(id)
    (row,) = place.history()
    assert (row["id"], row["table_id"], row["status"], row["rows"]) == (attempt.id, id, "ok", 2)
    assert row["duration_ms"] is not None
    assert (row["error"], row["drift"]) == (None, None)
    event = place.log()[-1]
    assert (event["action"], event["resource"]) == ("sync.table", "table:one")
    assert event["result"] == "success"
    assert event["duration_ms"] is not None
    told = orjson.loads(event["params"])
    assert told == {
        "sync_ids": [attempt.id],
        "source": "files",
        "mode": "full",
        "trigger": "cli",
        "rows": 2,
    }


def test_what_was_not_touched_is_not_read_again(place: Place) -> None:
    path = place.write("a.csv", CSV)
    id = place.register(location="a.csv")
    place.one(id)
    assert place.one(id).status == "unchanged"
    os.utime(path, ns=(1, 1))  # another time, the same bytes
    assert place.one(id).status == "unchanged"
    assert [row["status"] for row in place.history()] == ["ok"] * 3
    assert len(place.parquets()) == 1
    place.change(id, options={"types": {"id": "VARCHAR"}})
    assert place.one(id).status == "ok"
    assert place.columns(id)["id"] == "string"
    assert place.rows(id)[0]["id"] == "1"


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("", ["a.csv", "b.csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "deep/c.csv", "deep/er/d.csv"]),
        ("deep/**", ["deep/c.csv", "deep/er/d.csv"]),
        ("[b-z].csv", ["b.csv"]),
        ("d*/?.csv", ["deep/c.csv"]),
        ("deep", ["deep/c.csv"]),
    ],
)
def test_globs_and_folders_mean_their_files(place: Place, location: str, names: list[str]) -> None:
    for name in ("a.csv", "b.csv", "deep/c.csv", "deep/er/d.csv"):
        place.write(name, f"file\n{name}\n")
    place.write(".hidden.csv", "file\nhidden\n")
    place.write("deep/.git/e.csv", "file\nhidden\n")
    place.write("notes.md", "no table")
    place.register(location=str(place.files / location))
    assert place.one().error is None
    assert [row["file"] for row in place.rows()] == names


def test_columns_that_only_some_files_have_are_null_in_the_others(place: Place) -> None:
    place.write("a.csv", "x,y\n1,2\n")
    place.write("b.csv", "y,x,z\n4,three,5.5\n")
    place.register(location="*.csv")
    place.one()
    assert place.columns() == {"x": "string", "y": "int64", "z": "float64"}
    assert place.rows() == [{"x": "1", "y": 2, "z": None}, {"x": "three", "y": 4, "z": 5.5}]


def test_values_are_read_as_they_stand_there(place: Place) -> None:
    lines = [str(number) for number in range(30_000)]
    place.write("late.csv", "\n".join(["x", *lines, "not a number"]) + "\n")
    place.write("nulls.csv", 'x,y\nNA,\n"",null\n')
    place.register("late", location="late.csv")
    place.register("nulls", location="nulls.csv")
    assert [one.error for one in place.sync()] == [None, None]
    assert place.columns("late") == {"x": "string"}
    assert place.rows("nulls") == [{"x": "NA", "y": None}, {"x": "", "y": "null"}]


def test_options_say_how_a_csv_file_is_written(place: Place) -> None:
    place.write("odd.csv", "# of 2026\nskip me\nn|t\n'1,5'|x\n# no\n-|y\n".encode("latin-1"))
    signs = {"delimiter": "|", "quote": "'", "decimal": ",", "comment": "#"}
    options = {**signs, "null": "-", "skip": 1, "encoding": "latin-1"}
    place.register(location="odd.csv", options=options)
    assert place.one().error is None
    assert place.rows() == [{"n": 1.5, "t": "x"}, {"n": None, "t": "y"}]
    place.write("bare.csv", "007,b\n008,c\n")
    place.register(
        "bare", location="bare.csv", options={"header": False, "types": {"column0": "VARCHAR"}}
    )
    assert place.one("bare").error is None
    assert place.rows("bare")[0] == {"column0": "007", "column1": "b"}


def test_types_that_no_question_knows_become_texts(place: Place) -> None:
    mixed = '{"a": [1, "x"], "b": {"c": [1]}, "u": "0b5e1c3a-4a51-4e2b-9d0e-5b9f6c1d2e3f"}\n'
    place.write("a.ndjson", mixed)
    place.register(location="a.ndjson")
    assert place.one().error is None
    (row,) = place.rows()
    assert row == {"a": '[1,"x"]', "b": {"c": [1]}, "u": "0b5e1c3a-4a51-4e2b-9d0e-5b9f6c1d2e3f"}


BROKEN: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("a.csv", "", "a.csv: it is empty"),
    "blank": ("a.csv", "\nx,y\n1,2\n", "a.csv: its first line is empty"),
    "ragged": ("a.csv", "x,y\n1,2\n1,2,3\n", "a.csv: CSV Error on Line: 3"),
    "short": ("a.csv", "x,y\n1,2\n1\n", "Expected Number of Columns: 2 Found: 1"),
    "twice": ("a.csv", "x,X \n1,2\n", "a.csv: two columns are named 'X'"),
    "nameless": ("a.csv", "x,,z\n1,2,3\n", "a.csv: its column 2 has no name"),
    "latin": ("a.csv", "x\né\n".encode("latin-1"), "a.csv: it is no utf-8 text"),
    "noise": ("a.csv", bytes(range(256)) * 8, "a.csv: it is no utf-8 text"),
    "json": ("a.json", "{bad", "Malformed JSON in file"),
    "cut": ("a.ndjson", '{"a": 1}\n{"a": \n', 'a.ndjson", at byte 8'),
    "keys": ("a.json", '{"a": 1, "a": 2}', 'duplicate key "a"'),
    "nothing": ("a.json", "[]", "a.json: it is empty"),
    "parquet": ("a.parquet", b"PAR1 or so", "too small to be a Parquet file"),
    "gzip": ("a.csv.gz", b"\x1f\x8b\x08 broken", "a.csv.gz: its gzip is broken"),
    "unknown": ("a.xlsx", "x\n1\n", "a.xlsx: say its format"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_and_leaves_what_is_there(place: Place, case: str) -> None:
    name, text, said = BROKEN[case]
    place.write("good.csv", "x\n1\n")
    place.register(location="good.csv")
    place.one()
    place.write(name, text)
    place.change("one", location=name)
    attempt = place.one()
    assert (attempt.status, attempt.rows) == ("error", 0)
    assert said in str(attempt.error)
    assert "/proc/self/fd" not in str(attempt.error)
    assert place.rows() == [{"x": 1}]
    row = place.history()[-1]
    assert (row["status"], row["rows"], row["error"]) == ("error", None, attempt.error)
    event = place.log()[-1]
    assert event["result"] == "error.source"
    assert orjson.loads(event["params"])["sync_ids"] == [attempt.id]


def test_one_table_has_one_format(place: Place) -> None:
    place.write("a.csv", "x\n1\n")
    place.write("b.ndjson", '{"x": 2}\n')
    place.register(location=str(place.files))
    assert "a.csv is csv" in str(place.one().error)
    place.change("one", format="ndjson")
    assert place.one().error is None
    assert place.rows() == [{"x": 2}]


OUTSIDE = ["../secret.csv", "/etc/passwd", "a/../../b.csv", "/proc/self/environ", "a\0.csv"]


@pytest.mark.parametrize("location", OUTSIDE)
def test_a_path_outside_of_the_allowed_folders_is_not_registered(
    place: Place, location: str
) -> None:
    with pytest.raises(Exception, match="location="):
        place.register(location=location)


def linked(place: Place, how: str) -> str:
    secret = place.folder / "secret"
    secret.mkdir()
    (secret / "a.csv").write_text("x\nsecret\n")
    if how == "file":
        (place.files / "a.csv").symlink_to(secret / "a.csv")
        return "a.csv"
    if how == "glob":
        (place.files / "a.csv").symlink_to(secret / "a.csv")
        return "*.csv"
    (place.files / "in").symlink_to(secret)
    return {"folder": "in", "below": "in/a.csv", "stars": "*/a.csv"}[how]


@pytest.mark.parametrize("how", ["file", "glob", "folder", "below", "stars"])
def test_no_link_leads_outside(place: Place, how: str) -> None:
    place.register(location=linked(place, how))
    attempt = place.one()
    assert attempt.status == "error"
    assert "symlinks are not followed" in str(attempt.error) or "no folder" in str(attempt.error)


def test_what_is_no_plain_file_is_not_opened(place: Place) -> None:
    os.mkfifo(place.files / "a.csv")
    place.register(location="a.csv")
    assert "it is no plain file" in str(place.one().error)
    place.register("gone", location="gone/*.csv")
    assert "there is no such file" in str(place.one("gone").error)
    place.register("none", location="*.parquet")
    assert "no file is there" in str(place.one("none").error)


def test_a_glob_has_an_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    for number in range(4):
        place.write(f"{number}.csv", "x\n1\n")
    place.register(location="*.csv")
    attempt = place.one()
    assert "more than 3 files" in str(attempt.error)
    assert place.log()[-1]["result"] == "error.limit"


@pytest.mark.parametrize("packed", [0, 1])
def test_what_unpacks_to_too_much_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: int
) -> None:
    in_this_process(monkeypatch)
    place = Place(tmp_path / "small", AGNES_SYNC_MAX_MB="1")
    body = b"x\n" + b"0\n" * (1 << 20)
    place.write("a.csv", gzip.compress(body) if packed else body)
    place.register(location="a.csv")
    attempt = place.one()
    place.close()
    assert "more than 1 MB" in str(attempt.error)
    assert place.parquets() == []


def test_drift_is_published_and_told(place: Place) -> None:
    place.write("a.csv", "x,y\n1,a\n")
    place.register(location="a.csv")
    place.one()
    place.write("a.csv", "x,z\none,1.5\n")
    attempt = place.one()
    drift: dict[str, Any] = {
        "added": ["z"],
        "removed": ["y"],
        "retyped": [{"name": "x", "before": "int64", "after": "string"}],
    }
    assert (attempt.status, attempt.drift) == ("ok", drift)
    assert orjson.loads(place.history()[-1]["drift"]) == drift
    assert orjson.loads(place.log()[-1]["params"])["drift"] == drift
    assert place.rows() == [{"x": "one", "z": 1.5}]
