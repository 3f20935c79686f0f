"""Chats of admins over the API: linking, listing, codes, trying one; and the bell of everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from console.audit import new_id, now
from console.notifications import bell
from schema.tables import AUDIT_LOG, NOTIFICATIONS, TELEGRAM_CODES, TELEGRAM_LINKS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.stand_in_telegram import NAME, TOKEN, Telegram, serving

LINKS = "/api/admin/telegram/links"
CODES = "/api/admin/telegram/codes"
TEST = "/api/admin/telegram/test"
MINE = "/api/me/notifications"


@pytest.fixture(scope="module")
def telegram() -> Iterator[tuple[Telegram, str]]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def world(
    telegram: tuple[Telegram, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    given = {"AGNES_TELEGRAM_BOT_TOKEN": TOKEN, "AGNES_TELEGRAM_API": telegram[1]}
    with World(tmp_path_factory.mktemp("telegram") / "data", **given) as world:
        yield world


def test_a_link_is_made_replaced_listed_and_taken_back(world: World) -> None:
    ana = world.user("ana@example.org", is_admin=True)
    made = world.admin.post(LINKS, json={"user_id": ana, "chat_id": 12345})
    assert made.status_code == 201
    assert made.json()["chat_id"] == "12345"
    assert made.json()["email"] == "ana@example.org"
    again = world.admin.post(LINKS, json={"user_id": ana, "chat_id": "-100777"})
    assert again.json()["chat_id"] == "-100777"
    row = world.last("telegram.link", resource=f"user:{ana}")
    assert row["params"] == {"user_id": ana, "chat_id": "-100777"}
    assert row["params_before"] == {"chat_id": "12345"}
    listed = world.admin.get(LINKS, params={"q": "ANA@"}).json()
    assert (listed["total"], listed["rows"][0]["chat_id"]) == (1, "-100777")
    assert world.admin.delete(f"{LINKS}/{ana}").status_code == 204
    assert world.last("telegram.unlink")["params_before"] == {"chat_id": "-100777"}
    assert world.admin.delete(f"{LINKS}/{ana}").status_code == 404
    assert world.rows(TELEGRAM_LINKS, user_id=ana) == []


@pytest.mark.parametrize(
    "chat", ["@agnes", "", "0", "1e9", "12 34", "9" * 30, "x\x1b[31m", 0, True]
)
def test_only_the_number_of_a_chat_is_one(world: World, chat: Any) -> None:
    answer = world.admin.post(LINKS, json={"user_id": world.admin_id, "chat_id": chat})
    assert answer.status_code == 400
    assert "chat_id" in answer.json()["error"]


def test_whom_nobody_knows_and_who_is_gone_gets_no_link(world: World) -> None:
    gone = world.user(is_active=False)
    assert world.admin.post(LINKS, json={"user_id": "x", "chat_id": 1}).status_code == 404
    for path, body in ((LINKS, {"user_id": gone, "chat_id": 1}), (CODES, {"user_id": gone})):
        answer = world.admin.post(path, json=body)
        assert (answer.status_code, "is deactivated" in answer.json()["error"]) == (409, True)


def test_a_code_names_the_bot_and_when_it_ends(world: World) -> None:
    made = world.admin.post(CODES, json={})
    assert made.status_code == 201
    assert set(made.json()) == {"code", "bot", "expires_at"}
    assert made.json()["bot"] == NAME
    (row,) = world.rows(TELEGRAM_CODES, user_id=world.admin_id)
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=10)
    assert made.json()["code"] not in repr(row)
    assert made.json()["code"] not in repr(world.rows(AUDIT_LOG))


def test_a_message_is_tried_and_what_came_of_it_is_said(
    world: World, telegram: tuple[Telegram, str]
) -> None:
    stand_in = telegram[0]
    body = {"user_id": world.user(is_admin=True)}
    assert world.admin.post(TEST, json=body).status_code == 404
    world.admin.post(LINKS, json={**body, "chat_id": 4711})
    answer = world.admin.post(TEST, json=body)
    assert answer.json() == {"sent": True, "chat_id": "4711", **body}
    assert stand_in.sent[-1][0] == 4711
    for status, words, expected in (
        (403, "Forbidden: bot was blocked by the user", (502, "the bot is blocked in this chat")),
        (500, "", (503, "Telegram is not available (500)")),
        (429, "", (502, "Telegram asks to wait for 7 s (429)")),
    ):
        more = {"retry_after": 7} if status == 429 else {}
        stand_in.refuses(status, f"{words} {TOKEN}", **more)
        answer = world.admin.post(TEST, json=body)
        assert answer.status_code == expected[0]
        assert expected[1] in answer.json()["error"]
        assert TOKEN not in answer.text


def test_without_a_bot_and_with_a_wrong_token_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.admin.post(LINKS, json={"user_id": world.admin_id, "chat_id": 1})
    for path in (CODES, TEST):
        monkeypatch.setattr(world.settings, "telegram_bot_token", "")
        answer = world.admin.post(path, json={})
        assert (answer.status_code, answer.json()["error"]) == (409, "no Telegram bot is set up")
        monkeypatch.setattr(world.settings, "telegram_bot_token", "123:no/such?token#")
        answer = world.admin.post(path, json={})
        assert answer.status_code == 502
        assert "refuses the bot's token" in answer.json()["error"]
        assert "123:no" not in answer.text


# The bell


def notice(user: str, subject: str, **more: Any) -> dict[str, Any]:
    about = {"id": new_id(), "created_at": now(), "user_id": user, "subject": subject}
    return {**about, "channel": "console", "state": "new", "kind": "report.new", **more}


def put(world: World, *rows: dict[str, Any]) -> list[str]:
    world.store.write(Rows(NOTIFICATIONS, list(rows))).result()
    return [row["id"] for row in rows]


def test_everybody_reads_their_own_bell_and_no_other(world: World) -> None:
    ana = world.user()
    old, new = put(world, notice(ana, "old"), notice(ana, "new"))
    (other,) = put(world, notice(world.admin_id, "not hers"))
    before = len(world.rows(AUDIT_LOG))
    with world.client(world.token(ana)) as client:
        found = client.get(MINE).json()
        assert [row["id"] for row in found["rows"]] == [new, old]
        assert (found["total"], found["unread"], found["next_offset"]) == (2, 2, None)
        assert client.post(f"{MINE}/read", json={"ids": [old, other, "none"]}).json() == {
            "read": 1,
            "unread": 1,
        }
        left = client.get(MINE, params={"unread": "true"}).json()
        assert [row["id"] for row in left["rows"]] == [new]
        assert client.post(f"{MINE}/read", json={"all": True}).json() == {"read": 1, "unread": 0}
        assert client.get(MINE).json()["unread"] == 0
    mine = world.admin.get(MINE, params={"limit": 1}).json()
    assert mine["rows"][0]["id"] == other  # an admin's bell is an admin's, too
    assert mine["unread"] == mine["total"]
    assert len(world.rows(AUDIT_LOG)) == before


def test_what_telegram_took_was_seen_and_what_it_refused_was_not(world: World) -> None:
    ana = world.user(is_admin=True)
    at = now()
    way = {"channel": "telegram"}
    put(
        world,
        notice(ana, "waits", **{**way, "state": "queued"}),
        notice(ana, "took", **{**way, "state": "sent", "sent_at": at, "read_at": at}),
        notice(ana, "held", **{**way, "state": "held"}),
        notice(ana, "refused", **{**way, "state": "failed", "error": "no"}),
    )
    with world.client(world.token(ana)) as client:
        found = client.get(MINE).json()
    assert (found["total"], found["unread"]) == (4, 1)
    assert [row["subject"] for row in found["rows"] if row["is_unread"]] == ["refused"]


@pytest.mark.parametrize(
    "body", [{}, {"all": False}, {"ids": [], "all": True}, {"ids": [1]}, {"ids": ["x"] * 201}]
)
def test_what_is_to_be_read_must_be_said(world: World, body: dict[str, Any]) -> None:
    assert world.admin.post(f"{MINE}/read", json=body).status_code == 400


def test_what_was_read_long_ago_is_forgotten(world: World) -> None:
    ana, at = world.user(), now()
    long_ago = at - bell.KEPT - timedelta(minutes=1)
    rows = [
        notice(ana, "read long ago", created_at=long_ago, read_at=long_ago),
        notice(ana, "never read", created_at=long_ago),
        notice(ana, "just read", created_at=long_ago, read_at=at),
    ]
    put(world, *rows)
    world.store.write(bell.prune(at)).result()
    kept = {row["subject"] for row in world.rows(NOTIFICATIONS, user_id=ana)}
    assert kept == {"never read", "just read"}
