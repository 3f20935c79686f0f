"""Parts of the benchmarks that could be wrong unnoticed: the load, the data's move in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench.data import move
from bench.load import COUNTER, Job, Refused, drive, drive_apart
from ingest.seed import seed
from schema.store import Store

UNTIL = datetime(2026, 11, 22, 12)


class Seen(BaseHTTPRequestHandler):
    """Answers in two pieces, remembers what was asked; `/no` is refused."""

    protocol_version = "HTTP/1.1"
    paths: list[str]

    def do_GET(self) -> None:
        self.paths.append(self.path)
        body = b"x" * 5000
        self.send_response(403 if self.path.startswith("/no") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:10])
        self.wfile.flush()
        self.wfile.write(body[10:])

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A port, and the paths that were asked for there."""

    asked: list[str] = []

    class Fresh(Seen):
        paths = asked

    with ThreadingHTTPServer(("127.0.0.1", 0), Fresh) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made.server_address[1], asked
        made.shutdown()
        thread.join()


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize("clients", [1, 3])
def test_each_request_is_sent_once_and_the_warm_ones_are_not_measured(
    clients: int, server: tuple[int, list[str]]
) -> None:
    port, paths = server
    outcome = drive(Job("127.0.0.1", port, [get(f"/{COUNTER}")], 20, clients=clients, warm=5))
    assert len(outcome.milliseconds) == 20
    assert sorted(paths) == [f"/{number:08d}" for number in range(25)]
    assert outcome.per_second == pytest.approx(20 / outcome.seconds)


def test_requests_are_taken_in_turn_also_from_another_process(
    server: tuple[int, list[str]],
) -> None:
    port, paths = server
    outcome = drive_apart(Job("127.0.0.1", port, [get("/a"), get("/b")], 6, warm=0))
    assert len(outcome.milliseconds) == 6
    assert paths == ["/a", "/b"] * 3


def test_an_answer_that_is_no_success_ends_the_load(server: tuple[int, list[str]]) -> None:
    port, _ = server
    with pytest.raises(Refused, match="403"):
        drive(Job("127.0.0.1", port, [get("/no")], 5))
    with pytest.raises(Refused, match="403"):
        drive_apart(Job("127.0.0.1", port, [get("/no")], 5))


def test_old_data_are_moved_to_the_present_and_fresh_ones_left(tmp_path: Path) -> None:
    path = tmp_path / "agnes.duckdb"
    with closing(Store(path)) as store:
        amounts: dict[str, Any] = {"audit_rows": 300, "sessions": 3, "usage_events": 30, "users": 2}
        seed(store, tmp_path, **amounts, until=UNTIL)
    before = newest(path)
    move(path, timedelta(seconds=30))
    assert newest(path) == before
    move(path, timedelta(days=3))
    assert newest(path) == [moment + timedelta(days=3) for moment in before]


def newest(path: Path) -> list[datetime]:
    with closing(duckdb.connect(str(path), read_only=True)) as con:
        row = con.execute(
            "SELECT (SELECT max(timestamp) FROM audit_log), (SELECT min(timestamp) FROM audit_log),"
            " (SELECT max(synced_at) FROM sync_history),"
            " (SELECT max(occurred_at) FROM usage_events)"
        ).fetchone()
    assert row is not None
    return list(row)
