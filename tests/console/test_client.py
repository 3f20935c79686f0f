"""The client: addresses, headers, errors by their names, and files sent in pieces."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from console import credentials
from console.client import Client, Json, Unreachable, connect
from schema import errors

Handle = Callable[[httpx.Request], httpx.Response]
SERVER = "https://agnes.example"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNES_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("AGNES_SERVER", "AGNES_TOKEN", "AGNES_CORRELATION_ID"):
        monkeypatch.delenv(name, raising=False)


def client(handle: Handle, *, server: str = SERVER, token: str | None = "agnes_1") -> Client:
    return Client(server, token, transport=httpx.MockTransport(handle))


def answering(answer: object, status: int = 200, **headers: str) -> Client:
    return client(lambda _: httpx.Response(status, json=answer, headers=headers))


def asked(call: Callable[[Client], object], answer: object = None) -> httpx.Request:
    """The request that `call` makes."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(200, json={} if answer is None else answer)

    with client(handle) as ours:
        call(ours)
    (request,) = seen
    return request


CALLS: list[tuple[Callable[[Client], object], str, str, object]] = [
    (
        lambda c: c.login("a@x.org", "geheim"),
        "POST",
        "/api/login",
        {"email": "a@x.org", "password": "geheim"},
    ),
    (
        lambda c: c.login("a", "p", name="n"),
        "POST",
        "/api/login",
        {"email": "a", "password": "p", "name": "n"},
    ),
    (lambda c: c.logout(), "POST", "/api/logout", None),
    (lambda c: c.me(), "GET", "/api/me", None),
    (
        lambda c: c.check_access("table", "orders"),
        "POST",
        "/api/check-access",
        {"resource_type": "table", "resource_id": "orders"},
    ),
    (lambda c: c.activity.list({"q": "x"}), "GET", "/api/admin/activity?q=x", None),
    (lambda c: c.activity.show("e 1"), "GET", "/api/admin/activity/e%201", None),
    (lambda c: c.activity.health(), "GET", "/api/admin/activity/health", None),
    (lambda c: c.activity.sync(), "GET", "/api/admin/activity/sync", None),
    (lambda c: c.activity.kpis(), "GET", "/api/admin/observability/kpis", None),
    (lambda c: c.activity.facets(), "GET", "/api/admin/observability/facets", None),
    (
        lambda c: c.activity.histogram({"source": "web"}),
        "GET",
        "/api/admin/observability/histogram?source=web",
        None,
    ),
    (lambda c: c.users.show("u/1"), "GET", "/api/admin/users/u%2F1", None),
    (lambda c: c.users.create(email="a", name=None), "POST", "/api/admin/users", {"email": "a"}),
    (
        lambda c: c.users.update("u", is_admin=False),
        "PATCH",
        "/api/admin/users/u",
        {"is_admin": False},
    ),
    (lambda c: c.users.delete("u"), "DELETE", "/api/admin/users/u", None),
    (lambda c: c.tokens.delete("t"), "DELETE", "/api/admin/tokens/t", None),
    (lambda c: c.grants.show("g"), "GET", "/api/admin/grants/g", None),
    (
        lambda c: c.groups.add_member("g", "u"),
        "POST",
        "/api/admin/groups/g/members",
        {"user_id": "u"},
    ),
    (lambda c: c.groups.remove_member("g", "u"), "DELETE", "/api/admin/groups/g/members/u", None),
]


@pytest.mark.parametrize(("call", "method", "path", "body"), CALLS)
def test_each_method_asks_its_path(
    call: Callable[[Client], object], method: str, path: str, body: object
) -> None:
    request = asked(call)
    assert (request.method, request.url.raw_path.decode()) == (method, path)
    assert (json.loads(request.content) if request.content else None) == body


def test_token_and_correlation_id_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNES_CORRELATION_ID", "run-7")
    headers = asked(lambda c: c.me()).headers
    assert headers["Authorization"] == "Bearer agnes_1"
    assert headers["X-Correlation-ID"] == "run-7"


def test_without_token_and_correlation_id_none_is_sent() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers
        assert "X-Correlation-ID" not in request.headers
        return httpx.Response(200, json={})

    client(handle, token=None).me()


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "ä", "a b", "\x00"])
def test_what_would_break_a_header_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(errors.BadParameter) as caught:
        Client(SERVER, value)
    assert value not in caught.value.message
    if "\x00" not in value:  # an environment cannot hold it
        monkeypatch.setenv("AGNES_CORRELATION_ID", value)
        with pytest.raises(errors.BadParameter, match="AGNES_CORRELATION_ID"):
            Client(SERVER, "agnes_1")


def test_a_path_below_the_host_is_kept() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://host.example/agnes/api/me"
        return httpx.Response(200, json={"id": "1"})

    assert client(handle, server="https://host.example/agnes/").me() == {"id": "1"}


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_an_id_never_climbs_out_of_its_path(key: str) -> None:
    with pytest.raises(errors.NotFound), answering({}) as ours:
        ours.users.show(key)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.NotSignedIn),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (413, errors.TooLarge),
        (418, errors.BadRequest),
        (429, errors.TooMany),
        (500, errors.AgnesError),
        (502, errors.AgnesError),
        (503, errors.Unavailable),
    ],
)
def test_an_error_keeps_its_kind_sentence_and_advice(
    status: int, kind: type[errors.AgnesError]
) -> None:
    body = {"ok": False, "title": "T", "error": "it is full", "detail": "empty it"}
    with pytest.raises(errors.AgnesError) as caught, answering(body, status) as ours:
        ours.me()
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.detail) == ("it is full", "empty it")


@pytest.mark.parametrize(("header", "seconds"), [("17", 17), ("soon", 1)])
def test_too_many_says_when_to_come_back(header: str, seconds: int) -> None:
    limited = answering({"error": "slow down", "detail": ""}, 429, **{"Retry-After": header})
    with pytest.raises(errors.TooMany) as caught:
        limited.me()
    assert caught.value.retry_after == seconds
    assert f"{seconds} s" in caught.value.detail


@pytest.mark.parametrize("status", [200, 404, 500, 502])
@pytest.mark.parametrize("content", [b"<h1>Bad\x1b[2J gateway</h1>", b"[]", b'{"detail": 1}', b""])
def test_an_answer_of_something_else_is_told_as_that(status: int, content: bytes) -> None:
    if (status, content) == (200, b'{"detail": 1}'):
        content = b'"text"'
    with pytest.raises(errors.AgnesError) as caught:
        client(lambda _: httpx.Response(status, content=content)).me()
    assert f"{SERVER} answered {status}" in caught.value.message
    assert "AGNES_SERVER" in caught.value.detail
    assert "\x1b" not in caught.value.message
    assert isinstance(caught.value, errors.Unavailable) is (status == 502)


def test_a_redirect_is_told_and_not_followed() -> None:
    moved = httpx.Response(301, headers={"Location": "https://else.example/api/me"})
    with pytest.raises(errors.BadRequest, match=r"else\.example"):
        client(lambda _: moved).me()


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("[Errno 111] refused"),
        httpx.ReadError(""),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named(error: Exception) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(errors.Unavailable) as caught:
        client(handle).me()
    assert isinstance(caught.value, Unreachable)
    assert caught.value.message.startswith(f"cannot reach {SERVER}: ")
    assert caught.value.detail == (
        "is it running? set AGNES_SERVER or run `agnes login --server URL`"
    )


def test_a_server_that_is_silent_is_told_from_one_that_is_away() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    with pytest.raises(Unreachable, match=f"no answer from {SERVER} in time"):
        client(handle).me()


def test_nobody_listening_is_unreachable() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can have it
        server = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable, match=server), Client(server) as ours:
            ours.me()


def test_connect_uses_the_remembered_sign_in() -> None:
    credentials.save(credentials.Login(SERVER, "agnes_kept"))

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer agnes_kept"
        return httpx.Response(200, json={"host": request.url.host})

    with connect(transport=httpx.MockTransport(handle)) as ours:
        assert ours.me() == {"host": "agnes.example"}


def pages(count: int) -> tuple[Client, list[dict[str, str]]]:
    """A server with `count` users, and what it was asked."""
    asked: list[dict[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        asked.append(params)
        limit, offset = int(params["limit"]), int(params["offset"])
        rows = [{"id": number} for number in range(count)][offset : offset + limit]
        end = offset + len(rows)
        page: Json = {"rows": rows, "total": count, "limit": limit, "offset": offset}
        return httpx.Response(200, json={**page, "next_offset": end if end < count else None})

    return client(handle), asked


def test_a_list_pages_through_all() -> None:
    ours, asked = pages(2500)
    answer = ours.users.list(q="x", group_id=None)
    assert [row["id"] for row in answer["rows"]] == list(range(2500))
    assert (answer["total"], answer["next_offset"]) == (2500, None)
    assert [params["offset"] for params in asked] == ["0", "1000", "2000"]
    assert all(params["q"] == "x" and "group_id" not in params for params in asked)


@pytest.mark.parametrize(
    ("limit", "offset", "ids", "following"),
    [
        (3, 0, [0, 1, 2], 3),
        (3, 4, [4, 5, 6], 7),
        (1500, 0, list(range(1500)), 1500),
        (5, 2498, [2498, 2499], None),
        (None, 2499, [2499], None),
        (2, 9999, [], None),
    ],
)
def test_a_list_is_cut_where_asked(
    limit: int | None, offset: int, ids: list[int], following: int | None
) -> None:
    answer = pages(2500)[0].users.list(limit=limit, offset=offset)
    assert [row["id"] for row in answer["rows"]] == ids
    assert answer["next_offset"] == following


def test_a_list_that_never_ends_is_not_followed_forever() -> None:
    page = {"rows": [], "total": 9, "limit": 1, "offset": 0, "next_offset": 5}
    assert answering(page).users.list()["rows"] == []


def test_an_export_is_streamed() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"format": "json", "q": "x"}
        return httpx.Response(200, headers={"X-Row-Count": "2"}, content=iter([b"a\n", b"b\n"]))

    with client(handle).activity.export("json", {"q": "x"}) as download:
        assert download.rows == 2
        assert b"".join(download.chunks) == b"a\nb\n"


def test_an_export_that_is_refused_says_why() -> None:
    body = {"ok": False, "error": "not yours", "detail": ""}
    refused = answering(body, 403)
    with pytest.raises(errors.Forbidden, match="not yours"), refused.activity.export("csv"):
        pytest.fail("there is nothing to read")


def parts(request: httpx.Request) -> dict[str, tuple[str | None, bytes]]:
    """The fields of a multipart body: name -> (file name, content)."""
    from email import message_from_bytes

    head = b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n"
    found: dict[str, tuple[str | None, bytes]] = {}
    payload: Any = message_from_bytes(head + request.content).get_payload()
    for part in payload:
        name = str(part.get_param("name", header="Content-Disposition"))
        found[name] = (part.get_filename(), part.get_payload(decode=True))
    return found


STORED = {"status": "ok", "filename": "s.jsonl", "size": 3, "session_file": "u/s.jsonl"}


def test_an_upload_sends_file_name_and_parent(tmp_path: Path) -> None:
    file = tmp_path / "own name.jsonl"
    file.write_bytes(b'{"a": 1}\n')
    request = asked(lambda c: c.upload(file, name="s.jsonl", parent="u/p.jsonl"), STORED)
    assert (request.method, request.url.path) == ("POST", "/api/upload/sessions")
    assert parts(request) == {
        "parent": (None, b"u/p.jsonl"),
        "file": ("s.jsonl", b'{"a": 1}\n'),
    }
    assert int(request.headers["Content-Length"]) == len(request.content)


def test_an_upload_without_parent_sends_none_and_keeps_gzip(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl.gz"
    file.write_bytes(gzip.compress(b"{}\n"))
    request = asked(lambda c: c.upload(file), STORED)
    assert parts(request) == {"file": ("s.jsonl.gz", file.read_bytes())}


def test_an_upload_is_read_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.write_bytes(bytes(1_000_000))
    told: list[int] = []
    sizes: list[int] = []

    def handle(request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        sizes.extend(len(piece) for piece in request.stream)
        return httpx.Response(201, json=STORED)

    class Streaming(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return handle(request)

    Client(SERVER, "agnes_1", transport=Streaming()).upload(file, progress=told.append)
    assert max(sizes) <= 65_536
    assert sum(sizes) > 1_000_000
    assert told == sorted(told)
    assert told[-1] == 1_000_000


def test_a_file_that_grows_is_sent_as_long_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.write_bytes(b"x" * 200_000)

    def grow(_: int) -> None:
        with file.open("ab") as end:
            end.write(b"y" * 100_000)

    request = asked(lambda c: c.upload(file, progress=grow), STORED)
    assert parts(request)["file"] == ("s.jsonl", b"x" * 200_000)
    assert int(request.headers["Content-Length"]) == len(request.content)


def test_an_empty_file_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.touch()
    assert parts(asked(lambda c: c.upload(file), STORED)) == {"file": ("s.jsonl", b"")}


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        answering(STORED).upload(tmp_path / "none.jsonl")
