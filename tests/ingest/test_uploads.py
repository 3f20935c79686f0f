"""How uploaded bytes get to their place: whole or not at all, whatever breaks in between."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ingest import folders, uploads
from ingest.session_files import target
from ingest.uploads import MB, Recovered, Stored, recover
from schema.errors import AgnesError, BadRequest, Conflict, NotFound, TooLarge, Unavailable
from schema.store import Store
from schema.tables import AUDIT_LOG, SESSION_FILES
from schema.transaction import Row, Rows
from tests.ingest.uploads_place import LINE, ME, Uploads


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Uploads]:
    place = Uploads(tmp_path)
    yield place
    place.store.close()


# -- what is stored --------------------------------------------------------------------------------


def test_an_upload_is_a_file_a_row_and_an_audit_row(place: Uploads) -> None:
    stored = place.put(LINE)
    assert place.files() == {f"{ME}/s.jsonl": LINE}
    assert place.rows(SESSION_FILES) == [stored.row()]
    assert (stored.size, stored.sha256) == (len(LINE), hashlib.sha256(LINE).hexdigest())
    assert [row["action"] for row in place.rows(AUDIT_LOG)] == ["session.upload"]


def test_an_empty_file_is_a_transcript_in_which_nothing_has_happened_yet(place: Uploads) -> None:
    assert place.put(b"").size == 0
    assert place.files() == {f"{ME}/s.jsonl": b""}


def test_only_the_owner_of_the_server_may_read_what_is_stored(place: Uploads) -> None:
    place.put(LINE)
    place.put(LINE, "agent-1.jsonl", "s.jsonl")
    root = place.folder / "sessions"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    assert modes == {0o600}
    inner = [root, *(path for path in root.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in inner} == {0o700}


def test_the_same_name_again_replaces_and_the_log_keeps_what_was_there(place: Uploads) -> None:
    old = place.put(b"old\n")
    new = place.put(gzip.compress(b"new\n"), "s.jsonl.gz")
    assert place.files() == {f"{ME}/s.jsonl": b"new\n"}
    assert place.rows(SESSION_FILES) == [new.row()]
    log = {row["params"]: row["params_before"] for row in place.rows(AUDIT_LOG)}
    assert log == {old.sha256: None, new.sha256: old.sha256}


def test_a_subagent_lies_below_its_session_and_names_it(place: Uploads) -> None:
    place.put(LINE)
    stored = place.put(b"sub\n", "agent-7.jsonl", f"{ME}/s.jsonl")
    assert stored.target.session_file == f"{ME}/s/subagents/agent-7.jsonl"
    assert stored.row()["parent"] == f"{ME}/s.jsonl"
    assert place.files()[f"{ME}/s/subagents/agent-7.jsonl"] == b"sub\n"
    place.check()


def test_a_subagent_of_a_session_that_was_never_uploaded_leaves_nothing(place: Uploads) -> None:
    with pytest.raises(NotFound, match=r"parent='gone\.jsonl'|parent='.*gone\.jsonl'"):
        place.put(LINE, "agent-7.jsonl", "gone.jsonl")
    assert list(place.mine.iterdir()) == []
    assert place.rows(AUDIT_LOG) == []


# -- what is refused -------------------------------------------------------------------------------


def test_one_byte_too_many_is_refused_and_leaves_nothing(place: Uploads) -> None:
    place.put(b"x" * MB)
    receiver = place.receiver("t.jsonl")
    receiver.write(b"x" * MB)
    with pytest.raises(TooLarge, match=r"t\.jsonl is larger than 1 MB") as caught:
        receiver.write(b"x")
    assert "AGNES_UPLOAD_MAX_MB" in caught.value.detail
    assert list(place.files()) == [f"{ME}/s.jsonl"]


def test_a_bomb_is_stopped_at_the_limit(place: Uploads) -> None:
    receiver = place.receiver("b.jsonl.gz")
    bomb = gzip.compress(bytes(64 * MB))
    written: list[int] = []
    write = os.write

    def counted(file: int, data: Any) -> int:
        written.append(write(file, data))
        return written[-1]

    with patch.object(os, "write", counted), pytest.raises(TooLarge):
        receiver.write(bomb)
    assert sum(written) <= MB
    assert place.files() == {}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not gzip", id="something else"),
        pytest.param(gzip.compress(LINE)[:-1], id="cut"),
        pytest.param(gzip.compress(LINE)[:-8] + bytes(8), id="wrong checksum"),
        pytest.param(gzip.compress(LINE) + b"garbage", id="garbage behind"),
        pytest.param(gzip.compress(LINE) + bytes(512), id="zeros behind"),
    ],
)
def test_broken_gzip_is_refused_and_leaves_nothing(place: Uploads, data: bytes) -> None:
    with pytest.raises(BadRequest, match=r"s\.jsonl\.gz is not a whole gzip file"):
        place.put(data, "s.jsonl.gz")
    assert place.files() == {}
    assert place.rows(SESSION_FILES) == []


def test_an_upload_that_has_ended_takes_no_more(place: Uploads) -> None:
    receiver = place.receiver()
    receiver.write(LINE)
    receiver.discard()
    receiver.discard()
    with pytest.raises(Conflict, match=r"s\.jsonl has ended"):
        receiver.write(LINE)
    assert place.files() == {}


def test_links_are_not_followed(place: Uploads, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place.mine.parent.mkdir()
    place.mine.symlink_to(outside)
    with pytest.raises(AgnesError, match="is not a folder"):
        place.put(LINE)
    assert list(outside.iterdir()) == []
    assert recover(place.store, place.folder) == Recovered()


def test_a_link_in_the_place_of_a_session_is_replaced_not_written_through(
    place: Uploads, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    place.mine.mkdir(parents=True)
    (place.mine / "s.jsonl").symlink_to(outside)
    place.put(LINE)
    assert outside.read_bytes() == b"precious"
    assert not (place.mine / "s.jsonl").is_symlink()
    place.check()


# -- what breaks in between ------------------------------------------------------------------------


def test_the_bytes_and_their_name_are_on_disk_before_the_row_and_the_row_before_the_rename(
    place: Uploads,
) -> None:
    steps: list[str] = []
    attempt = place.store._attempt

    class Disk:
        def __getattr__(self, name: str) -> Any:
            work = getattr(os, name)
            if name not in ("write", "fsync", "rename"):
                return work

            def noted(*args: Any, **options: Any) -> Any:
                folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
                steps.append("fsync folder" if folder else name)
                return work(*args, **options)

            return noted

    def committing(writes: Any) -> Any:
        steps.append("commit")
        return attempt(writes)

    place.mine.mkdir(parents=True)
    with patch.object(uploads, "os", Disk()), patch.object(place.store, "_attempt", committing):
        place.put(LINE)
    assert steps == ["write", "fsync", "fsync folder", "commit", "rename"]


class Breaks:
    """The module `os` whose k-th call that changes a disk fails."""

    def __init__(self, k: int, code: int) -> None:
        self._left = k
        self._code = code

    def __getattr__(self, name: str) -> Any:
        work = getattr(os, name)
        if name not in ("open", "write", "fsync", "mkdir", "rename"):
            return work

        def breaking(*args: Any, **options: Any) -> Any:
            if name != "open" or args[1] & os.O_CREAT:
                self._left -= 1
                if self._left == 0:
                    raise OSError(self._code, os.strerror(self._code))
            return work(*args, **options)

        return breaking

    @property
    def unused(self) -> bool:
        return self._left > 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_step_that_fails_leaves_the_old_file_or_the_new_one(place: Uploads, code: int) -> None:
    place.put(b"old\n")
    for k in range(1, 20):
        broken: Any = Breaks(k, code)
        rows = len(place.rows(AUDIT_LOG))
        with patch.object(uploads, "os", broken), patch.object(folders, "os", broken):
            expected = Unavailable if code == errno.ENOSPC else (OSError, AgnesError)
            try:
                place.put(f"new {k}\n".encode())
            except (OSError, AgnesError) as error:
                failure: Exception = error
            else:
                assert broken.unused
                break
        if len(place.rows(AUDIT_LOG)) == rows:  # refused before the commit: nothing is left
            assert isinstance(failure, expected)
            place.check()
        recover(place.store, place.folder)
        place.check()
    assert k > 5


def test_a_full_disk_is_said_and_leaves_nothing(place: Uploads) -> None:
    full: Any = Breaks(2, errno.ENOSPC)  # after the file was made
    place.mine.mkdir(parents=True)
    receiver = place.receiver()
    with patch.object(uploads, "os", full), pytest.raises(Unavailable, match="disk that holds the"):
        receiver.write(LINE)
    assert place.files() == {}
    place.put(LINE)  # and it goes on when there is space again
    place.check()


def failing_after(store: Store) -> Callable[..., Future[Any]]:
    """`store.write` that commits, and then says that it failed."""
    write = store.write

    def written(*steps: Any) -> Future[Any]:
        write(*steps).result()
        failed: Future[Any] = Future()
        failed.set_exception(RuntimeError("checkpoint failed"))
        return failed

    return written


def test_a_commit_that_fails_after_it_was_done_is_believed(place: Uploads) -> None:
    with patch.object(place.store, "write", failing_after(place.store)):
        place.put(LINE)
    place.check()


def test_a_commit_that_fails_leaves_nothing(place: Uploads) -> None:
    def refuse(stored: Stored, before: Row | None) -> Rows:
        raise RuntimeError("no audit row")

    receiver = place.receiver()
    receiver.write(LINE)
    with pytest.raises(RuntimeError, match="no audit row"):
        receiver.commit(place.store, target(ME, "s.jsonl"), refuse)
    assert place.files() == {}
    place.check()


def test_of_two_uploads_of_one_name_the_last_committed_row_has_its_bytes(place: Uploads) -> None:
    put = uploads._put
    held, go = threading.Event(), threading.Event()

    def slowly(*args: Any) -> None:
        if not held.is_set():  # only the first one waits between its commit and its rename
            held.set()
            assert go.wait(10)
        put(*args)

    with patch.object(uploads, "_put", slowly), ThreadPoolExecutor(2) as pool:
        first = pool.submit(place.put, b"first\n")
        assert held.wait(10)
        second = pool.submit(place.put, b"second\n")
        wait([second], timeout=0.2)  # it would be done by then, had it not to wait its turn
        committed = [row["params"] for row in place.rows(AUDIT_LOG)]
        go.set()
        assert committed == [first.result().sha256]
        second.result()
    assert place.files() == {f"{ME}/s.jsonl": b"second\n"}
    place.check()


def test_many_uploads_of_one_name_at_once_end_in_one_whole_file(place: Uploads) -> None:
    bodies = [f"{number}\n".encode() * 5000 for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(place.put, bodies))
    assert len(place.rows(AUDIT_LOG)) == 24
    assert next(iter(place.files().values())) in bodies
    place.check()
