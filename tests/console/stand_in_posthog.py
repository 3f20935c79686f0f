"""A receiver that speaks as much of PostHog's capture as the console uses: it keeps what it is
sent, or answers with an error, or takes requests and answers none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

KEY = "phc_stand_in_key"


@dataclass
class Receiver:
    """`statuses`: what the next requests are answered with, then 200. While `answers` is clear,
    requests are taken and held; `asked` is released for each that came."""

    address: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    statuses: list[int] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, event: str, seconds: float = 8) -> dict[str, Any]:
        """The first event of this name, once it is there."""
        with self.came:
            there = self.came.wait_for(lambda: self.named(event), seconds)
        assert there, f"no {event} in {[one['event'] for one in self.events]}"
        return self.named(event)[0]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    def take(self, body: bytes) -> int:
        self.requests += 1
        self.asked.release()
        self.answers.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            given = orjson.loads(body)
            assert given["api_key"] == KEY
            with self.came:
                self.events += given["batch"]
                self.came.notify_all()
        return status


@contextmanager
def serving() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.answers.set()

    class Batch(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(body) if self.path == "/batch/" else 404
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # whoever asked did not wait

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Batch)
    server.daemon_threads = True
    receiver.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.answers.set()
        server.shutdown()
        server.server_close()
        thread.join()
