"""What a crash leaves in the middle of an upload, and what the next start makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.session_files import Target
from ingest.uploads import TEMPORARY, Recovered, recover
from schema.tables import AUDIT_LOG, SESSION_FILES
from schema.transaction import Transaction
from tests.ingest.upload_crash import NEW
from tests.ingest.uploads_place import LINE, ME, Uploads

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("upload_crash.py")
LEFT = TEMPORARY + "0"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Uploads]:
    place = Uploads(tmp_path)
    yield place
    place.store.close()


def crashes(tmp_path: Path, filename: str, parent: str = "", *, old: bool) -> list[Path]:
    """Data folders, each left by an upload that died one step later than the one before; in the
    last one it was acknowledged."""
    base, work = tmp_path / "base", tmp_path / "work"
    base.mkdir()
    place = Uploads(base)
    if old:
        place.put(LINE)
    place.store.close()
    command = [sys.executable, str(SCRIPT), str(base), str(work), ME, filename, parent]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return sorted(work.iterdir(), key=lambda folder: int(folder.name))


@pytest.mark.parametrize(
    ("filename", "parent", "old"),
    [("s.jsonl", "", False), ("s.jsonl", "", True), ("agent-1.jsonl", "s.jsonl", True)],
    ids=["new", "replaced", "subagent"],
)
def test_after_a_crash_at_any_step_there_is_the_old_state_or_the_new_one(
    tmp_path: Path, filename: str, parent: str, *, old: bool
) -> None:
    folders = crashes(tmp_path, filename, parent, old=old)
    outcomes = []
    for folder in folders:
        place = Uploads(folder)
        recovered = recover(place.store, folder)
        place.check()
        new = NEW in place.files().values()
        # The audit row came with the file's, or not at all.
        assert len(place.rows(AUDIT_LOG)) == old + new
        assert recover(place.store, folder) == Recovered()
        outcomes.append((new, bool(recovered.finished), bool(recovered.undone)))
        place.store.close()
    assert len(folders) > 6
    states = [new for new, _, _ in outcomes]
    assert states == sorted(states)  # never back to the old one
    assert outcomes[-1] == (True, False, False)  # what was acknowledged needs no recovery
    assert (True, True, False) in outcomes
    assert (False, False, True) in outcomes


def left(place: Uploads, data: bytes, name: str = LEFT) -> Path:
    """A temporary file as a crash leaves it."""
    place.mine.mkdir(parents=True, exist_ok=True)
    path = place.mine / name
    path.write_bytes(data)
    return path


def test_bytes_that_no_row_knows_are_deleted(place: Uploads) -> None:
    place.put(LINE)
    left(place, b"half of a li")
    assert recover(place.store, place.folder) == Recovered(undone=1)
    place.check()


def test_bytes_that_a_row_waits_for_get_to_their_place(place: Uploads) -> None:
    place.put(b"new\n")
    (place.mine / "s.jsonl").rename(left(place, b""))
    assert recover(place.store, place.folder) == Recovered(finished=(f"{ME}/s.jsonl",))
    place.check()


def test_of_equal_bytes_each_file_gets_its_own(place: Uploads) -> None:
    place.put(LINE, "a.jsonl")
    place.put(LINE, "b.jsonl")
    place.put(LINE, "agent-1.jsonl", "a.jsonl")
    (place.mine / "b.jsonl").write_bytes(b"old\n")
    (place.mine / "a" / "subagents" / "agent-1.jsonl").unlink()
    for number in range(3):
        left(place, LINE, f"{TEMPORARY}{number}")
    found = recover(place.store, place.folder)
    assert sorted(found.finished) == [f"{ME}/a/subagents/agent-1.jsonl", f"{ME}/b.jsonl"]
    assert found.undone == 1
    place.check()


def test_a_folder_of_subagents_that_was_lost_is_made_anew(place: Uploads) -> None:
    place.put(LINE)
    place.put(b"sub\n", "agent-1.jsonl", "s.jsonl")
    lost = place.mine / "s" / "subagents"
    (lost / "agent-1.jsonl").rename(left(place, b""))
    lost.rmdir()
    lost.parent.rmdir()
    assert recover(place.store, place.folder).finished == (f"{ME}/s/subagents/agent-1.jsonl",)
    place.check()


def test_another_users_row_does_not_claim_the_bytes(place: Uploads) -> None:
    stored = place.put(LINE)
    other = "00000000-0000-0000-0000-000000000008"

    def alike(transaction: Transaction) -> None:
        session_file = f"{other}/s.jsonl"
        row = {**stored.row(), "session_file": session_file, "user_id": other}
        transaction.put(SESSION_FILES, row)

    place.store.write(alike).result()
    left(place, LINE)
    assert recover(place.store, place.folder) == Recovered(undone=1)
    assert not (place.folder / "sessions" / other).exists()


def test_what_is_no_upload_is_left_alone(place: Uploads, tmp_path: Path) -> None:
    place.put(LINE)
    stranger = place.folder / "sessions" / "lost+found"
    stranger.mkdir()
    (stranger / LEFT).write_bytes(b"x")
    precious = tmp_path / "precious"
    precious.write_bytes(b"x")
    (place.mine / LEFT).symlink_to(precious)
    assert recover(place.store, place.folder) == Recovered()
    assert (stranger / LEFT).exists()
    assert precious.read_bytes() == b"x"


def test_a_data_folder_without_uploads_needs_nothing(place: Uploads) -> None:
    assert recover(place.store, place.folder) == Recovered()


def test_a_target_knows_its_way() -> None:
    found = Target(f"{ME}/s/subagents/agent-1.jsonl", f"{ME}/s.jsonl")
    assert (found.user_id, found.filename) == (ME, "agent-1.jsonl")
    assert found.folders == [ME, "s", "subagents"]
