"""`POST /api/upload/sessions`: what it keeps, what it answers, what the log says afterwards."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.api import uploads
from schema.tables import SESSION_FILES
from tests.console import access_world
from tests.console.access_world import PASSWORD, World, submit

PATH = "/api/upload/sessions"
LINE = b'{"type":"user"}\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_world, "ROUTES", [*access_world.ROUTES, *uploads.ROUTES])
        with World(tmp_path_factory.mktemp("uploads"), AGNES_UPLOAD_MAX_MB="1") as world:
            yield world


@pytest.fixture
def me(world: World) -> str:
    return world.user()


@pytest.fixture
def caller(world: World, me: str) -> Iterator[httpx.Client]:
    with world.client(world.token(me)) as caller:
        yield caller


def send(
    caller: httpx.Client, data: bytes = LINE, name: str = "s.jsonl", parent: str | None = None
) -> httpx.Response:
    fields = {} if parent is None else {"parent": parent}
    return caller.post(PATH, files={"file": (name, data)}, data=fields)


def stored(world: World, session_file: str) -> bytes:
    return (world.settings.folder / "sessions" / session_file).read_bytes()


def files_of(world: World, user_id: str) -> list[str]:
    folder: Path = world.settings.folder / "sessions" / user_id
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_upload_is_stored_and_answered(world: World, caller: httpx.Client, me: str) -> None:
    answer = send(caller)
    assert answer.status_code == 201
    session_file = f"{me}/s.jsonl"
    assert answer.json() == {
        "status": "ok",
        "filename": "s.jsonl",
        "size": len(LINE),
        "session_file": session_file,
    }
    assert stored(world, session_file) == LINE
    row = world.rows(SESSION_FILES, session_file=session_file)[0]
    assert row["sha256"] == hashlib.sha256(LINE).hexdigest()
    assert (row["user_id"], row["bytes"], row["parent"], row["indexed"]) == (me, 16, None, False)


def test_an_upload_writes_one_audit_row(world: World, caller: httpx.Client, me: str) -> None:
    caller.headers["X-Correlation-ID"] = "upload-1"
    send(caller)
    (row,) = world.log("session.upload", user_id=me)
    assert row["resource"] == f"session:{me}/s.jsonl"
    assert (row["result"], row["client_kind"]) == ("success", "cli")
    assert row["correlation_id"] == "upload-1"
    assert row["duration_ms"] >= 0
    assert row["params_before"] == {}
    assert row["params"] == {
        "filename": "s.jsonl",
        "bytes": len(LINE),
        "session_file": f"{me}/s.jsonl",
        "sha256": hashlib.sha256(LINE).hexdigest(),
        "replaced": False,
    }


def test_gzip_is_stored_unpacked_and_takes_the_place_of_the_plain_file(
    world: World, caller: httpx.Client, me: str
) -> None:
    send(caller, b"old\n")
    (old,) = world.rows(SESSION_FILES, user_id=me)
    answer = send(caller, gzip.compress(LINE), "s.jsonl.gz")
    assert (answer.json()["filename"], answer.json()["size"]) == ("s.jsonl", len(LINE))
    assert files_of(world, me) == ["s.jsonl"]
    assert stored(world, f"{me}/s.jsonl") == LINE
    row = world.last("session.upload", user_id=me)
    assert row["params"]["replaced"] is True
    before = row["params_before"]
    assert (before["bytes"], before["sha256"]) == (4, hashlib.sha256(b"old\n").hexdigest())
    assert before["uploaded_at"].startswith(old["uploaded_at"].isoformat(timespec="seconds"))


def test_an_empty_transcript_is_taken(world: World, caller: httpx.Client, me: str) -> None:
    answer = send(caller, b"")
    assert (answer.status_code, answer.json()["size"]) == (201, 0)
    assert stored(world, f"{me}/s.jsonl") == b""


@pytest.mark.parametrize("size", [1, 65_536, 262_144, 262_145, 1 << 20])
def test_a_file_arrives_whole_whatever_its_size(
    world: World, caller: httpx.Client, me: str, size: int
) -> None:
    data = bytes(range(256)) * (size // 256) + b"\r\n--"[: size % 256]
    answer = send(caller, data)
    assert answer.json()["size"] == len(data)
    assert stored(world, f"{me}/s.jsonl") == data


def test_the_same_name_of_two_users_is_two_files(
    world: World, caller: httpx.Client, me: str
) -> None:
    other = world.user()
    send(caller, b"mine\n")
    with world.client(world.token(other)) as somebody:
        send(somebody, b"theirs\n")
    assert stored(world, f"{me}/s.jsonl") == b"mine\n"
    assert stored(world, f"{other}/s.jsonl") == b"theirs\n"


@pytest.mark.parametrize("order", ["file first", "parent first"])
@pytest.mark.parametrize("parent", ["s.jsonl", "{me}/s.jsonl"])
def test_a_subagent_is_kept_with_its_session(
    world: World, caller: httpx.Client, me: str, order: str, parent: str
) -> None:
    send(caller)
    # Without a file name httpx sends a plain field, in the order of the list.
    file: Any = ("file", ("agent-7.jsonl", b"sub\n"))
    field: Any = ("parent", (None, parent.format(me=me)))
    fields = [file, field] if order == "file first" else [field, file]
    answer = caller.post(PATH, files=fields)
    session_file = f"{me}/s/subagents/agent-7.jsonl"
    assert answer.status_code == 201
    assert answer.json()["session_file"] == session_file
    assert stored(world, session_file) == b"sub\n"
    (row,) = world.rows(SESSION_FILES, session_file=session_file)
    assert row["parent"] == f"{me}/s.jsonl"
    assert world.last("session.upload", user_id=me)["params"]["parent"] == f"{me}/s.jsonl"


def test_an_empty_parent_counts_as_not_given(caller: httpx.Client, me: str) -> None:
    assert send(caller, parent="").json()["session_file"] == f"{me}/s.jsonl"


def test_a_subagent_needs_a_session_that_its_sender_has_uploaded(
    world: World, caller: httpx.Client, me: str
) -> None:
    other = world.user()
    with world.client(world.token(other)) as somebody:
        send(somebody)
    for parent in ("s.jsonl", f"{me}/s.jsonl", f"{other}/s.jsonl"):
        answer = send(caller, name="agent-7.jsonl", parent=parent)
        assert answer.status_code == 404
        assert "no session that you have uploaded" in answer.json()["error"]
    assert files_of(world, me) == []


@pytest.mark.parametrize(
    ("name", "parent", "said"),
    [
        ("agent-7.jsonl", "../s.jsonl", "parent"),
        ("agent-7.jsonl", "s.jsonl.gz", "parent"),
        ("agent-7.jsonl", "s" * 600, "parent"),
        ("s2.jsonl", "s.jsonl", "agent-<id>.jsonl"),
    ],
)
def test_a_parent_that_cannot_be_is_400(
    world: World, caller: httpx.Client, me: str, name: str, parent: str, said: str
) -> None:
    send(caller)
    answer = send(caller, name=name, parent=parent)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert files_of(world, me) == ["s.jsonl"]


def test_uploads_at_once_of_one_name_leave_one_whole_file(
    world: World, caller: httpx.Client, me: str
) -> None:
    bodies = [f"{number}\n".encode() * 90_000 for number in range(10, 26)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: send(caller, body), bodies))
    assert {answer.status_code for answer in answers} == {201}
    assert files_of(world, me) == ["s.jsonl"]
    left = stored(world, f"{me}/s.jsonl")
    assert left in bodies
    (row,) = world.rows(SESSION_FILES, user_id=me)
    assert row["sha256"] == hashlib.sha256(left).hexdigest()
    assert len(world.log("session.upload", user_id=me)) == len(bodies)


def test_a_browser_may_upload_with_its_xsrf_token(world: World) -> None:
    email = "upload@example.org"
    user = world.user(email, password=PASSWORD)
    with world.browser() as browser:
        submit(browser, email=email, password=PASSWORD)
        refused = send(browser)
        browser.headers["X-XSRFToken"] = browser.cookies["_xsrf"]
        taken = send(browser)
    assert refused.status_code == 403
    assert "XSRF" in refused.json()["error"]
    assert taken.status_code == 201
    (row,) = world.log("session.upload", user_id=user, result="success")
    assert row["client_kind"] == "web"
