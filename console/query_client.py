"""Questions in SQL, asked over HTTP: what the terminal, notebooks and `ibis.agnes` stand on.

Light like the client itself: an answer in Arrow is handed on as bytes, for those who can read them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpx

from console.client import SLOW, Client, Json, path_of
from schema.errors import Unavailable

ARROW = "application/vnd.apache.arrow.stream"
MOST_ROWS = 100_000  # that one answer in JSON may have
MOST_ROWS_ARROW = 5_000_000  # and one in Arrow
_BUFFER = 1 << 20  # bytes
TRUNCATED = b"truncated"  # in the metadata of the last batch of an Arrow answer that was cut


class BrokenOff(Unavailable):
    """An answer ended before its end. What came of it is not the whole."""

    title = "Answer incomplete"


def ask(client: Client, sql: str, limit: int = 1000) -> Json:
    """`{columns, rows, row_count, truncated, bytes_scanned, row_scope}`; rows are lists in the
    order of the columns, at most `limit` of them. Raises BadRequest where the question is refused
    or was stopped, with the server's reason."""
    body = {"sql": sql, "limit": limit}
    return client.request("POST", "/api/query", json=body, timeout=SLOW)


@contextmanager
def stream(client: Client, sql: str, limit: int = MOST_ROWS_ARROW) -> Iterator[Iterator[bytes]]:
    """The answer as the bytes of an Arrow stream, piece by piece. One that was cut ends with an
    empty batch whose metadata say TRUNCATED; one that breaks off raises BrokenOff."""
    body, headers = {"sql": sql, "limit": limit}, {"Accept": ARROW}
    with client.streamed("POST", "/api/query", json=body, headers=headers) as answer:
        yield _whole(answer.chunks)


@contextmanager
def scan(client: Client, asked: Json) -> Iterator[Iterator[bytes]]:
    """A part of a table, `{table, where, columns, limit}`, as `stream` gives an answer."""
    headers = {"Accept": ARROW}
    with client.streamed("POST", "/api/v2/scan", json=asked, headers=headers) as answer:
        yield _whole(answer.chunks)


def estimate(client: Client, asked: Json) -> Json:
    """How much such a part would be: `{rows, bytes, truncated}`."""
    return client.request("POST", "/api/v2/scan/estimate", json=asked, timeout=SLOW)


def _whole(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except httpx.RemoteProtocolError as error:
        raise BrokenOff(
            "the answer broke off: the server stopped it, or the line broke",
            detail="Ask for less if it took long; your activity says why it ended.",
        ) from error


def as_file(pieces: Iterable[bytes]) -> io.BufferedReader:
    """Pieces of bytes as a file to read: what Arrow reads a stream from."""
    return io.BufferedReader(_Pieces(pieces), _BUFFER)


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def catalog(client: Client) -> Json:
    """The tables that the caller may question: `{tables}`."""
    return client.request("GET", "/api/v2/catalog")


def schema(client: Client, table: str) -> Json:
    """A table's columns, their types and meanings, and whose rows the caller sees:
    `{table_id, description, columns, row_scope, …}`. Raises NotFound."""
    return client.request("GET", path_of("/api/v2/schema", table))


def sample(client: Client, table: str, n: int = 5) -> Json:
    """Some rows of a table, newest first, as objects: `{table_id, rows, source}`; `n` is 1 to
    100."""
    return client.request("GET", path_of("/api/v2/sample", table), params={"n": n})
