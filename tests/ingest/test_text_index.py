"""What is indexed is found, what is removed is not, and nothing else is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import text_index
from ingest.text_index import FILE, LONGEST, Piece, Reading, Session, Writer, parts_of
from ingest.text_query import match_of

AT = datetime(2026, 5, 20)
LATER = datetime(2026, 5, 21)


def session(name: str) -> Session:
    return Session(f"u/{name}.jsonl", "u", name)


def said(*texts: str) -> list[Piece]:
    return [Piece(turn, "text", "user", None, text) for turn, text in enumerate(texts)]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path)
    yield writer
    writer.close()


def found(folder: Path, q: str) -> dict[str, int]:
    match = match_of(q)
    assert match is not None
    with Reading(folder) as reading:
        hits, more = reading.find(match)
    assert not more
    return {one.session_file: one.count for one in hits}


def test_the_newest_session_comes_first_with_its_first_lines(
    writer: Writer, tmp_path: Path
) -> None:
    writer.write(session("b"), LATER, said(*["a heron"] * 5))
    writer.write(session("a"), AT, said("no bird", "a heron"))
    writer.write(session("c"), AT, said("a Héron's nest"))
    with Reading(tmp_path) as reading:
        hits, _ = reading.find('"heron"')
        first = reading.first('"heron"', hits, 3)
        lines = reading.lines('"heron"', [id for one in hits for id in first[one.number]])
        places = reading.within('"heron"', "u/b.jsonl", 100)
        assert reading.within('"heron"', "u/none.jsonl", 100) is None
    assert [one.session_file for one in hits] == ["u/b.jsonl", "u/c.jsonl", "u/a.jsonl"]
    assert [one.count for one in hits] == [5, 1, 1]
    assert [lines[id].turn for one in hits for id in first[one.number]] == [0, 1, 2, 0, 1]
    assert places is not None
    assert [turn for _, turn in places] == [0, 1, 2, 3, 4]
    assert lines[first[hits[1].number][0]].parts == [
        ("a ", False),
        ("Héron", True),
        ("'s nest", False),
    ]


def test_a_session_is_replaced_as_a_whole_or_not_at_all(writer: Writer, tmp_path: Path) -> None:
    writer.write(session("a"), AT, said("an otter"))

    def broken() -> Iterator[Piece]:
        yield from said("a beaver")
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        writer.write(session("a"), AT, broken())
    assert found(tmp_path, "otter") == {"u/a.jsonl": 1}
    assert found(tmp_path, "beaver") == {}
    writer.write(session("a"), LATER, said("a beaver"))
    assert found(tmp_path, "otter") == {}
    assert found(tmp_path, "beaver") == {"u/a.jsonl": 1}
    writer.remove(["u/a.jsonl", "u/none.jsonl"])
    assert found(tmp_path, "beaver") == {}


def test_a_search_looks_at_the_newest_hits_and_says_that_there_are_more(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write(session("old"), AT, said(*["a heron"] * 3))
    writer.write(session("new"), LATER, said(*["a heron"] * 3))
    for most, counts, more in ((3, [3, 1], True), (6, [3, 3], False)):
        monkeypatch.setattr(text_index, "MOST_HITS", most)
        with Reading(tmp_path) as reading:
            hits, are_more = reading.find('"heron"')
        assert [one.count for one in hits] == counts
        assert are_more is more
        assert hits[0].session_file == session("new").session_file


def test_the_first_lines_are_those_of_each_session_asked_for(
    writer: Writer, tmp_path: Path
) -> None:
    for name in "abc":
        writer.write(session(name), AT, said(*["a heron", "no bird"] * 3))
    with Reading(tmp_path) as reading:
        hits, _ = reading.find('"heron"')
        a, _, c = sorted(hits, key=lambda one: one.session_file)
        first = reading.first('"heron"', [a, c], 2)
        lines = reading.lines('"heron"', [id for ids in first.values() for id in ids])
        assert reading.first('"heron"', [], 2) == {}
        assert reading.lines('"heron"', []) == {}
    assert set(first) == {a.number, c.number}
    for one in (a, c):
        assert [lines[id].turn for id in first[one.number]] == [0, 2]


def test_marks_of_hits_cannot_be_forged(writer: Writer, tmp_path: Path) -> None:
    writer.write(session("a"), AT, said("\x02forged\x03 heron \0"))
    with Reading(tmp_path) as reading:
        ((one,), _) = reading.find('"heron"')
        (line,) = reading.lines('"heron"', reading.first('"heron"', [one], 1)[one.number]).values()
    assert [text for text, hit in line.parts if hit] == ["heron"]
    assert parts_of("a\x03b\x02c") == [("a\x03b", False), ("c", False)]


def test_only_the_beginning_of_a_long_piece_is_searched(writer: Writer, tmp_path: Path) -> None:
    writer.write(session("a"), AT, said("early " + "x " * LONGEST + "late"))
    assert found(tmp_path, "early") == {"u/a.jsonl": 1}
    assert found(tmp_path, "late") == {}


def test_what_is_no_index_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all " * 1000)
    writer = Writer(tmp_path)
    writer.write(session("a"), AT, said("an otter"))
    writer.close()
    assert found(tmp_path, "otter") == {"u/a.jsonl": 1}


def test_a_reader_reads_while_a_session_is_written(writer: Writer, tmp_path: Path) -> None:
    writer.write(session("a"), AT, said("an otter"))
    with writer.replacing(session("a"), LATER) as add:
        add(said("a beaver")[0])
        assert found(tmp_path, "otter") == {"u/a.jsonl": 1}
    assert found(tmp_path, "otter") == {}


def test_memory_does_not_grow_with_a_session(writer: Writer) -> None:
    tracemalloc.start()
    try:
        many = (Piece(turn, "text", "user", None, f"{turn} " * 2000) for turn in range(1500))
        writer.write(session("a"), AT, many)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20, f"{most >> 20} MB for 15 MB of text"


_WORD = st.text("abcdefgé", min_size=1, max_size=4)
_TALK = st.lists(st.lists(_WORD, min_size=1, max_size=6).map(" ".join), max_size=5)


def _folded(text: str) -> list[str]:
    return text.replace("é", "e").split()


@given(
    talks=st.dictionaries(st.sampled_from("pqrs"), _TALK), gone=st.sampled_from("pqrs"), word=_WORD
)
def test_exactly_the_pieces_with_the_word_are_found(
    tmp_path_factory: pytest.TempPathFactory, talks: dict[str, list[str]], gone: str, word: str
) -> None:
    folder = tmp_path_factory.mktemp("index")
    writer = Writer(folder)
    for name, texts in talks.items():
        writer.write(session(name), AT, said(*texts))
    writer.remove([f"u/{gone}.jsonl"])
    expected = {
        f"u/{name}.jsonl": count
        for name, texts in talks.items()
        if name != gone
        and (count := sum(word.replace("é", "e") in _folded(text) for text in texts))
    }
    assert found(folder, f"{word} ") == expected
    writer.close()
