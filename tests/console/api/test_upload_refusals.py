"""What `POST /api/upload/sessions` refuses, when it says so, and that nothing is left of it."""

from __future__ import annotations

import errno
import gzip
import http.client
import logging
import os
import time
import zlib
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
import structlog

from console.api import uploads as api
from ingest import uploads
from schema.tables import SESSION_FILES
from schema.transaction import Transaction
from tests.console import access_world
from tests.console.access_world import World
from tests.console.upload_wire import BOUNDARY, END, PATH, Answer, disposition, part, post, wire
from tests.ingest.test_session_files import HOSTILE
from tests.upload_corpus import payloads

MB = 1 << 20
LINE = b'{"type":"user"}\n'
FILE = part(disposition("file", "s.jsonl"), LINE)
TOO_LARGE = [
    {"gen": "gzip_zeros", "expanded": 1024 * MB},
    {"gen": "plain", "bytes": 600 * MB},
    {"gen": "single_line", "bytes": 200 * MB},
]
LOGGED = [
    "a\nERROR fake admin login",
    "a\r\n2026-01-01 INFO ok",
    "\x1b[2Kx",
    "%s%s%n",
    "${jndi:ldap://x}",
    "a\u2028b",
    "a\x85b",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(access_world, "ROUTES", [*access_world.ROUTES, *api.ROUTES])
        with World(tmp_path_factory.mktemp("uploads"), AGNES_UPLOAD_MAX_MB="128") as world:
            yield world


@pytest.fixture
def me(world: World) -> str:
    return world.user()


@pytest.fixture
def token(world: World, me: str) -> str:
    return world.token(me)


def files(world: World) -> list[str]:
    root: Path = world.settings.folder / "sessions"
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


def wait_for_files(world: World, count: int) -> bool:
    """Whether there are soon `count` files: temporary ones come and go in other threads."""
    end = time.monotonic() + 10
    while len(files(world)) != count:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def refused(world: World, answer: Answer, status: int, *words: str) -> dict[str, Any]:
    """The one shape of errors, with these words in it, and nothing kept."""
    assert answer.status == status
    assert set(answer.body) == {"ok", "title", "error", "detail"}
    assert answer.body["ok"] is False
    said = f"{answer.body['error']} {answer.body['detail']}"
    assert [word for word in words if word not in said] == []
    assert wait_for_files(world, 0)
    assert world.rows(SESSION_FILES) == []
    return answer.body


# -- names and fields ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_file_name_is_refused_and_nothing_of_it_gets_out(
    world: World, token: str, me: str, name: str
) -> None:
    answer = post(world.address, token, part(disposition("file", name), LINE) + END)
    body = refused(world, answer, 400, "filename")
    assert body["error"].isprintable()
    assert "set-cookie" not in answer.headers
    row = world.last("session.upload", user_id=me)
    assert row["result"].startswith("error.bad_")
    assert row["params"]["error"].isprintable()


@pytest.mark.parametrize(
    "header",
    [
        b"form-data; name=\"file\"; filename*=utf-8''s.jsonl",
        b'form-data; name="file"; filename="s.jsonl"; filename*=utf-8\'\'..%2fs.jsonl',
        b'form-data; name="file"; filename="s\\".jsonl"',
        b'form-data; name="file"; filename="s.jsonl"; filename="t.jsonl"',
        b'form-data; name="file"; filename="s.jsonl',
        b'form-data; name="file"; filename=s.jsonl;',
        b'form-data; name="file"; filename=""',
        b'form-data; name="file"; filename="s%2ejsonl"',
        b'form-data; name="file"; filename="s.jsonl\0"',
        b'form-data; name="file"; filename="\xff.jsonl"',
        b'form-data; name="file"',
    ],
    ids=ascii,
)
def test_a_file_name_that_is_not_plain_is_refused(world: World, token: str, header: bytes) -> None:
    refused(world, post(world.address, token, part(header, LINE) + END), 400, "filename")


def with_header(line: bytes) -> bytes:
    """A form whose file has one header more."""
    return FILE.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n", 1) + END


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (END, "no file"),
        (part(disposition("parent"), b"s.jsonl") + END, "no file"),
        (FILE + part(disposition("file", "t.jsonl"), LINE) + END, "file"),
        (FILE + FILE + END, "file='s.jsonl'"),
        (FILE + part(disposition("fiel"), b"") + END, "did you mean file?"),
        (part(disposition("parent"), b"a") * 2 + FILE + END, "parent"),
        (part(disposition("parent", "s.jsonl"), b"a") + FILE + END, "not a file"),
        (b"", "multipart"),
        (b"hello", "multipart"),
        (FILE, "multipart"),
        (FILE + END[:-5], "multipart"),
        (b"--" + BOUNDARY + b"\r\n\r\n" + LINE + b"\r\n" + END, "multipart"),
        (part(b'attachment; name="file"; filename="s.jsonl"') + END, "filename"),
        (part(b"form-data") + END, "multipart"),
        (FILE.replace(b"\r\n\r\n", b"\r\nContent-Disposition: x\r\n\r\n", 1) + END, "repeats"),
        (
            FILE.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + END,
            "base64",
        ),
        (FILE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 5000 + b"\r\n\r\n") + END, "multipart"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_form_that_is_not_one_file_is_400_and_says_what_is_wrong(
    world: World, token: str, body: bytes, word: str
) -> None:
    refused(world, post(world.address, token, body), 400, word)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("multipart/form-data", "boundary"),
        ("multipart/form-data; boundary=", "boundary"),
        ("multipart/form-data; boundary=" + "b" * 300, "oundary"),
        ("application/json", "application/json"),
        ("application/x-www-form-urlencoded", "multipart/form-data"),
        ("", "multipart/form-data"),
    ],
)
def test_a_body_of_another_kind_is_400(world: World, token: str, kind: str, word: str) -> None:
    answer = post(world.address, token, FILE + END, f"Content-Type: {kind}")
    refused(world, answer, 400, word)


def test_an_unknown_parameter_in_the_address_is_400(world: World, token: str) -> None:
    with world.client(token) as caller:
        answer = caller.post(f"{PATH}?overwrite=1", files={"file": ("s.jsonl", LINE)})
    assert answer.status_code == 400
    assert "overwrite" in answer.json()["error"]


@pytest.mark.parametrize(
    "text", payloads("log_injection", "header_injection", shapes=LOGGED), ids=ascii
)
def test_what_a_client_sends_stays_on_one_line_of_the_logs(
    world: World, token: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw = text.encode()
    forms = [
        part(disposition("file", raw), LINE),
        part(disposition(text), LINE),
        FILE + part(disposition("parent"), raw),
        b"--" + BOUNDARY + b"\r\n" + raw + b": x\r\n\r\n",
    ]
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as lines:
        for form in forms:
            answer = post(world.address, token, form + END)
            assert answer.status in (400, 404)
            assert answer.body["error"].isprintable()
    said = [record.getMessage() for record in caplog.records]
    said += [str(value) for line in lines for value in line.values()]
    assert [line for line in said if not line.isprintable()] == []
    assert wait_for_files(world, 0)


# -- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_text", [None, "agnes_wrong"])
def test_a_stranger_is_told_before_the_body_is_read(world: World, token_text: str | None) -> None:
    with wire(world.address) as line:
        line.head(token_text, length=100 * MB)
        answer = line.answer()
    refused(world, answer, 401, "sign in first")
    assert [row for row in world.log("session.upload") if row["user_id"] is None] == []


def test_a_stranger_who_waits_for_a_word_before_sending_gets_no_other(world: World) -> None:
    with wire(world.address) as line:
        line.head(None, "Expect: 100-continue", length=100 * MB)
        assert line.answer().status == 401
        assert line.socket.recv(100) == b""  # neither `100 Continue` nor anything else


def test_a_client_that_waits_for_a_word_before_sending_gets_it(world: World, token: str) -> None:
    body = FILE + END
    with wire(world.address) as line:
        line.head(token, "Expect: 100-continue", length=len(body))
        assert line.socket.recv(100).startswith(b"HTTP/1.1 100")
        line.socket.sendall(body)
        assert line.answer().status == 201
    clear(world)


def clear(world: World) -> None:
    """Take the uploads back, so that the next test finds an empty folder."""
    names = files(world)

    def forget(transaction: Transaction) -> None:
        for name in names:
            transaction.delete(SESSION_FILES, {"session_file": name})

    world.store.write(forget).result()
    for name in names:
        (world.settings.folder / "sessions" / name).unlink()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_there_even_for_an_admin(world: World, method: str) -> None:
    answer = world.admin.request(method, PATH, files={"file": ("s.jsonl", LINE)})
    assert answer.status_code == 405
    assert files(world) == []


# -- sizes -----------------------------------------------------------------------------------------


def zeros(size: int) -> Iterator[bytes]:
    """`size` zero bytes as gzip, made as they are asked for."""
    packer = zlib.compressobj(9, wbits=31)
    for _ in range(size // MB):
        if piece := packer.compress(bytes(MB)):
            yield piece
    yield packer.flush()


def too_large(case: dict[str, Any]) -> tuple[str, Iterator[bytes]]:
    """A file name and a stream for a case."""
    if case["gen"] == "gzip_zeros":
        return "s.jsonl.gz", zeros(case["expanded"])
    piece = LINE * (MB // len(LINE)) if case["gen"] == "plain" else b"x" * MB
    return "s.jsonl", repeat(piece, case["bytes"] // MB)


@pytest.mark.parametrize(
    "case", payloads("upload_body", shapes=TOO_LARGE), ids=lambda case: case["gen"]
)
def test_what_is_too_large_is_413_while_it_comes(
    world: World, token: str, case: dict[str, Any]
) -> None:
    name, stream = too_large(case)
    head = part(disposition("file", name))[:-2]
    with wire(world.address) as line:
        line.head(token)
        sent = line.chunks(chain([head], stream, [b"\r\n" + END]))
        answer = line.answer()
    refused(world, answer, 413, "128 MB", "AGNES_UPLOAD_MAX_MB")
    assert sent < 160 * MB


def test_an_announced_length_far_above_the_limit_is_413_before_the_body(
    world: World, token: str, me: str
) -> None:
    with wire(world.address) as line:
        line.head(token, length=600 * MB)
        answer = line.answer()
    refused(world, answer, 413, "600 MB", "128 MB", "AGNES_UPLOAD_MAX_MB")
    assert world.last("session.upload", user_id=me)["result"] == "error.too_large"


def test_a_client_that_sends_all_before_it_reads_gets_the_answer_too(
    world: World, token: str
) -> None:
    parts = urlsplit(world.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}",
        "Content-Length": str(150 * MB),
    }
    connection.request("POST", PATH, repeat(bytes(MB), 150), headers)
    response = connection.getresponse()
    assert response.status == 413
    response.read()
    connection.request("GET", "/api/me", headers={"Authorization": f"Bearer {token}"})
    assert connection.getresponse().status == 200  # the connection goes on
    connection.close()


def test_a_client_that_never_stops_sending_is_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_LINGER", 0.2)
    with wire(world.address) as line:
        line.head(None)
        assert line.answered(5)
        with pytest.raises(OSError, match=r"reset|Broken pipe|aborted"):
            line.trickle(10)


# -- what goes wrong on the way --------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"not gzip", gzip.compress(LINE)[:-4], gzip.compress(LINE) + b"\0"],
    ids=["something else", "cut", "garbage behind"],
)
def test_broken_gzip_is_400(world: World, token: str, data: bytes) -> None:
    answer = post(world.address, token, part(disposition("file", "s.jsonl.gz"), data) + END)
    refused(world, answer, 400, "s.jsonl.gz", "gzip")


def test_a_client_that_leaves_in_the_middle_leaves_nothing(world: World, token: str) -> None:
    with wire(world.address) as line:
        line.head(token, length=8 * MB)
        line.socket.sendall(part(disposition("file", "s.jsonl"), bytes(MB)))
        assert wait_for_files(world, 1)  # its temporary file
    assert wait_for_files(world, 0)
    assert world.rows(SESSION_FILES) == []


@pytest.mark.parametrize("size", [10, MB], ids=["at the end", "while it comes"])
def test_a_full_disk_is_503_and_leaves_nothing(
    world: World, token: str, me: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Disk:
        write = staticmethod(full)

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    body = part(disposition("file", "s.jsonl"), bytes(size)) + END
    with patch.object(uploads, "os", Disk()):
        answer = post(world.address, token, body)
    refused(world, answer, 503, "disk")
    assert world.last("session.upload", user_id=me)["result"] == "error.unavailable"
    assert post(world.address, token, body).status == 201
    clear(world)


def test_a_bug_is_500_and_leaves_nothing(world: World, token: str) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    body = part(disposition("file", "s.jsonl"), bytes(MB)) + END
    with patch.object(uploads.Receiver, "_append", broken), structlog.testing.capture_logs() as log:
        answer = post(world.address, token, body)
    refused(world, answer, 500, "something failed here")
    assert "ZeroDivisionError" in log[0]["error"]
