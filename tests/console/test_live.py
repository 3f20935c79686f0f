"""Settings of a running server: where a value comes from, and when it counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from console.live import DEFAULT, ENVIRONMENT, INSTANCE
from console.notifications.worker import NotificationWorker
from console.settings import SETTINGS, Settings
from schema.errors import BadParameter
from schema.store import Store

SECONDS, HOUR, URL = "AGNES_QUERY_SECONDS", "AGNES_TELEGRAM_DIGEST_HOUR", "AGNES_PUBLIC_URL"


class Kept:
    """What an instance has of its own, in memory; `reads` counts how often it was looked at."""

    def __init__(self, **texts: str) -> None:
        self._texts: Mapping[str, str] = texts
        self._version = self.reads = 0

    def version(self) -> int:
        return self._version

    def texts(self) -> Mapping[str, str]:
        self.reads += 1
        return self._texts

    def set(self, **texts: str) -> None:
        self._texts, self._version = texts, self._version + 1


def test_the_environment_counts_more_than_the_instance_and_that_more_than_the_default() -> None:
    settings, kept = Settings({SECONDS: "5"}), Kept(**{SECONDS: "7", HOUR: "9"})
    assert settings.telegram_digest_hour == 8
    settings.follow(kept)
    assert (settings.query_seconds, settings.telegram_digest_hour, settings.query_wait) == (
        5,
        9,
        30,
    )
    found = {one.setting.name: (one.text, one.source) for one in settings.standings()}
    assert found.keys() == {one.name for one in SETTINGS}
    assert found[SECONDS] == ("5", ENVIRONMENT)
    assert found[HOUR] == ("9", INSTANCE)
    assert found["AGNES_QUERY_WAIT"] == ("30", DEFAULT)


def test_a_change_counts_with_the_next_look_and_nothing_is_read_without_one() -> None:
    settings, kept = Settings({}), Kept()
    settings.follow(kept)
    for _ in range(3):
        assert settings.query_seconds == 30
    assert kept.reads == 1
    kept.set(**{SECONDS: "7"})
    assert settings.query_seconds == 7
    kept.set()
    assert settings.query_seconds == 30
    assert kept.reads == 3


def test_what_no_reader_takes_is_passed_over_and_said() -> None:
    settings = Settings({})
    settings.follow(Kept(**{SECONDS: "soon", "AGNES_ENGINE": "duckdb:///x", "gone": "1"}))
    assert settings.query_seconds == 30
    assert settings.engine == ""
    standing = settings.standing(SECONDS)
    assert (standing.text, standing.source, standing.refused) == ("30", DEFAULT, "soon")
    assert settings.standing("AGNES_ENGINE").refused is None
    with pytest.raises(BadParameter, match="did you mean AGNES_QUERY_SECONDS"):
        settings.standing("AGNES_QUERY_SECOND")
    with pytest.raises(AttributeError, match="AGNES_NOTHING"):
        _ = settings.nothing


def test_messages_name_the_address_that_counts_now(tmp_path: Path) -> None:
    settings, kept = Settings({}), Kept()
    settings.follow(kept)
    store = Store(tmp_path / "one.duckdb", threads=1)
    try:
        worker = NotificationWorker(store, settings, address="http://127.0.0.1:1")
        assert worker._public == "http://127.0.0.1:1"
        kept.set(**{URL: "https://agnes.example.org/"})
        assert worker._public == "https://agnes.example.org"
    finally:
        store.close()
