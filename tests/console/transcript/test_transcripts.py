"""The bytes of transcripts and the pieces in which they leave; where a session is replayed."""

from __future__ import annotations

import itertools
import os
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import links
from console.transcript.transcript_files import PIECE, File, packed, zipped
from console.transcript.transcripts import KINDS, _runs, kinds_of
from ingest.session_files import FOLDER, Target
from schema.errors import BadParameter, NotFound

OWNER = "01a20838-a453-70a5-94d4-e2ddc08eb6c0"
DAY = datetime(2026, 3, 1)


def stored(folder: Path, name: str, data: bytes) -> Target:
    path = folder / FOLDER / OWNER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Target(f"{OWNER}/{name}")


def test_a_zip_comes_in_small_pieces(tmp_path: Path) -> None:
    data = os.urandom(3 * PIECE + 7)  # cannot be made smaller
    large, small = stored(tmp_path, "a.jsonl", data), stored(tmp_path, "b.jsonl", b"")
    files, missing = packed(tmp_path, [(large, datetime(1970, 1, 1)), (small, DAY)], owner=OWNER)
    pieces = list(zipped(files))
    assert (missing, len(pieces) > 3, max(map(len, pieces)) < 2 * PIECE) == (0, True, True)
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.jsonl": data,
            "b.jsonl": b"",
        }


def test_a_file_that_goes_while_a_zip_is_made_is_left_out(tmp_path: Path) -> None:
    targets = [stored(tmp_path, f"{name}.jsonl", b"{}\n") for name in "ab"]
    files, _ = packed(tmp_path, [(target, DAY) for target in targets], owner=OWNER)
    (tmp_path / FOLDER / targets[0].session_file).unlink()
    with zipfile.ZipFile(BytesIO(b"".join(zipped(files)))) as archive:
        assert archive.namelist() == ["b.jsonl"]


def test_only_a_regular_file_is_a_transcript(tmp_path: Path) -> None:
    target = stored(tmp_path, "real.jsonl", b"{}\n")
    folder = tmp_path / FOLDER / OWNER
    (folder / "link.jsonl").symlink_to(folder / "real.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "folder.jsonl").mkdir()
    (tmp_path / FOLDER / "linked").symlink_to(folder)
    with File(tmp_path, target) as file:
        assert (file.size(), file.read(), file.name) == (3, b"{}\n", "real.jsonl")
    names = [f"{OWNER}/{name}.jsonl" for name in ("link", "pipe", "folder", "none")]
    for name in (*names, "linked/real.jsonl"):
        with File(tmp_path, Target(name)) as file:
            for ask in (file.stat, file.read):
                with pytest.raises(NotFound, match="no longer on the server's disk"):
                    ask()


def test_a_file_that_is_replaced_has_another_tag(tmp_path: Path) -> None:
    target = stored(tmp_path, "a.jsonl", b"one")
    with File(tmp_path, target) as file:
        before = file.tag()
    with File(tmp_path, target) as file:
        assert file.tag() == before
    new = tmp_path / "new"
    new.write_bytes(b"two")
    new.rename(tmp_path / FOLDER / target.session_file)
    with File(tmp_path, target) as file:
        assert file.tag() != before


@given(st.sets(st.integers(0, 200)))
def test_stretches_cover_what_is_wanted_and_little_else(wanted: set[int]) -> None:
    turns = sorted(wanted)
    runs = list(_runs(turns))
    covered = [turn for first, last in runs for turn in range(first, last + 1)]
    assert covered == sorted(set(covered))
    assert wanted <= set(covered)
    assert {edge for run in runs for edge in run} <= wanted
    assert all(after[0] - run[1] > 8 for run, after in itertools.pairwise(runs))


def test_kinds_are_a_comma_list() -> None:
    assert kinds_of(None) is None
    assert kinds_of(" prompts , errors,") == frozenset({"prompts", "errors"})
    assert kinds_of(",".join(KINDS)) == frozenset(KINDS)
    for bad in (",", "prompt", "prompts;errors"):
        with pytest.raises(BadParameter, match="kinds"):
            kinds_of(bad)


def test_a_replay_has_an_address() -> None:
    key = f"{OWNER}/a.b_c.jsonl"
    assert links.replay(key) == f"/admin/sessions/{key}"
    assert links.replay(key, 7) == f"/admin/sessions/{key}#t7"
    assert links.replay(key, 0, own=True) == "/me/sessions/a.b_c.jsonl#t0"
