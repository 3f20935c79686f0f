"""What a question may take, and what becomes of the server meanwhile: time, memory, turns, people
who leave, processes that die."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
import psutil
import pytest

from console.api.query import ARROW
from console.sandbox.pool import Limits, Nursery, Run, Stopped
from console.settings import SETTINGS, Settings
from schema.errors import BadParameter
from tests.whole_server import WholeServer

T = TypeVar("T")
SECONDS = 1
PATIENCE = 20.0  # what a busy machine may add before a test calls it hanging
ENDLESS = "SELECT count(*) FROM range(1000000000000)"
MUCH = "SELECT range AS n, md5(range::VARCHAR) AS t FROM range(100000000)"
HOSTILE = {
    "recursion": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) "
    "SELECT max(i) FROM n",
    "cross join": "SELECT count(*) FROM range(1000000) a, range(1000000) b "
    "WHERE a.range % 7 < b.range",
    "doubling": "WITH RECURSIVE d AS (SELECT 'xxxxx' AS s UNION ALL SELECT s || s FROM d) "
    "SELECT max(length(s)) FROM d",
    "replaced": f"SELECT length(replace(replace(replace('{'x' * 2000}', 'x', '{'y' * 2000}'), "
    f"'y', '{'z' * 2000}'), 'z', '{'w' * 2000}'))",
    "gathered": "SELECT length(string_agg(md5(range::VARCHAR), '')) FROM range(1000000000)",
    "list": "SELECT len(list(range)) FROM range(1000000000)",
    "sorted": "SELECT md5(range::VARCHAR) AS m FROM range(1000000000) ORDER BY m",
    "groups": "SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) FROM range(1000000000))",
    "row": "WITH RECURSIVE d AS (SELECT 'xxxxx' AS s UNION ALL SELECT s || s FROM d "
    "WHERE length(s) < 10000000) SELECT s FROM d ORDER BY length(s) DESC LIMIT 1",
}
ENDS = ("stopped after 1 s", "needed more than 128 MB of memory", "a row of the answer has more")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    folder = tmp_path_factory.mktemp("limits") / "data"
    limits = {"AGNES_QUERY_SECONDS": str(SECONDS), "AGNES_QUERY_MEMORY_MB": "128"}
    with WholeServer(folder, AGNES_QUERY_JSON_MB="4", **limits) as server:
        yield server


@pytest.fixture(scope="module")
def token(server: WholeServer) -> str:
    return server.token(server.person("ana"))


@pytest.fixture(scope="module")
def client(server: WholeServer, token: str) -> Iterator[httpx.Client]:
    with server.client(token) as client:
        assert client.post("/api/query", json={"sql": "SELECT 1"}).status_code == 200
        yield client


def peak() -> int:
    """The most memory that this process, in which the server runs, has had since `forget_peak`."""
    about = Path("/proc/self/status").read_text()
    (line,) = [line for line in about.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10


def test_what_takes_too_much_ends_with_a_reason_and_costs_the_server_nothing(
    client: httpx.Client,
) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from now on
    before = peak()
    for name, sql in HOSTILE.items():
        started = time.monotonic()
        answer = client.post("/api/query", json={"sql": sql})
        assert time.monotonic() - started < SECONDS + 1 + PATIENCE, name
        assert answer.status_code == 400, (name, answer.text[:300])
        assert any(end in answer.json()["error"] for end in ENDS), (name, answer.text)
    assert peak() - before < 100 << 20


def test_many_rows_are_cut_and_cost_the_server_nothing(client: httpx.Client) -> None:
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    found = client.post("/api/query", json={"sql": MUCH, "limit": 100_000}).json()
    assert found["truncated"]
    assert 1000 < found["row_count"] == len(found["rows"]) < 100_000, "4 MB of them"
    assert peak() - before < 100 << 20


def test_others_are_answered_while_the_worst_run(
    server: WholeServer, client: httpx.Client, token: str
) -> None:
    """Four at a time is all that one person has; the answers to others are counted until they have
    ended."""
    other = server.token(server.person("ben"))

    async def both() -> tuple[list[int], list[int]]:
        async with httpx.AsyncClient(
            base_url=server.address, trust_env=False, timeout=60
        ) as asking:
            bad = [HOSTILE[name] for name in ("cross join", "doubling", "groups", "list")]
            mine = {"Authorization": f"Bearer {token}"}
            running = asyncio.gather(
                *[asking.post("/api/query", json={"sql": sql}, headers=mine) for sql in bad]
            )
            cheap: list[int] = []
            while not running.done():
                path = "/api/v2/catalog" if len(cheap) % 2 else "/api/me/activity"
                answer = await asking.get(path, headers={"Authorization": f"Bearer {other}"})
                cheap.append(answer.status_code)
            headers = {"Authorization": f"Bearer {other}"}
            small = await asking.post("/api/query", json={"sql": "SELECT 1"}, headers=headers)
            cheap.append(small.status_code)
            return [one.status_code for one in await running], cheap

    ended, cheap = asyncio.run(both())
    assert ended == [400] * 4
    assert set(cheap) == {200}
    assert len(cheap) > 5


def test_a_full_queue_says_when_to_come_back(
    server: WholeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = server.instance.settings
    monkeypatch.setattr(settings, "query_wait", 0.2)
    monkeypatch.setattr(settings, "query_at_once", 1)
    headers = {"Authorization": f"Bearer {server.token(server.person('cy'))}"}

    async def two() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            base_url=server.address, headers=headers, trust_env=False, timeout=60
        ) as asking:
            body = {"sql": ENDLESS}
            return await asyncio.gather(*[asking.post("/api/query", json=body) for _ in range(2)])

    stopped, refused = sorted(asyncio.run(two()), key=lambda answer: answer.status_code)
    assert (stopped.status_code, refused.status_code) == (400, 503)
    assert refused.headers["Retry-After"] == str(SECONDS)
    assert "no turn within 0.2 s" in refused.json()["error"]


@pytest.mark.parametrize("accepts", [ARROW, "application/json"])
def test_who_leaves_in_the_middle_ends_their_child_without_a_word(
    server: WholeServer,
    client: httpx.Client,
    token: str,
    accepts: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(server.instance.settings, "query_seconds", 60)
    asked = {"sql": MUCH, "limit": 5_000_000} if accepts == ARROW else {"sql": ENDLESS}
    body = orjson.dumps(asked)
    head = (
        f"POST /api/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: {accepts}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
        line.sendall(head.encode() + body)
        if accepts == ARROW:
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
        (child,) = until(lambda: at_work(server))
    child.wait(PATIENCE)
    until(lambda: newest(client)["result"] == "error.cancelled")
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert "[error" not in said.out + said.err


def test_a_server_that_stops_breaks_off_an_answer_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with WholeServer(tmp_path / "data") as server:
        admin = server.token(server.person("root", is_admin=True))
        asked = {"sql": MUCH, "limit": 5_000_000}
        with (
            server.client(admin) as client,
            client.stream("POST", "/api/query", json=asked, headers={"Accept": ARROW}) as answer,
        ):
            pieces = answer.iter_bytes()
            next(pieces)
            server.instance.questions.close()
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


def children(server: WholeServer) -> list[psutil.Process]:
    """Processes of the nursery."""
    nursery = server.instance.questions._nursery._process
    assert nursery is not None
    found: list[psutil.Process] = psutil.Process(nursery.pid).children()
    return found


def at_work(server: WholeServer) -> list[psutil.Process]:
    """Those that have a question: they have limited themselves."""
    return [one for one in children(server) if one.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)]


def newest(client: httpx.Client) -> dict[str, Any]:
    """The last row of the log about a question of theirs."""
    found = client.get("/api/me/activity", params={"action_prefix": "query."})
    row: dict[str, Any] = found.json()["rows"][0]
    return row


def until(look: Callable[[], T]) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


def test_a_mere_count_reads_the_smallest_column(client: httpx.Client) -> None:
    many = client.post("/api/query", json={"sql": "SELECT id FROM agnes_audit"}).json()
    count = client.post("/api/query", json={"sql": "SELECT count(*) FROM agnes_audit"}).json()
    assert count["rows"][0][0] >= many["row_count"] > 0
    assert count["bytes_scanned"] < many["bytes_scanned"]


# -- processes that die


LIMITS = Limits(seconds=60, memory=128 << 20, rows=10, bytes=1 << 20)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()
    assert nursery._ready == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_dies_is_a_clear_error_and_the_next_one_answers(
    nursery: Nursery, how: signal.Signals
) -> None:
    with Run(nursery, ENDLESS, {}, LIMITS) as run:
        run._ask()
        os.kill(run._child.pid, how)
        with pytest.raises(Stopped, match=r"its process died.*more than 128 MB") as stopped:
            list(run.pieces())
    assert stopped.value.result == "error.memory"
    with Run(nursery, "SELECT 1", {}, LIMITS) as run:
        assert b"".join(run.pieces())
        assert run.rows == 1


def test_a_child_that_dies_while_it_waits_is_not_given_a_question(nursery: Nursery) -> None:
    for _ in range(3):
        with Run(nursery, "SELECT 1", {}, LIMITS) as run:
            assert b"".join(run.pieces())
        until(lambda: nursery._ready)
        for child in list(nursery._ready):
            os.kill(child.pid, signal.SIGKILL)
            until(lambda child=child: not child.is_there)  # type: ignore[misc]


_SERVER = """
import psutil, sys
from console.sandbox.pool import Limits, Nursery, Run
nursery = Nursery()
limits = Limits(seconds=600, memory=128 << 20, rows=1, bytes=1 << 20)
with Run(nursery, "SELECT count(*) FROM range(1000000000000)", {}, limits) as run:
    run._ask()
    print(nursery._process.pid, run._child.pid, flush=True)
    list(run.pieces())
"""


def test_when_the_server_is_killed_nothing_of_it_goes_on() -> None:
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        nursery, child = (psutil.Process(int(pid)) for pid in server.stdout.readline().split())
        server.kill()
    until(lambda: is_gone(nursery) and is_gone(child))


def is_gone(process: psutil.Process) -> bool:
    """Also where nobody has asked how it ended."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- settings


QUERY = [setting.name for setting in SETTINGS if setting.name.startswith("AGNES_QUERY_")]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1000000001", "9" * 40])
@pytest.mark.parametrize("name", QUERY)
def test_a_limit_that_is_none_is_refused_at_the_start(name: str, text: str) -> None:
    with pytest.raises(BadParameter, match=f"{name}=.*use a whole number from 1 to 1,000,000,000"):
        Settings({name: text})


def test_every_limit_says_its_unit() -> None:
    units = ("Seconds", "MB", "Rows", "Questions")
    told = {one.name: one.help for one in SETTINGS if one.name in QUERY}
    assert len(told) == 11
    assert [name for name, text in told.items() if not any(unit in text for unit in units)] == []
