"""What PostHog is told, and that nobody ever waits for it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry, Counter

from console import posthog, processing, pulse
from console.posthog import PostHog
from console.settings import Settings
from ingest.commit import Receipt
from ingest.pipeline import Finished, Outcome, said
from schema.errors import BadRequest
from tests.console import stand_in_posthog
from tests.console.access_world import World
from tests.console.stand_in_posthog import KEY, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with stand_in_posthog.serving() as receiver:
        yield receiver


def settings(host: str, key: str = KEY) -> Settings:
    return Settings({}, POSTHOG_API_KEY=key, POSTHOG_HOST=host)


def counter() -> Counter:
    return Counter("events", "By outcome.", ["outcome"], registry=CollectorRegistry())


def of(counter: Counter, outcome: str) -> float:
    return float(counter.labels(outcome)._value.get())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between two tries."""
    monkeypatch.setattr("tenacity.wait_exponential_jitter", lambda **_: lambda state: 0)


def test_an_event_has_no_person_in_it(receiver: Receiver) -> None:
    told = PostHog(settings(receiver.address))
    told.capture("something", "user-1", words=3)
    found = receiver.wait("something")
    told.close()
    assert found["properties"]["words"] == 3
    assert found["properties"]["$process_person_profile"] is False
    assert len(found["distinct_id"]) == 32
    assert "user-1" not in str(found)


def test_without_a_key_nothing_begins(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a client was made")

    monkeypatch.setattr(httpx, "Client", never)
    threads = threading.active_count()
    told = PostHog(settings(receiver.address, key=""))
    told.capture("something", "user-1")
    told.once("something", "user-1")
    told.swallowed(ValueError("x"))
    assert threading.active_count() == threads
    assert told._queue.empty()
    told.close()
    assert receiver.requests == 0


def test_what_fails_for_now_is_tried_again_once_it_stands_there_once(
    receiver: Receiver, quick: None
) -> None:
    receiver.statuses = [500, 429]
    counted = counter()
    told = PostHog(settings(receiver.address), counted)
    told.capture("something")
    receiver.wait("something")
    told.close()
    assert receiver.requests == 3
    assert len(receiver.events) == 1
    assert of(counted, "sent") == 1


@pytest.mark.parametrize(("status", "tries"), [(500, 4), (400, 1)])
def test_what_is_never_taken_is_counted_and_the_next_goes_on(
    receiver: Receiver, quick: None, status: int, tries: int
) -> None:
    receiver.statuses = [status] * tries
    counted = counter()
    told = PostHog(settings(receiver.address), counted)
    told.capture("lost")
    for _ in range(tries):
        assert receiver.asked.acquire(timeout=20)
    told.capture("next")
    receiver.wait("next")
    told.close()
    assert receiver.named("lost") == []
    assert (of(counted, "failed"), of(counted, "sent")) == (1, 1)


def test_nobody_there_is_no_harm(quick: None) -> None:
    counted = counter()
    told = PostHog(settings("http://127.0.0.1:1"), counted)
    told.capture("something")
    told.close()
    assert of(counted, "failed") == 1


def test_a_receiver_that_hangs_holds_up_nobody(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is dropped and counted; the end comes though no answer ever does."""
    monkeypatch.setattr(posthog, "LAST", 0.1)
    receiver.answers.clear()
    counted = counter()
    told = PostHog(settings(receiver.address), counted, waiting=5)
    told.capture("first")
    assert receiver.asked.acquire(timeout=20)  # it is under way, and will not end
    for _ in range(20):
        told.capture("more")
    assert of(counted, "dropped") == 15
    told.close()
    assert receiver.events == []
    told.capture("too late")
    assert told._queue.qsize() == 5


def test_an_error_is_told_by_type_and_place_without_its_words(receiver: Receiver) -> None:
    told = PostHog(settings(receiver.address))

    def fails() -> None:
        raise LookupError("ana@example.org asked for /home/ana/secret")

    for _ in range(3):
        try:
            fails()
        except LookupError as error:
            told.swallowed(error)
    told.swallowed(BadRequest("a mistake of the caller"))
    told.capture("after")
    receiver.wait("after")
    told.close()
    (found,) = receiver.named("$exception")
    (one,) = found["properties"]["$exception_list"]
    assert (one["type"], one["mechanism"]["handled"]) == ("LookupError", True)
    assert one["stacktrace"]["frames"][-1]["function"] == "fails"
    text = orjson.dumps(found).decode()
    assert "ana" not in text
    assert not one["stacktrace"]["frames"][-1]["filename"].startswith("/")


# In a running console


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Receiver]]:
    with stand_in_posthog.serving() as receiver:
        given = {"POSTHOG_API_KEY": KEY, "POSTHOG_HOST": receiver.address}
        with World(tmp_path_factory.mktemp("posthog"), **given) as world:
            yield world, receiver
            world.instance.posthog.close()


def test_the_pulse_is_viewed_once_in_a_while(world: tuple[World, Receiver]) -> None:
    console, receiver = world
    for _ in range(3):
        assert console.admin.get("/api/admin/activity/health").status_code == 200
    found = receiver.wait("activity_health_viewed")
    assert found["properties"]["status"] in ("green", "yellow", "red")
    assert console.admin_id not in str(found)
    assert "root@example.org" not in str(found)


def test_a_filter_is_told_by_its_fields_alone(world: tuple[World, Receiver]) -> None:
    console, receiver = world
    asked = {"q": "ana@example.org", "result_class": "error", "limit": "10"}
    for _ in range(2):
        assert console.admin.get("/api/admin/activity", params=asked).status_code == 200
    assert console.admin.get("/api/admin/activity").status_code == 200
    found = receiver.wait("activity_timeline_filtered")
    assert found["properties"]["filter_keys"] == ["q", "result_class"]
    assert "ana@example.org" not in str(found)
    assert len(receiver.named("activity_timeline_filtered")) == 1


def test_a_report_is_told_without_its_words(world: tuple[World, Receiver]) -> None:
    console, receiver = world
    body = {
        "message": "the words of Ana",
        "category": "bug",
        "ack_preview": True,
        "idempotency_key": str(uuid.uuid4()),
    }
    sent = [console.admin.post("/api/feedback", json=body).status_code for _ in range(2)]
    assert sent == [201, 200]
    found = receiver.wait("feedback_report_submitted")
    assert found["properties"]["with_category"] is True
    assert found["properties"]["with_session"] is False
    assert "Ana" not in str(found)
    assert len(receiver.named("feedback_report_submitted")) == 1


def test_findings_are_told_by_their_kinds(world: tuple[World, Receiver]) -> None:
    console, receiver = world
    rows = [
        {"finding_type": kind, "severity": "error", "excerpt": "words of Ana"}
        for kind in ("loop", "loop", "tool_error")
    ]
    done = Finished(
        "u/s.jsonl", "f", {"failure_scan": Outcome(3)}, tables={"session_findings": rows}
    )
    for status in ("stale", "committed"):
        processing._told(console.instance, done, Receipt("u/s.jsonl", status, 3))
    found = receiver.wait("session_failure_detected")
    assert found["properties"]["findings"] == {"loop": 2, "tool_error": 1}
    assert "Ana" not in str(found)
    assert "s.jsonl" not in str(found)


def test_what_fails_inside_is_told(
    world: tuple[World, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    console, receiver = world

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("words")

    monkeypatch.setattr(pulse, "cached", broken)
    assert console.admin.get("/api/admin/activity/health").status_code == 500
    found = receiver.wait("$exception")
    (one,) = found["properties"]["$exception_list"]
    assert (one["type"], one["mechanism"]["handled"]) == ("ZeroDivisionError", False)
    console.instance.lost(OSError("no space"))
    with receiver.came:
        assert receiver.came.wait_for(lambda: len(receiver.named("$exception")) == 2, 20)


def test_what_fails_in_a_kernel_is_told_by_its_type(world: tuple[World, Receiver]) -> None:
    console, receiver = world
    texts = {"usage": said(UnicodeError("words of Ana")), "failure_scan": "words of Ana"}
    outcomes = {name: Outcome(3, error=text) for name, text in texts.items()}
    receipt = Receipt("u/s.jsonl", "committed", 0)
    processing._told(console.instance, Finished("u/s.jsonl", "f", outcomes), receipt)
    console.instance.posthog.capture("after a kernel")
    receiver.wait("after a kernel")
    lists = [one["properties"]["$exception_list"][0] for one in receiver.named("$exception")]
    assert {"UnicodeError", "Error"} <= {one["type"] for one in lists}
    assert "Ana" not in str(lists)


def test_requests_are_answered_while_the_receiver_hangs(world: tuple[World, Receiver]) -> None:
    """Ordering, not time: the answers come while the receiver still holds the event."""
    console, receiver = world
    receiver.answers.clear()
    try:
        console.instance.posthog.capture("held")
        before = receiver.requests
        for number in range(30):
            path = f"/api/admin/activity?q=held{number}"
            assert console.admin.get(path).status_code == 200
        assert receiver.named("held") == []
        assert receiver.requests - before <= 1
    finally:
        receiver.answers.set()
    receiver.wait("held")
