"""The inbox over HTTP: one filter for list, figures, facets and export; changes that lose
nothing; texts that try to break it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.audit import new_id, now
from schema.tables import FEEDBACK_REPORTS, SESSION_FINDINGS
from schema.transaction import Rows, Transaction
from tests.console.access_world import World
from tests.console.feedback.reports_place import (
    FEEDBACK,
    INBOX,
    new_reporter,
    send,
    sent,
    word,
)

HOSTILE = (
    "<script>window.__xss=1</script>",
    "'; DROP TABLE feedback_reports; --",
    "=cmd|' /C calc'!A0",
    "\x1b[2J\x1b]0;title\x07",
    "\u202eright to left\u2069",
    "a\u0000b",
    "   ",
    "x" * 10_000,
    "\U0001f600 " * 50,
    "{{7*7}} ${7*7} %s %n",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("inbox")) as world:
        yield world


@pytest.fixture(scope="module")
def reader(world: World) -> Iterator[httpx.Client]:
    """Somebody who was granted the inbox, and is no admin."""
    user = world.user("support@example.org")
    group = world.admin.post("/api/admin/groups", json={"name": "support"}).json()["id"]
    path = f"/api/admin/groups/{group}/members"
    world.admin.post(path, json={"user_id": user}).raise_for_status()
    grant = {"group_id": group, "resource_type": "feedback"}
    world.admin.post("/api/admin/grants", json=grant).raise_for_status()
    with world.client(world.token(user)) as client:
        yield client


@pytest.fixture(scope="module")
def mark(world: World) -> str:
    """A word that 9 reports of 4 groups have, as several people sent them."""
    mark = word()
    ana, bo = new_reporter(world), new_reporter(world)
    with ana, bo:
        for person, what, more in (
            (ana, "hangs", {"category": "sync", "tags": ["slow"]}),
            (bo, "hangs", {"category": "ui"}),
            (bo, "hangs", {"tags": ["slow", "again"]}),
            (ana, "crashes", {"category": "sync"}),
            (ana, "crashes", {}),
            (bo, "lies", {"tags": ["again"]}),
            (bo, "burns", {}),
            (ana, "burns", {"category": "ui", "tags": ["slow"]}),
            (ana, "burns", {}),
        ):
            assert send(person, f"{mark} {what}", **more).status_code == 201
    rows = world.admin.get(INBOX, params={"q": mark}).json()["rows"]
    by_message = {row["message"].split()[1]: row for row in rows}
    for what, status in (("crashes", "resolved"), ("lies", "wontfix")):
        change = {"version": 1, "status": status, "assignee": "me"}
        world.admin.patch(f"{INBOX}/{by_message[what]['id']}", json=change).raise_for_status()
    return mark


def listed(client: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = client.get(INBOX, params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def pages(client: httpx.Client, limit: int, **params: Any) -> list[str]:
    """All ids, page by page; each page is found again from the next one."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = listed(client, limit=limit, **params, **cursor)
        ids = [row["id"] for row in page["rows"]]
        if cursor:
            place = {f"cursor_{name}": value for name, value in page["prev_cursor"].items()}
            before = listed(client, limit=limit, newer="true", **params, **place)
            assert [row["id"] for row in before["rows"]] == found[-limit:]
        found += ids
        if page["next_cursor"] is None:
            return found
        cursor = {f"cursor_{name}": value for name, value in page["next_cursor"].items()}


FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"heads": "false"},
    {"status": "open"},
    {"category": "sync"},
    {"category": "none", "heads": "false"},
    {"tag": "slow"},
    {"tag": "none"},
    {"assignee": "none"},
    {"assignee": "root@example.org"},
    {"has_session": "false", "status": "resolved"},
    {"since_minutes": "60", "tag": "again", "heads": "false"},
    {"until": "2001-01-01"},
)


@pytest.mark.parametrize("given", FILTERS, ids=str)
def test_list_figures_facets_and_export_tell_of_the_same_reports(
    reader: httpx.Client, mark: str, given: dict[str, str]
) -> None:
    params = {"q": mark, **given}
    heads = given.get("heads") != "false"
    page = listed(reader, **params)
    figures = reader.get(f"{INBOX}/kpis", params=params).json()
    facets = reader.get(f"{INBOX}/facets", params=params).json()
    assert page["total"] == len(page["rows"]) == figures["groups" if heads else "reports"]
    by_status = figures["by_status" if heads else "reports_by_status"]
    assert {row["value"]: row["count"] for row in facets["status"]} == {
        status: count for status, count in by_status.items() if count
    }
    ids = {row["id"] for row in page["rows"]}
    assert set(pages(reader, 2, **params)) == ids
    exported = reader.get(f"{INBOX}/export", params={**params, "format": "json"})
    assert exported.headers["X-Row-Count"] == str(len(ids))
    assert {json.loads(line)["id"] for line in exported.text.splitlines()} == ids
    for facet in ("category", "tag"):
        for row in facets[facet]:
            wanted = {**params, facet: row["value"] or "none"}
            if facet not in given:
                assert listed(reader, **wanted)["total"] == row["count"], (facet, row)


@pytest.mark.parametrize(
    "sort",
    [
        f"{key}:{way}"
        for key in ("created_at", "last_at", "duplicates", "status", "category")
        for way in ("asc", "desc")
    ],
)
def test_pages_lead_there_and_back_in_every_order(
    reader: httpx.Client, mark: str, sort: str
) -> None:
    whole = [row["id"] for row in listed(reader, q=mark, sort=sort)["rows"]]
    assert len(whole) == 4
    for limit in (1, 3):
        assert pages(reader, limit, q=mark, sort=sort) == whole


def test_a_group_is_found_by_what_any_of_its_reports_says(
    world: World, reader: httpx.Client, mark: str
) -> None:
    (row,) = listed(reader, q=mark, category="ui", tag="slow")["rows"]
    assert row["message"] == f"{mark} hangs"
    assert row["category"] == "sync", "the head's own; another one of its group is about the ui"
    assert row["tags"] == ["slow"], "the group's"
    assert (row["duplicates"], row["reporters"]) == (2, 2)
    one = reader.get(f"{INBOX}/{row['id']}").json()
    assert len(one["duplicates_list"]) == 2
    assert sum(one["trend"]) == 3
    assert len(one["trend"]) == 30
    emails = {other["reporter"]["email"] for other in one["duplicates_list"]}
    assert len(emails - {row["reporter"]["email"]}) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "shut"},
        {"sort": "message:asc"},
        {"sort": "created_at:up"},
        {"since": "2026-02-02", "until": "2026-01-01"},
        {"since_minutes": "0"},
        {"cursor_ts": "2026-01-01"},
        {"cursor_id": "x", "cursor_ts": "2026-01-01", "sort": "status:asc"},
        {"newer": "true"},
        {"limit": "201"},
        {"heads": "maybe"},
        {"q": "x" * 600},
        {"colour": "red"},
    ],
)
def test_what_cannot_be_asked_is_named(reader: httpx.Client, wrong: dict[str, str]) -> None:
    answer = reader.get(INBOX, params=wrong)
    assert answer.status_code == 400
    assert any(name in answer.json()["error"] for name in wrong)


def test_reports_are_found_by_what_was_found_in_their_session(
    world: World, reader: httpx.Client
) -> None:
    with new_reporter(world) as me:
        name = f"{word()}.jsonl"
        key = me.post("/api/upload/sessions", files={"file": (name, b'{"type":"user"}\n')}).json()
        id = sent(me, word(), session_file=name)
    finding = {"id": new_id(), "session_file": key["session_file"], "finding_type": "loop"}
    about = {"user_id": key["session_file"].split("/")[0], "turn_index": 0, "severity": "warning"}
    world.store.write(Rows(SESSION_FINDINGS, [{**finding, **about}])).result()
    found = listed(world.admin, finding="loop", session_file=key["session_file"])["rows"]
    assert [row["id"] for row in found] == [id]
    assert world.admin.get(f"{INBOX}/{id}").json()["findings"][0]["finding_type"] == "loop"
    theirs = reader.get(f"{INBOX}/{id}").json()
    assert theirs["findings"] == [], "whoever may read reports may not read sessions"
    assert (theirs["session"]["exists"], theirs["session"]["may_open"]) == (False, False)


def test_of_two_editors_the_second_sees_both(world: World, reader: httpx.Client) -> None:
    with new_reporter(world) as me:
        id = sent(me, word())
        first = {"version": 1, "status": "resolved", "resolution": "mended", "fixed_in": "0.3"}
        done = world.admin.patch(f"{INBOX}/{id}", json=first).json()
        assert (done["status"], done["version"]) == ("resolved", 2)
        assert done["resolved_by"]["email"] == "root@example.org"
        second = reader.patch(f"{INBOX}/{id}", json={"version": 1, "resolution": "mine"})
        assert second.status_code == 409
        answer = second.json()
        assert answer["current"]["resolution"] == "mended"
        assert answer["yours"] == {"resolution": "mine"}
        both = {"version": 2, "resolution": "both", "assignee": None, "tags": ["A", "a", "b"]}
        assert reader.patch(f"{INBOX}/{id}", json=both).json()["tags"] == ["a", "b"]
        row = world.last("feedback.update", resource=f"report:{id}")
        assert row["params_before"] == {"version": 2, "resolution": "mended", "tags": []}
        opened = reader.patch(f"{INBOX}/{id}", json={"version": 3, "status": "open"}).json()
        assert (opened["resolved_at"], opened["resolved_by"]) == (None, None)
        cleared = reader.patch(f"{INBOX}/{id}", json={"version": 4, "resolution": None}).json()
        assert cleared["resolution"] is None
        history = [change["what"] for change in cleared["history"]]
        expected = ["created", "status", "resolution", "fixed_in", "resolution", "tags", "status"]
        assert history == [*expected, "resolution"]
        mine = me.get(f"{FEEDBACK}/{id}").json()
        assert (mine["status"], mine["history"]) == ("open", [])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "shut"}, "status"),
        ({"status": None}, "status"),
        ({"assignee": "nobody@example.org"}, "assignee"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"tags": "x"}, "tags"),
        ({"resolution": "x" * 4001}, "resolution"),
        ({"fixed_in": "two\nlines"}, "fixed_in"),
        ({"message": "mine"}, "message"),
        ({}, "nothing"),
    ],
)
def test_a_change_that_cannot_be_is_named(
    world: World, reader: httpx.Client, change: dict[str, Any], named: str
) -> None:
    with new_reporter(world) as me:
        id = sent(me, word())
    answer = reader.patch(f"{INBOX}/{id}", json={"version": 1, **change})
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    many = {"reports": [{"id": id, "version": 1}], "change": change}
    assert reader.post(f"{INBOX}/bulk", json=many).status_code == 400
    assert reader.get(f"{INBOX}/{id}").json()["version"] == 1


def test_many_are_changed_merged_and_taken_apart(world: World, reader: httpx.Client) -> None:
    with new_reporter(world) as me:
        one, two, three = (sent(me, word()) for _ in range(3))
    seen = [{"id": id, "version": 1} for id in (one, two)] + [{"id": three, "version": 7}]
    done = reader.post(f"{INBOX}/bulk", json={"reports": seen, "change": {"status": "triaged"}})
    answer = done.json()
    assert [row["id"] for row in answer["changed"]] == [one, two]
    (conflict,) = answer["conflicts"]
    assert (conflict["id"], conflict["current"]["version"]) == (three, 1)
    assert conflict["yours"] == {"status": "triaged"}
    merged = reader.post(f"{INBOX}/merge", json={"ids": [two, three], "into": one})
    assert merged.json() == {"head": one, "merged": [two, three]}
    shown = reader.get(f"{INBOX}/{three}").json()
    assert (shown["merged_into"], shown["status"], shown["duplicates"]) == (one, "triaged", 2)
    refused = reader.patch(f"{INBOX}/{three}", json={"version": 2, "status": "open"})
    assert refused.status_code == 409
    assert one in refused.json()["error"]
    alone = reader.post(f"{INBOX}/unmerge", json={"id": three, "version": 2}).json()
    assert (alone["merged_into"], alone["kept_apart"], alone["status"]) == (None, True, "open")
    assert reader.delete(f"{INBOX}/{three}").status_code == 403
    assert world.admin.delete(f"{INBOX}/{three}").status_code == 204
    assert reader.get(f"{INBOX}/{three}").status_code == 404


def hostile() -> list[str]:
    folder = os.environ.get("AGNES_TEST_CORPUS")
    found = list(HOSTILE)
    if folder:
        text = (Path(folder) / "bad_inputs.jsonl").read_text(encoding="utf-8")
        known = (json.loads(line) for line in text.splitlines())
        found += [one["payload"] for one in known if one["surface"] == "feedback_text"]
    return found


def test_no_text_breaks_a_list_a_report_or_a_cell(world: World) -> None:
    """Each is stored as it is, but for what controls a terminal, or refused."""
    took = 0
    for text in hostile():
        with new_reporter(world) as me:
            took += hostile_text(world, me, text)
    assert took >= 5
    rows = world.admin.get(f"{INBOX}/export", params={"format": "csv", "heads": "false"})
    cells = [cell for row in csv.reader(io.StringIO(rows.text)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")]


def hostile_text(world: World, me: httpx.Client, text: str) -> bool:
    one = {"message": text, "ack_preview": True, "idempotency_key": new_id()}
    content = json.dumps({**one, "category": text[:40], "tags": [text[:40]]}).encode()
    answer = me.post(FEEDBACK, content=content, headers={"Content-Type": "application/json"})
    if answer.status_code == 400:  # as a category it must be one line
        answer = me.post(FEEDBACK, content=json.dumps(one).encode())
    assert answer.status_code in (201, 400), text
    if answer.status_code == 400:
        return False
    id = answer.json()["report_id"]
    row = world.admin.get(f"{INBOX}/{id}").json()
    assert row["message"] == "".join(
        sign for sign in text.strip() if sign == "\n" or sign.isprintable() or ord(sign) > 0x9F
    )
    found = listed(world.admin, q=text[:100].strip(), heads="false") if "\x1b" not in text else None
    assert found is None or id in [one["id"] for one in found["rows"]]
    return True


def test_many_old_reports_are_counted_by_day(world: World) -> None:
    with new_reporter(world) as me:
        message = word()
        ids = [sent(me, message) for _ in range(4)]
    for id, days in zip(ids, (0, 1, 1, 40), strict=True):
        world.store.write(sent_before(id, days)).result()
    trend = world.admin.get(f"{INBOX}/{ids[0]}").json()["trend"]
    assert (len(trend), sum(trend), trend[-1], trend[-2]) == (30, 3, 1, 2)


def sent_before(id: str, days: int) -> Callable[[Transaction], None]:
    sent = {"created_at": now() - timedelta(days=days)}
    return lambda transaction: transaction.update(FEEDBACK_REPORTS, {"id": id}, sent)


def test_names_that_no_database_takes_are_refused(world: World, reader: httpx.Client) -> None:
    with new_reporter(world) as me:
        id = sent(me, word())
    seen = [{"id": id, "version": 1}]
    for change in ({"assignee": "a\0b"}, {"assignee": "'; --"}, {"status": "\0"}):
        answer = reader.post(f"{INBOX}/bulk", json={"reports": seen, "change": change})
        assert answer.status_code == 400, change
    for wrong in ("a\0b", "", "x" * 65, 1):
        answer = reader.post(f"{INBOX}/merge", json={"ids": [wrong], "into": id})
        assert answer.status_code == 400, wrong
    nobody = {"ids": ["nobody"], "into": id}
    assert reader.post(f"{INBOX}/merge", json=nobody).status_code == 404
    assert reader.get(f"{INBOX}/{id}").json()["version"] == 1
