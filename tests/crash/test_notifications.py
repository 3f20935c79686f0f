"""A report's message outlives whatever happens to the server or to Telegram: it arrives, and once
Telegram has confirmed it, it does not come again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.audit import new_id
from tests.console.stand_in_telegram import TOKEN, Telegram, serving
from tests.server_process import ServerProcess, admin_token


@pytest.fixture
def telegram() -> Iterator[tuple[Telegram, str]]:
    with serving() as found:
        yield found


def report(client: httpx.Client, message: str) -> str:
    body = {"message": message, "ack_preview": True, "idempotency_key": new_id()}
    return str(client.post("/api/feedback", json=body).raise_for_status().json()["report_id"])


def until(look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)
    return found


def states(client: httpx.Client) -> list[str]:
    """Of one's own messages, the oldest first."""
    rows = client.get("/api/me/notifications").raise_for_status().json()["rows"]
    return [row["state"] for row in reversed(rows)]


def kill(server: ServerProcess) -> None:
    os.kill(server.pid, signal.SIGKILL)
    assert server.stop() == -signal.SIGKILL


def test_a_message_survives_the_server_and_is_not_repeated(
    tmp_path: Path, telegram: tuple[Telegram, str]
) -> None:
    stand_in, address = telegram
    given: dict[str, Any] = {
        "AGNES_TELEGRAM_BOT_TOKEN": TOKEN,
        "AGNES_TELEGRAM_API": address,
        "AGNES_PUBLIC_URL": "https://agnes.example/",
    }
    with ServerProcess(tmp_path / "data", **given) as server:
        token = admin_token(server)
        with server.client(token) as admin:
            code = admin.post("/api/admin/telegram/codes", json={}).json()["code"]
            stand_in.hears(7, f"/start {code}")
            (link,) = until(lambda: admin.get("/api/admin/telegram/links").json()["rows"])
            assert link["chat_id"] == "7"
            until(lambda: stand_in.sent).clear()  # that it is linked
            while stand_in.arrived.acquire(blocking=False):
                pass

            stand_in.answers.clear()
            id = report(admin, "the sync tool hangs at <secret words>")  # Telegram is deaf: no wait
            assert stand_in.arrived.acquire(timeout=60)
            assert states(admin) == ["queued"]
        kill(server)
        stand_in.answers.set()

        server.start()
        with server.client(token) as admin:
            until(lambda: states(admin) == ["sent"])
            assert len(stand_in.sent) == 2  # nobody had confirmed the first
            ((chat, text),) = set(stand_in.sent)
            mark = admin.get(f"/api/admin/feedback/{id}").json()["fingerprint"][:12]
            assert chat == 7
            first, link_line = text.splitlines()
            assert first == f"Agnes: New report {mark}"
            assert link_line == f"https://agnes.example/admin/feedback/{id}"
        kill(server)

        server.start()
        with server.client(token) as admin:
            report(admin, "something else entirely")
            until(lambda: states(admin) == ["sent", "held"])  # it was looked at after the start
            assert len(stand_in.sent) == 2
        assert TOKEN.partition(":")[2] not in server.log()
