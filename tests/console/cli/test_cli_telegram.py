"""`agnes admin telegram …`: what each command asks and what it shows."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.console.cli.stand_in import Run, Server, list_of

PATH = "/api/admin/telegram"
ROW = {
    "user_id": "11111111-2222-4333-8444-555555555555",
    "email": "ana@example.org",
    "name": "Ana\x1b[31m",
    "is_admin": True,
    "is_active": True,
    "chat_id": "4711",
    "linked_at": "2026-01-31T09:05:00Z",
}
ME = {"id": "me-id", "email": "root@example.org", "name": None, "is_admin": True, "kind": "cli"}


@pytest.fixture(autouse=True)
def _everything(server: Server) -> None:
    made = {"code": "ABCDE-FGHJK", "bot": "agnes_bot", "expires_at": "2026-01-31T09:15:00Z"}
    server.answers |= {
        ("GET", f"{PATH}/links"): list_of([ROW]),
        ("POST", f"{PATH}/links"): ROW,
        ("DELETE", f"{PATH}/links/me-id"): httpx.Response(204),
        ("DELETE", f"{PATH}/links/{ROW['user_id']}"): httpx.Response(204),
        ("POST", f"{PATH}/codes"): made,
        ("POST", f"{PATH}/test"): {"sent": True, "user_id": "me-id", "chat_id": "4711"},
        ("GET", "/api/me"): ME,
        ("GET", "/api/admin/users"): list_of([{"id": ROW["user_id"], "email": ROW["email"]}]),
    }


def test_the_list_shows_chats_and_no_control_characters(run: Run, server: Server) -> None:
    shown = run("admin", "telegram")
    assert "4711" in shown.stdout
    assert "ana@example.org" in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    assert "1 of 1 linked chats" in shown.stderr
    assert json.loads(run("admin", "telegram", "list", "--json").stdout)["rows"] == [ROW]


def test_a_code_is_shown_with_where_to_send_it(run: Run, server: Server) -> None:
    shown = run("admin", "telegram", "link")
    assert server.body == {}
    assert "@agnes_bot" in shown.stdout
    assert "/start ABCDE-FGHJK" in shown.stdout
    assert "https://t.me/agnes_bot?start=ABCDE-FGHJK" in shown.stdout
    run("admin", "telegram", "link", "--user", "ana@example.org")
    assert server.body == {"user_id": ROW["user_id"]}


def test_a_chat_is_linked_by_its_number(run: Run, server: Server) -> None:
    run("admin", "telegram", "link", "--chat", "4711")
    assert server.body == {"user_id": "me-id", "chat_id": "4711"}
    run("admin", "telegram", "link", "--user", "ana@example.org", "--chat=-100123")
    assert server.body == {"user_id": ROW["user_id"], "chat_id": "-100123"}


def test_a_link_is_taken_back(run: Run, server: Server) -> None:
    assert run("admin", "telegram", "unlink").exit_code == 0
    assert server.last.url.path == f"{PATH}/links/me-id"
    run("admin", "telegram", "unlink", "--user", "ana@example.org")
    assert server.last.url.path == f"{PATH}/links/{ROW['user_id']}"


def test_a_message_is_tried_and_a_failure_has_a_reason(run: Run, server: Server) -> None:
    assert "4711" in run("admin", "telegram", "test").stdout
    server.says_no("POST", f"{PATH}/test", 502, "Telegram refuses the bot's token (401)", "Check.")
    failed = run("admin", "telegram", "test")
    assert failed.exit_code != 0
    assert "Telegram refuses the bot's token (401)" in failed.stderr
