"""One-time codes sent to the bot: what links a chat, what does not, and how many guesses are
borne."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.notifications import codes
from console.notifications.bot import Bot
from console.notifications.linking import ALONE, HOW, Linking, message_of
from schema.table import rows_of
from schema.tables import AUDIT_LOG, TELEGRAM_CODES, TELEGRAM_LINKS, USERS
from tests.console.notifications.notifications_place import Place
from tests.console.stand_in_telegram import TOKEN, Telegram, serving


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[Telegram, str]]:
    with serving() as found:
        yield found


class Bench(Place):
    """With the listening beside the outbox."""

    def __init__(self, folder: Path, telegram: Telegram, api: str) -> None:
        super().__init__(folder, telegram, api)
        telegram.forget()
        telegram.updates.clear()
        telegram.offsets.clear()
        self.start()

    def start(self) -> None:
        """A server that has just started."""
        self.linking = Linking(self.store, Bot(TOKEN, self.api), clock=self.clock)

    def code(self, user: str) -> str:
        code = codes.new_code()
        self.store.write(codes.make(user, code, self.clock())).result()
        return code

    def listen(self) -> None:
        asyncio.run(self.linking.listen(wait=0))

    def said(self) -> list[tuple[int, str]]:
        """What the bot has answered since the last time."""
        self.listen()
        found = list(self.telegram.sent)
        self.telegram.sent.clear()
        return found

    def links(self) -> dict[str, str]:
        rows = self.store.read(rows_of(TELEGRAM_LINKS)).to_pylist()
        return {row["user_id"]: row["chat_id"] for row in rows}

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.store.read(rows_of(AUDIT_LOG)).to_pylist()
        return found


@pytest.fixture
def bench(service: tuple[Telegram, str], tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, *service)
    yield bench
    bench.store.close()


@pytest.mark.parametrize("how", ["/start {}", "{}", " {}\n", "/start@agnes_test_bot {}", "lower"])
def test_a_code_links_the_chat_it_is_sent_from(bench: Bench, how: str) -> None:
    ana = bench.admin()
    code = bench.code(ana)
    bench.telegram.hears(55, code.lower() if how == "lower" else how.format(code))
    ((chat, said),) = bench.said()
    assert chat == 55
    assert said.startswith(f"This chat is linked to {ana}@example.org")
    assert bench.links() == {ana: "55"}
    (row,) = bench.log()
    assert (row["action"], row["user_id"], row["resource"]) == ("telegram.link", ana, f"user:{ana}")
    assert orjson.loads(row["params"]) == {"user_id": ana, "chat_id": "55", "method": "code"}
    assert row["client_kind"] == "external"
    assert code not in repr(bench.store.read(rows_of(TELEGRAM_CODES)).to_pylist())


def test_a_code_works_once(bench: Bench) -> None:
    ana = bench.admin()
    code = bench.code(ana)
    for chat in (55, 66):
        bench.telegram.hears(chat, code)
    assert bench.said()[1] == (66, "This code was used already; each works once.")
    assert bench.links() == {ana: "55"}


def test_a_code_ends_after_ten_minutes_with_a_newer_one_and_with_its_person(bench: Bench) -> None:
    ana, ben, gone = bench.admin(), bench.admin(), bench.admin()
    late = bench.code(ana)
    bench.clock.later(minutes=10)
    older, newer, of_gone = bench.code(ben), bench.code(ben), bench.code(gone)
    bench.store.write(lambda do: do.update(USERS, {"id": gone}, {"is_active": False})).result()
    for code in (late, older, of_gone, newer):
        bench.telegram.hears(55, code)
    assert [text.split(".")[0] for _, text in bench.said()] == [
        "This code is too old",
        "This code is not known, or not any more",
        "This code is not known, or not any more",
        f"This chat is linked to {ben}@example",
    ]
    assert bench.links() == {ben: "55"}


def test_it_is_listened_to_only_while_a_code_waits(bench: Bench) -> None:
    assert not asyncio.run(bench.linking.is_waiting())
    code = bench.code(bench.admin())
    assert asyncio.run(bench.linking.is_waiting())
    bench.telegram.hears(55, code)
    bench.listen()
    assert not asyncio.run(bench.linking.is_waiting())
    asyncio.run(bench.linking.done())
    assert bench.telegram.offsets[-1] == bench.telegram.updates[-1]["update_id"] + 1
    asked = len(bench.telegram.asked)
    asyncio.run(bench.linking.done())
    assert len(bench.telegram.asked) == asked  # Telegram knows already


def test_in_a_group_everybody_would_see_the_code(bench: Bench) -> None:
    code = bench.code(bench.admin())
    bench.telegram.hears(-99, code, kind="supergroup")
    bench.telegram.hears(55, "/start")
    assert bench.said() == [(-99, ALONE), (55, HOW)]
    assert bench.links() == {}


def test_few_guesses_are_looked_at(bench: Bench) -> None:
    ana = bench.admin()
    code = bench.code(ana)
    for _ in range(9):
        bench.telegram.hears(55, codes.new_code())
    bench.telegram.hears(55, code)  # right, but too late
    assert len(bench.said()) == codes.Guesses.OF_CHAT
    assert bench.links() == {}
    for chat in range(1000, 1100):
        bench.telegram.hears(chat, codes.new_code())
    bench.telegram.hears(77, code)
    assert len(bench.said()) == codes.Guesses.OF_ALL - codes.Guesses.OF_CHAT
    assert bench.links() == {}
    bench.clock.later(minutes=15)
    bench.telegram.hears(77, bench.code(ana))
    bench.listen()
    assert bench.links() == {ana: "77"}


def test_other_talk_is_neither_answered_nor_counted(bench: Bench) -> None:
    ana = bench.admin()
    code = bench.code(ana)
    for text in ("hello", "/help", "<b>x</b>", "\0", "a" * 4096, f"my code is {code}"):
        bench.telegram.hears(55, text)
    bench.telegram.updates += [{"update_id": 900}, {"update_id": 901, "message": None}]
    bench.telegram.updates.append({"update_id": 902, "message": {"chat": 5, "text": "x"}})
    assert bench.said() == []
    bench.telegram.updates.clear()
    bench.telegram.updates.append(
        {"update_id": 903, "message": {"chat": {"id": 55, "type": "private"}, "text": code}}
    )
    bench.listen()
    assert bench.links() == {ana: "55"}


def test_after_a_restart_the_same_message_does_no_harm(bench: Bench) -> None:
    ana = bench.admin()
    bench.telegram.hears(55, bench.code(ana))
    bench.listen()
    bench.start()
    bench.listen()
    assert bench.links() == {ana: "55"}
    assert len(bench.log()) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda part: (
            st.lists(part) | st.dictionaries(st.sampled_from(("chat", "text", "id")), part)
        ),
    )
)
def test_whatever_telegram_says_is_read_or_passed_over(update: Any) -> None:
    found = message_of({"message": update})
    assert found is None or isinstance(found.text, str)


@given(st.text(), st.text(alphabet=string.ascii_letters + string.digits + "-/ ", max_size=20))
def test_only_what_looks_like_a_code_is_one(any_text: str, near: str) -> None:
    for text in (any_text, near):
        code = codes.said(text)
        assert code is None or (len(code) == 11 and code == code.upper())


def test_codes_are_long_and_unlike_each_other() -> None:
    made = {codes.new_code() for _ in range(500)}
    assert len(made) == 500
    assert all(codes.said(code) == code for code in made)
