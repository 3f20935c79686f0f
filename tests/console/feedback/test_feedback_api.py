"""Sending a report, and one's own, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from console.audit import now
from console.feedback.fingerprint import fingerprint
from console.feedback.given import ENVIRONMENT
from schema.table import rows_of
from schema.tables import AUDIT_LOG, FEEDBACK_HISTORY, FEEDBACK_REPORTS, NOTIFICATIONS
from tests.console.access_world import World
from tests.console.feedback.reports_place import (
    FEEDBACK,
    INBOX,
    body,
    failed,
    lines,
    new_reporter,
    send,
    sent,
    word,
)

SECRET = "sk-ant-" + "api03-" + "Zz9" * 12


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("feedback")) as world:
        yield world


@pytest.fixture
def me(world: World) -> Iterator[httpx.Client]:
    with new_reporter(world) as client:
        yield client


def stored(world: World, id: str) -> dict[str, Any]:
    rows = rows_of(FEEDBACK_REPORTS)
    (row,) = world.store.read(rows.filter(rows.id == id)).to_pylist()
    return dict(row)


def test_a_report_is_answered_with_what_is_known_of_it(world: World, me: httpx.Client) -> None:
    message = f"it hangs at {word()}"
    answer = send(me, message)
    assert answer.status_code == 201
    first = answer.json()
    assert first == {
        "report_id": first["report_id"],
        "fingerprint": fingerprint(message),
        "status_url": f"/me/reports/{first['report_id']}",
        "duplicates": 0,
        "reopened": False,
        "known": None,
    }
    with new_reporter(world) as other:
        second = send(other, message.upper() + "  ").json()
        assert (second["duplicates"], second["fingerprint"]) == (1, first["fingerprint"])
        known = other.get(f"{FEEDBACK}/known", params={"fingerprint": second["fingerprint"]}).json()
    assert second["known"]["reports"] == 1
    assert known.keys() == {
        *("fingerprint", "reports", "reporters", "status", "resolution", "fixed_in"),
        *("first_at", "last_at"),
    }
    assert (known["reports"], known["reporters"], known["status"]) == (2, 2, "open")
    row = world.last("feedback.report", resource=f"report:{first['report_id']}")
    assert row["params"]["ack_preview"] is True
    assert "hangs" not in orjson.dumps(row).decode()


def test_a_resolved_problem_that_comes_back_is_open_again(world: World, me: httpx.Client) -> None:
    message = word()
    head = sent(me, message)
    wanted = {"version": 1, "status": "resolved", "resolution": "mended", "fixed_in": "0.3"}
    assert world.admin.patch(f"{INBOX}/{head}", json=wanted).status_code == 200
    with new_reporter(world) as other:
        again = send(other, message, environment={"agnes": "0.4.1"}).json()
        assert (again["reopened"], again["duplicates"]) == (True, 1)
        assert again["known"]["fixed_in"] == "0.3"
        mine = other.get(f"{FEEDBACK}/{again['report_id']}").json()
    assert (mine["status"], mine["reopened"], mine["merged_into"]) == ("open", 1, head)
    history = world.admin.get(f"{INBOX}/{head}").json()["history"]
    last = history[-1]
    assert (last["what"], last["version"], last["report"]) == (
        "reopened",
        "0.4.1",
        again["report_id"],
    )


def test_what_is_not_to_be_mended_stays_so_when_it_comes_again(
    world: World, me: httpx.Client
) -> None:
    message = word()
    head = sent(me, message)
    world.admin.patch(f"{INBOX}/{head}", json={"version": 1, "status": "wontfix"})
    again = send(me, message).json()
    assert (again["reopened"], again["known"]["status"]) == (False, "wontfix")
    assert me.get(f"{FEEDBACK}/{again['report_id']}").json()["status"] == "wontfix"


def test_a_try_again_is_answered_as_before_and_files_nothing(
    world: World, me: httpx.Client
) -> None:
    one = body(word())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: me.post(FEEDBACK, json=one), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.text for answer in answers}) == 1
    with new_reporter(world) as other:
        other.post(FEEDBACK, json=one)  # whose key is their own
    assert me.post(FEEDBACK, json=one).json() == answers[0].json()
    assert me.get(FEEDBACK).json()["total"] == 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"ack_preview": False}, "ack_preview"),
        ({"ack_preview": None}, "ack_preview"),
        ({"idempotency_key": "short"}, "idempotency_key"),
        ({"idempotency_key": "with a blank inside"}, "idempotency_key"),
        ({"message": " \n\t "}, "message"),
        ({"message": "x" * 10_001}, "message"),
        ({"message": 1}, "message"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": [1]}, "tags"),
        ({"category": "x" * 41}, "category"),
        ({"environment": {"host": "x"}}, "host"),
        ({"environment": {"os": 1}}, "environment.os"),
        ({"environment": {"os": "x" * 201}}, "environment.os"),
        ({"session_file": "../x.jsonl"}, "session_file"),
        ({"session_file": "never-uploaded.jsonl"}, "session_file"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_cannot_be_sent_is_named(me: httpx.Client, wrong: dict[str, Any], named: str) -> None:
    answer = me.post(FEEDBACK, json=body(**{"message": word(), **wrong}))
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert me.get(FEEDBACK).json()["total"] == 0


def test_a_body_beyond_a_mebibyte_is_refused_unread(me: httpx.Client) -> None:
    room = (1 << 20) - len(orjson.dumps(body("x")))
    fits = body("x")
    fits["session_excerpt"] = "x" * (room - len('"session_excerpt":"",'))
    data = orjson.dumps(fits)
    assert len(data) == 1 << 20
    assert me.post(FEEDBACK, content=data).status_code == 201
    assert me.post(FEEDBACK, content=b" " * ((1 << 20) + 1)).status_code == 413
    assert me.post(FEEDBACK, content=b"{" * (3 << 20)).status_code == 413
    chunks = (b" " * 65536 for _ in range(20))
    assert me.post(FEEDBACK, content=chunks).status_code == 413


def test_twenty_an_hour_and_no_more_also_for_who_deletes(world: World) -> None:
    with new_reporter(world) as me:
        ids = [sent(me, f"{word()}") for _ in range(20)]
        first = body(word())
        refused = me.post(FEEDBACK, json=first)
        assert refused.status_code == 429
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600
        for id in ids[:5]:
            assert me.delete(f"{FEEDBACK}/{id}").status_code == 204
        assert me.post(FEEDBACK, json=first).status_code == 429
        user = world.last("feedback.report", resource=f"report:{ids[0]}")["user_id"]
        earlier = {"timestamp": now() - timedelta(minutes=61)}
        world.store.write(
            lambda transaction: transaction.update(AUDIT_LOG, {"user_id": user}, earlier)
        ).result()
        assert me.post(FEEDBACK, json=first).status_code == 201


def test_what_the_terminal_did_not_find_is_cut_here(world: World, me: httpx.Client) -> None:
    call, result = failed("Bash", f"no such key {SECRET}", "u-1")
    answer = send(
        me,
        f"{word()} password={SECRET}",
        session_excerpt=lines(call, result),
        environment={"agnes": "1", "project": SECRET},
    )
    id = answer.json()["report_id"]
    row = stored(world, id)
    assert SECRET not in repr(row)
    assert "[REDACTED:" in row["message"]
    assert (row["error"].split(":")[0], row["anchor_uuid"], row["excerpt_turns"]) == (
        "Bash",
        "u-1",
        2,
    )
    redacted = world.last("feedback.report", resource=f"report:{id}")["params"]["redacted"]
    assert sum(redacted.values()) == 3
    amended = me.patch(f"{FEEDBACK}/{id}", json={"version": 1, "message": f"now {SECRET}"})
    assert SECRET not in amended.text


def test_a_session_must_be_ones_own_and_uploaded(world: World, me: httpx.Client) -> None:
    name = f"{word()}.jsonl"
    call, result = failed("Bash", "no such file", "anchor-1")
    content = lines({"type": "user", "uuid": "u-0", "message": {"content": "go"}}, call, result)
    uploaded = me.post("/api/upload/sessions", files={"file": (name, content.encode())}).json()
    key = uploaded["session_file"]
    bare = sent(me, word(), session_file=name, session_excerpt=lines(call, result))
    sent(me, word(), session_file=key)
    mine = me.get(f"{FEEDBACK}/{bare}").json()
    assert mine["session_file"] == key
    assert mine["session"] == {
        "session_file": key,
        "exists": True,
        "may_open": True,
        "href": f"/me/sessions/{name}#t2",
        "turn": 2,
    }
    theirs = world.admin.get(f"{INBOX}/{bare}").json()
    assert theirs["session"]["href"] == f"/admin/sessions/{key}#t2"
    with new_reporter(world) as other:
        assert send(other, word(), session_file=name).status_code == 400
        refused = send(other, word(), session_file=key)
    assert refused.status_code == 400
    assert name in refused.json()["error"]
    (world.settings.folder / "sessions" / key).unlink()
    gone = me.get(f"{FEEDBACK}/{bare}").json()
    assert (gone["session"]["exists"], gone["session_excerpt"] is None) == (False, False)


def test_one_sees_and_changes_ones_own_alone(world: World, me: httpx.Client) -> None:
    id = sent(me, word(), category="Sync", tags=["Slow", "slow"])
    mine = me.get(f"{FEEDBACK}/{id}").json()
    assert (mine["category"], mine["tags"], mine["status"]) == ("sync", ["slow"], "open")
    with new_reporter(world) as other:
        for method in ("GET", "DELETE"):
            assert other.request(method, f"{FEEDBACK}/{id}").status_code == 404, method
        wanted = {"version": 1, "message": "mine now"}
        assert other.patch(f"{FEEDBACK}/{id}", json=wanted).status_code == 404
        assert other.get(FEEDBACK).json()["rows"] == []
        assert other.get(f"{INBOX}/{id}").status_code == 403
    changed = me.patch(f"{FEEDBACK}/{id}", json={"version": 1, "message": "better said"}).json()
    assert (changed["message"], changed["version"]) == ("better said", 2)
    stale = me.patch(f"{FEEDBACK}/{id}", json={"version": 1, "message": "too late"})
    assert stale.status_code == 409
    assert stale.json()["current"]["message"] == "better said"
    assert stale.json()["yours"] == {"message": "too late"}
    world.admin.patch(f"{INBOX}/{id}", json={"version": 2, "status": "resolved"})
    closed = me.patch(f"{FEEDBACK}/{id}", json={"version": 3, "message": "again"})
    assert closed.status_code == 409


def test_what_is_deleted_leaves_no_word_behind(world: World, me: httpx.Client) -> None:
    text = word()
    id = sent(me, text, session_excerpt=lines({"type": "user", "said": text}))
    me.patch(f"{FEEDBACK}/{id}", json={"version": 1, "message": f"{text} again"})
    world.admin.patch(f"{INBOX}/{id}", json={"version": 2, "resolution": "an answer"})
    world.admin.patch(f"{INBOX}/{id}", json={"version": 3, "status": "triaged"})
    assert me.delete(f"{FEEDBACK}/{id}").status_code == 204
    assert me.get(f"{FEEDBACK}/{id}").status_code == 404
    for table in (AUDIT_LOG, FEEDBACK_HISTORY, NOTIFICATIONS, FEEDBACK_REPORTS):
        kept = orjson.dumps(world.store.read(rows_of(table)).to_pylist()).decode()
        assert text not in kept, table.name
    row = world.last("feedback.delete", resource=f"report:{id}")
    assert row["params_before"]["status"] == "triaged"


def test_ones_own_come_in_pages_the_newest_first(world: World, me: httpx.Client) -> None:
    ids = [sent(me, word()) for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = me.get(FEEDBACK, params={"limit": 2, **cursor}).json()
        assert page["total"] == 5
        found += [row["id"] for row in page["rows"]]
        if page["next_cursor"] is None:
            break
        cursor = {f"cursor_{name}": value for name, value in page["next_cursor"].items()}
    assert found == ids[::-1]


def test_what_is_said_before_one_sends(world: World, me: httpx.Client) -> None:
    terms = me.get(f"{FEEDBACK}/terms").json()
    assert terms.keys() == {"destination", "readers", "retention_days", "max_bytes", "per_hour"}
    assert terms["destination"] == str(me.base_url).rstrip("/")
    assert terms["readers"]["admins"] >= 1
    assert (terms["max_bytes"], terms["per_hour"]) == (1 << 20, 20)
    unknown = me.get(f"{FEEDBACK}/known", params={"fingerprint": "0" * 64})
    assert unknown.status_code == 404
    assert me.get(f"{FEEDBACK}/known", params={"fingerprint": "x"}).status_code == 400
    assert set(ENVIRONMENT) == {"agnes", "claude_code", "os", "python", "project"}
