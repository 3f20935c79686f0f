"""A web server for tests of fetching, whose answers a test writes byte by byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Answer = Callable[[socket.socket, str, dict[str, str]], None]


class Web:
    """`answers`: path -> what answers it. `asked`: the paths and headers that came."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._stopping = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def close(self) -> None:
        self._stopping.set()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(line,), daemon=True).start()

    def _one(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(4096)
            first, *rest = head.decode().split("\r\n")
            headers = dict(part.lower().split(": ", 1) for part in rest if ": " in part)
            path = first.split()[1]
            self.asked.append((path, headers))
            self.answers[path.partition("?")[0]](line, path, headers)

    def drip(self, line: socket.socket, text: bytes) -> None:
        """A byte now and then, without an end."""
        while not self._stopping.wait(0.05):
            line.sendall(text)


def plain(body: bytes, *, status: str = "200 OK", **headers: str) -> Answer:
    def answer(line: socket.socket, path: str, asked: dict[str, str]) -> None:
        told = {
            "content-length": str(len(body)),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {text}" for name, text in told.items())]
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    return answer


def leading(to: str, status: str = "302 Found") -> Answer:
    return plain(b"", status=status, location=to)


@contextlib.contextmanager
def web() -> Iterator[Web]:
    found = Web()
    try:
        yield found
    finally:
        found.close()
