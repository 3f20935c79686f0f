"""What a writer of CSV writes is what is read, cell by cell, whatever stands in it."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.syncing import readers
from console.syncing.files import Found
from console.syncing.readers import Reading, literal, quoted

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
ROWS = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6)


def read(place: Path, text: str, **options: object) -> list[tuple[object, ...]]:
    place.write_bytes(text.encode())
    number = os.open(place, os.O_RDONLY)
    try:
        file = Found(str(place), number)
        con = readers.engine([file.place], place.parent, memory=64 << 20, disk=1 << 20)
        reading = Reading("csv", options, texts=["a", "b"])
        return con.execute(readers.selected(con, readers.relation([file], reading))).fetchall()
    finally:
        os.close(number)


@settings(max_examples=40)
@example(
    [('"', ","), ("\n", "\r\n"), ("'", "#"), ("", " "), ("\ufeff", "\u2028"), ("\x0b", "\x1c")]
)
@example([("\r", "x")])
@given(ROWS)
def test_a_quoted_cell_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("a", "b"), *rows])
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    assert read(path, text.getvalue()) == rows


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_signs_and_ends_of_lines_are_found(tmp_path: Path, sign: str, end: str) -> None:
    text = end.join(sign.join(line) for line in (("a", "b"), ("1", "x"), ("2", ""), ("", "y")))
    wanted = [("1", "x"), ("2", None), (None, "y")]
    assert read(tmp_path / "a.csv", text) == wanted
    assert read(tmp_path / "a.csv", text + end) == wanted


@given(CELL)
def test_a_literal_and_a_name_stay_what_they_are(text: str) -> None:
    con = readers.engine([], Path("/tmp"), memory=64 << 20, disk=1 << 20)
    assert con.execute(f"SELECT {literal(text)} AS {quoted('x' + text)}").fetchall() == [(text,)]
    assert con.description is not None
    assert con.description[0][0] == "x" + text
