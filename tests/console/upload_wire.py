"""Uploads byte by byte, for the tests of what a well-made client never sends."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from select import select
from typing import Any
from urllib.parse import urlsplit

import orjson

PATH = "/api/upload/sessions"
BOUNDARY = b"b0undary"
END = b"--" + BOUNDARY + b"--\r\n"


def disposition(name: str, filename: str | bytes | None = None) -> bytes:
    """A Content-Disposition as written by hand: nothing is escaped."""
    line = b'form-data; name="' + name.encode() + b'"'
    if filename is None:
        return line
    raw = filename.encode("utf-8", "surrogatepass") if isinstance(filename, str) else filename
    return line + b'; filename="' + raw + b'"'


def part(header: bytes, data: bytes = b"") -> bytes:
    """One part of a form, up to its boundary."""
    head = b"--" + BOUNDARY + b"\r\nContent-Disposition: " + header + b"\r\n\r\n"
    return head + data + b"\r\n"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Wire:
    """One connection. Nothing is sent that a test did not say."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20)

    def head(self, token: str | None, *lines: str, length: int | None = None) -> None:
        """Start a POST; without a length its body is sent in chunks."""
        kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}"
        size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        sign = [f"Authorization: Bearer {token}"] if token else []
        given = [line.partition(":")[0] for line in lines]
        usual = [line for line in (kind, size) if line.partition(":")[0] not in given]
        head = [f"POST {PATH} HTTP/1.1", "Host: console", *sign, *usual, *lines, "", ""]
        self.socket.sendall("\r\n".join(head).encode("latin-1"))

    def chunks(self, pieces: Iterable[bytes]) -> int:
        """Send chunks until there is an answer; how many bytes were sent."""
        sent = 0
        for piece in pieces:
            if self.answered(0):
                return sent
            self.socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            sent += len(piece)
        self.socket.sendall(b"0\r\n\r\n")
        return sent

    def trickle(self, seconds: float) -> None:
        """Go on sending, a byte at a time. Raises OSError when the other side hangs up."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.sendall(b"1\r\nx\r\n")
            time.sleep(0.01)

    def answered(self, seconds: float) -> bool:
        return bool(select([self.socket], [], [], seconds)[0])

    def answer(self) -> Answer:
        response = HTTPResponse(self.socket)
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, orjson.loads(body) if body else {})


@contextmanager
def wire(address: str) -> Iterator[Wire]:
    found = Wire(address)
    try:
        yield found
    finally:
        found.socket.close()


def post(address: str, token: str | None, body: bytes, *lines: str) -> Answer:
    """A whole POST with this body, whatever the body is."""
    with wire(address) as line:
        line.head(token, *lines, length=len(body))
        line.socket.sendall(body)
        return line.answer()
