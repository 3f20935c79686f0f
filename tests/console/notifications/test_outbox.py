"""The outbox against a Telegram that is slow, busy, broken, deaf or not there: what arrives, how
often, and what stands in the table."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from console.notifications.outbox import TRIES, backoff
from console.queries import notifications as questions
from schema.bind import At
from schema.errors import Unavailable
from schema.store import Store
from schema.tables import NOTIFICATIONS, TELEGRAM_LINKS, USERS
from tests.console.notifications.notifications_place import NOON, Place
from tests.console.stand_in_telegram import TOKEN, Telegram, serving


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[Telegram, str]]:
    with serving() as found:
        yield found


@pytest.fixture
def place(service: tuple[Telegram, str], tmp_path: Path) -> Iterator[Place]:
    service[0].forget()
    place = Place(tmp_path, *service)
    yield place
    place.store.close()


def test_one_at_once_then_silence_then_a_digest(place: Place) -> None:
    ana, ben = place.admin(7), place.admin(-100123)
    ids = [place.queue(ana, mark) for mark in ("aa", "bb", "cc")]
    place.queue(ben, "aa")
    tomorrow = datetime(2026, 5, 5, 8)
    assert place.turn() == tomorrow
    first = "Agnes: New report aa\nhttps://agnes.example/r/aa"
    assert sorted(place.telegram.sent) == [(-100123, first), (7, first)]
    states = [place.row(id)["state"] for id in ids]
    assert states == ["sent", "held", "held"]
    assert place.row(ids[0])["sent_at"] == place.row(ids[0])["read_at"] == NOON

    place.clock.later(minutes=5)
    place.queue(ana, "dd", "report.reopened")
    place.turn()
    assert place.telegram.sent[-1] == (7, "Agnes: New report dd\nhttps://agnes.example/r/dd")
    place.clock.at = tomorrow
    assert place.turn() is None
    digest = "Agnes: 2 reports more: 2 new.\nhttps://agnes.example/admin/feedback"
    assert place.telegram.sent[3:] == [(7, digest)]
    assert {row["state"] for row in place.rows()} == {"sent", "digested"}


def test_a_busy_telegram_is_left_alone_as_long_as_it_asks(place: Place) -> None:
    ana, ben = place.admin(7), place.admin(8)
    waiting = [place.queue(user, "aa") for user in (ana, ben)]
    place.telegram.refuses(429, "Too Many Requests: retry after 600", retry_after=600)
    due = place.turn()
    assert due is not None
    assert due >= NOON + timedelta(seconds=600)
    assert place.telegram.asked == ["sendMessage"]  # the other one's, too, waits
    place.clock.later(seconds=599)
    place.turn()
    assert place.telegram.asked == ["sendMessage"]
    place.clock.at = due
    place.turn()
    assert sorted(chat for chat, _ in place.telegram.sent) == [7, 8]
    assert [place.row(id)["error"] for id in waiting] == [None, None]


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_what_may_pass_is_tried_again_less_and_less_often(place: Place, status: int) -> None:
    id = place.queue(place.admin(7), "aa")
    waits = []
    for _ in range(9):
        place.telegram.refuses(status)
        due = place.turn()
        assert due is not None
        waits.append((due - place.clock()).total_seconds())
        place.clock.at = due
    assert place.telegram.sent == []
    assert all(5 * 2**n <= wait <= 900 for n, wait in enumerate(waits[:7]))
    assert waits[-1] == 900
    assert place.row(id)["state"] == "queued"
    assert place.row(id)["error"] == f"Telegram is not available ({status})"
    place.turn()
    assert len(place.telegram.sent) == 1
    assert place.row(id)["state"] == "sent"
    assert place.row(id)["attempts"] == 10


def test_a_server_that_comes_back_goes_on_waiting(place: Place) -> None:
    place.queue(place.admin(7), "aa")
    place.telegram.refuses(500)
    due = place.turn()
    place.begin()
    assert place.turn() == due
    assert place.telegram.asked == ["sendMessage"]


@pytest.mark.parametrize(
    ("status", "words", "said"),
    [
        (403, "Forbidden: bot was blocked by the user", "the bot is blocked in this chat (403)"),
        (400, "Bad Request: chat not found", "Telegram knows no such chat; its owner must write"),
        (400, "<b>anything</b> else", "Telegram refuses to write to this chat (400)"),
        (413, "", "Telegram refuses the message (413)"),
    ],
)
def test_what_will_not_pass_is_tried_once(place: Place, status: int, words: str, said: str) -> None:
    id = place.queue(place.admin(7), "aa")
    other = place.queue(place.admin(8), "aa")
    place.telegram.refuses(status, words)
    place.turn()
    found = sorted((place.row(one)["state"], place.row(one)["error"] or "") for one in (id, other))
    assert [state for state, _ in found] == ["failed", "sent"]
    assert said in found[0][1]
    place.clock.later(days=3)
    place.turn()
    assert place.telegram.asked == ["sendMessage"] * 2


def test_a_wrong_token_is_tried_once_and_admins_can_see_it(place: Place) -> None:
    ids = [place.queue(place.admin(chat), "aa") for chat in (7, 8, 9)]
    place.begin(token="123:wrong")
    place.turn()
    assert place.telegram.asked == ["sendMessage"]
    rows = [place.row(id) for id in ids]
    assert {row["state"] for row in rows} == {"failed"}
    assert {row["error"] for row in rows} == {"Telegram refuses the bot's token (401)"}
    week_ago = NOON - timedelta(days=7)
    (told,) = place.store.rows(questions.undelivered, At(week_ago), At(week_ago))
    assert (told["failed"], told["why"]) == (3, "Telegram refuses the bot's token (401)")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"ok":false}', b"[]", b'{"ok":1}'])
def test_whoever_else_answers_is_not_taken_for_telegram(place: Place, body: bytes) -> None:
    id = place.queue(place.admin(7), "aa")
    place.telegram.replies.append((200, body))
    place.turn()
    assert place.row(id)["state"] == "queued"
    assert "does not speak its language" in place.row(id)["error"]


def test_nobody_there_and_no_answer_in_time(place: Place) -> None:
    id = place.queue(place.admin(7), "aa")
    real, place.api = place.api, "http://127.0.0.1:9"
    place.begin()
    place.turn()
    assert place.row(id)["error"] == "Telegram cannot be reached (ConnectError)"
    place.clock.later(hours=1)
    place.api = real
    place.telegram.answers.clear()
    place.begin(seconds=0.3)
    place.turn()
    assert place.row(id)["error"] == "Telegram did not answer in time"
    place.telegram.answers.set()
    place.clock.later(hours=1)
    place.begin()
    place.turn()
    assert place.row(id)["state"] == "sent"


def test_it_gives_up_after_days(place: Place) -> None:
    id = place.queue(place.admin(7), "aa")
    place.store.write(
        lambda do: do.update(NOTIFICATIONS, {"id": id}, {"attempts": TRIES - 1})
    ).result()
    place.telegram.refuses(500)
    place.turn()
    assert place.row(id)["state"] == "failed"


def test_who_cannot_be_reached_finds_it_in_the_bell(place: Place) -> None:
    gone, demoted, unlinked = place.admin(7), place.admin(8), place.admin(9)
    ids = [place.queue(user, "aa") for user in (gone, demoted, unlinked)]
    place.store.write(lambda do: do.update(USERS, {"id": gone}, {"is_active": False})).result()
    place.store.write(lambda do: do.update(USERS, {"id": demoted}, {"is_admin": False})).result()
    place.store.write(lambda do: do.delete(TELEGRAM_LINKS, {"user_id": unlinked})).result()
    place.turn()
    assert place.telegram.asked == []
    found = [(place.row(id)["channel"], place.row(id)["state"]) for id in ids]
    assert found == [("console", "new")] * 3


def test_without_a_bot_everybody_finds_it_in_the_bell(place: Place) -> None:
    id = place.queue(place.admin(7), "aa")
    place.begin(token="")
    place.turn()
    assert (place.row(id)["channel"], place.row(id)["state"]) == ("console", "new")


def test_what_was_confirmed_and_could_not_be_written_is_not_said_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full between Telegram's answer and the write that follows it."""
    ids = [place.queue(place.admin(chat), "aa") for chat in (7, 8)]
    write = Store.awrite

    async def full(self: Store, *steps: Any) -> Any:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(Store, "awrite", full)
    for _ in range(3):
        with pytest.raises(Unavailable):
            place.turn()
    assert len(place.telegram.sent) == 1  # and nothing more while it cannot be written down
    monkeypatch.setattr(Store, "awrite", write)
    place.turn()
    assert sorted(chat for chat, _ in place.telegram.sent) == [7, 8]
    assert {place.row(id)["state"] for id in ids} == {"sent"}


def test_a_stop_lets_the_message_under_way_arrive_and_begins_no_other(place: Place) -> None:
    ids = [place.queue(place.admin(chat), "aa") for chat in (7, 8)]
    place.telegram.answers.clear()

    async def stopped() -> None:
        turn = asyncio.create_task(place.outbox.turn())
        assert await asyncio.to_thread(place.telegram.arrived.acquire, timeout=30)
        place.outbox.close()
        place.telegram.answers.set()
        await turn

    while place.telegram.arrived.acquire(blocking=False):
        pass
    asyncio.run(stopped())
    assert len(place.telegram.sent) == 1
    assert sorted(place.row(id)["state"] for id in ids) == ["queued", "sent"]


def test_the_token_stands_nowhere(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the tables, not in errors, not in the logs of ours or of the libraries."""
    caplog.set_level(logging.DEBUG)
    secret = TOKEN.partition(":")[2]
    with structlog.testing.capture_logs() as ours:
        for status in (200, 403, 429, 500):
            place.queue(place.admin(7), "aa")
            if status != 200:
                place.telegram.refuses(status, f"no {TOKEN} {secret}")
            place.turn()
            place.clock.later(hours=1)
        place.api = "http://127.0.0.1:9"
        place.begin()
        place.queue(place.admin(7), "aa")
        place.turn()
    assert ours
    assert "httpcore" in caplog.text  # the libraries do speak
    for text in (repr(ours), caplog.text, repr(place.rows()), repr(vars(place.outbox))):
        assert secret not in text


def test_backoff_is_never_shorter_than_what_was_asked_for() -> None:
    assert backoff(1, asked=3600) == timedelta(hours=1)
    assert timedelta(seconds=5) <= backoff(1) <= timedelta(seconds=10)
    assert backoff(10_000) == timedelta(seconds=900)
