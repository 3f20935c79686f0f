"""What the settings take for an address: nothing that sends a token over an open line."""

from __future__ import annotations

import pytest

from console.notifications.bot import Bot
from console.settings import Settings
from schema.errors import BadParameter


@pytest.mark.parametrize(
    "address",
    ["https://api.telegram.org", "http://127.0.0.1:8081/", "http://[::1]:1", "https://a/b"],
)
def test_telegram_is_reached_over_tls_or_on_this_machine(address: str) -> None:
    assert Settings({}, AGNES_TELEGRAM_API=address).telegram_api == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        *("http://api.telegram.org", "ftp://127.0.0.1", "127.0.0.1", "https://", "file:///x"),
        *(
            "http://127.0.0.1.evil.example",
            "https://user:word@host",
            "https://host/?q=1",
            "https://[",
        ),
    ],
)
def test_and_in_no_other_way(address: str) -> None:
    with pytest.raises(BadParameter):
        Settings({}, AGNES_TELEGRAM_API=address)


@pytest.mark.parametrize("hour", ["-1", "24", "8.5", "x"])
def test_an_hour_is_one_of_the_day(hour: str) -> None:
    with pytest.raises(BadParameter):
        Settings({}, AGNES_TELEGRAM_DIGEST_HOUR=hour)


def test_there_is_a_bot_only_with_a_token_and_it_never_shows_it() -> None:
    assert Bot.of(Settings({})) is None
    bot = Bot.of(Settings({}, AGNES_TELEGRAM_BOT_TOKEN=" 12:secret "))
    assert bot is not None
    assert bot.token == "12:secret"
    assert "secret" not in repr(bot)
