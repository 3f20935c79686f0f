"""The client of questions: what it sends, what it makes of answers, broken ones too."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from console import query_client
from console.client import Client
from console.query_client import ARROW, BrokenOff
from schema.errors import BadRequest, Unavailable


class _Wire(httpx.BaseTransport):
    """Answers everything alike and keeps what was asked."""

    def __init__(self, answer: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        return self._answer


class _Breaks(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b"a part"
        raise httpx.RemoteProtocolError("peer closed connection")


def client(wire: _Wire) -> Client:
    return Client("http://127.0.0.1:1", "token", transport=wire)


def test_a_question_is_sent_with_its_limit() -> None:
    wire = _Wire(httpx.Response(200, json={"rows": [[1]]}))
    with client(wire) as asking:
        assert query_client.ask(asking, "SELECT 1", 7) == {"rows": [[1]]}
    (request,) = wire.asked
    assert (request.method, request.url.path) == ("POST", "/api/query")
    assert json.loads(request.content) == {"sql": "SELECT 1", "limit": 7}


def test_a_stream_is_asked_for_in_arrow_with_as_much_as_there_may_be() -> None:
    wire = _Wire(httpx.Response(200, content=b"arrow"))
    with client(wire) as asking, query_client.stream(asking, "SELECT 1") as pieces:
        assert b"".join(pieces) == b"arrow"
    (request,) = wire.asked
    assert request.headers["Accept"] == ARROW
    assert json.loads(request.content)["limit"] == query_client.MOST_ROWS_ARROW


def test_a_refusal_of_a_stream_has_the_servers_words() -> None:
    wire = _Wire(httpx.Response(400, json={"error": "no", "detail": "Ask otherwise."}))
    with (
        client(wire) as asking,
        pytest.raises(BadRequest, match="no") as refused,
        query_client.stream(asking, "SELECT 1"),
    ):
        pass
    assert refused.value.detail == "Ask otherwise."


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    wire = _Wire(httpx.Response(200, stream=_Breaks()))
    with client(wire) as asking, query_client.stream(asking, "SELECT 1") as pieces:
        assert next(pieces) == b"a part"
        with pytest.raises(BrokenOff, match="the answer broke off"):
            next(pieces)
    assert issubclass(BrokenOff, Unavailable)


def test_names_of_tables_stay_one_part_of_the_path() -> None:
    wire = _Wire(httpx.Response(200, json={}))
    with client(wire) as asking:
        query_client.catalog(asking)
        query_client.schema(asking, "a/../b")
        query_client.sample(asking, "agnes_audit", 3)
    paths = [request.url.raw_path.decode() for request in wire.asked]
    assert paths == [
        "/api/v2/catalog",
        "/api/v2/schema/a%2F..%2Fb",
        "/api/v2/sample/agnes_audit?n=3",
    ]
