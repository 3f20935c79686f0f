"""gzip read piece by piece: the same bytes however they are cut, and never much at once."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gunzip import STEP, Gunzip
from schema.errors import BadRequest

MEMBERS = st.lists(st.binary(max_size=300).map(lambda part: part * 40), min_size=1, max_size=4)


def unpacked(chunks: list[bytes]) -> bytes:
    gunzip = Gunzip("s.jsonl.gz")
    data = b"".join(piece for chunk in chunks for piece in gunzip.feed(chunk))
    gunzip.close()
    return data


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(ends)]


@given(MEMBERS, st.lists(st.integers(min_value=0), max_size=30), st.integers(0, 9))
def test_the_bytes_are_the_same_however_the_stream_is_cut(
    members: list[bytes], places: list[int], level: int
) -> None:
    packed = b"".join(gzip.compress(part, level) for part in members)
    assert unpacked(cut(packed, places)) == b"".join(members)


@given(MEMBERS, st.integers(min_value=0), st.lists(st.integers(min_value=0), max_size=5))
def test_a_stream_that_ends_inside_a_member_is_never_taken_for_whole(
    members: list[bytes], end: int, places: list[int]
) -> None:
    last = gzip.compress(members[-1])
    packed = b"".join(gzip.compress(part) for part in members[:-1]) + last
    short = packed[: len(packed) - 1 - end % (len(last) - 1)]
    with pytest.raises(BadRequest, match="ends too early"):
        unpacked(cut(short, places))


@given(MEMBERS, st.binary(min_size=1, max_size=40), st.lists(st.integers(min_value=0), max_size=5))
def test_what_follows_the_last_member_and_is_no_member_is_refused(
    members: list[bytes], garbage: bytes, places: list[int]
) -> None:
    packed = b"".join(gzip.compress(part) for part in members) + b"\0" + garbage
    with pytest.raises(BadRequest, match="not a whole gzip file"):
        unpacked(cut(packed, places))


@given(st.binary(max_size=200) | st.binary(max_size=50).map(gzip.compress))
def test_any_bytes_are_unpacked_as_the_library_does_or_refused(data: bytes) -> None:
    try:
        expected = gzip.decompress(data) if data else None
    except (EOFError, OSError, zlib.error):
        expected = None
    if expected is not None:
        assert unpacked([data]) == expected
        return
    with pytest.raises(BadRequest, match="not a whole gzip file"):
        unpacked([data])


def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(40 * STEP))
    sizes = [len(piece) for piece in Gunzip("s.jsonl.gz").feed(bomb)]
    assert sum(sizes) == 40 * STEP
    assert max(sizes) <= STEP


def test_a_million_tiny_members_take_time_in_proportion() -> None:
    # Were the rest copied whole for each member, this would copy 40 GB.
    packed = gzip.compress(b"", mtime=0) * 64_000
    gunzip = Gunzip("s.jsonl.gz")
    assert list(gunzip.feed(packed)) == []
    gunzip.close()


def test_a_name_in_the_header_of_the_stream_is_no_part_of_it() -> None:
    packer = zlib.compressobj(wbits=31)
    plain = packer.compress(b"x\n") + packer.flush()
    named = plain[:3] + bytes([plain[3] | 8]) + plain[4:10] + b"../../x\0" + plain[10:]
    assert unpacked([named]) == b"x\n"
