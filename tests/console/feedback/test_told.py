"""Who is told of a report, where, and in which words: never in the report's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from schema.tables import NOTIFICATIONS
from tests.console.access_world import World
from tests.console.feedback.reports_place import INBOX, new_reporter, sent

LINKS = "/api/admin/telegram/links"
SECRET = "a-word-that-no-message-holds"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("told") / "data") as world:
        yield world


def about(world: World, id: str) -> dict[str, Any]:
    found: dict[str, Any] = world.admin.get(f"{INBOX}/{id}").raise_for_status().json()
    return found


def told(world: World, user: str, id: str) -> list[tuple[str, str, str]]:
    """Kind, channel and subject of what somebody was told of a report."""
    rows = world.rows(NOTIFICATIONS, user_id=user, about=f"report:{id}")
    rows.sort(key=lambda row: row["id"])
    return [(row["kind"], row["channel"], row["subject"]) for row in rows]


def test_every_admin_is_told_of_a_new_report_where_they_are_reached(world: World) -> None:
    linked, gone = world.user(is_admin=True), world.user(is_admin=True)
    for user in (linked, gone):
        world.admin.post(LINKS, json={"user_id": user, "chat_id": 7}).raise_for_status()
    world.admin.delete(f"/api/admin/users/{gone}").raise_for_status()
    with new_reporter(world) as reporter:
        id = sent(reporter, f"the first of its kind {SECRET}")
    mark = about(world, id)["fingerprint"][:12]
    subject = f"New report {mark}"
    assert told(world, world.admin_id, id) == [("report.new", "console", subject)]
    assert told(world, linked, id) == [("report.new", "telegram", subject)]
    assert told(world, gone, id) == []
    rows = world.rows(NOTIFICATIONS, about=f"report:{id}")
    assert {row["link"] for row in rows} == {f"/admin/feedback/{id}"}
    assert SECRET not in repr(rows)


def test_a_bell_holds_one_unread_notice_a_group_and_telegram_hears_each(world: World) -> None:
    linked = world.user(is_admin=True)
    world.admin.post(LINKS, json={"user_id": linked, "chat_id": 8}).raise_for_status()
    with new_reporter(world) as ana, new_reporter(world) as ben:
        head = sent(ana, "many say this")
        sent(ben, "many say this")
        sent(ben, "many say this")
    mark = about(world, head)["fingerprint"][:12]
    last = f"Reported again: {mark}, 3 reports of 2 people"
    assert told(world, world.admin_id, head) == [("report.new", "console", last)]
    assert [subject for _, _, subject in told(world, linked, head)] == [
        f"New report {mark}",
        f"Reported again: {mark}, 2 reports of 2 people",
        last,
    ]


def test_reporters_hear_what_became_of_it_and_admins_when_it_comes_back(world: World) -> None:
    ana, ben = world.user(), world.user()
    with world.client(world.token(ana)) as one, world.client(world.token(ben)) as other:
        head, same = sent(one, "it will be resolved"), sent(other, "it will be resolved")
        mark = about(world, head)["fingerprint"][:12]
        change = {"version": about(world, head)["version"], "status": "triaged"}
        world.admin.patch(f"{INBOX}/{head}", json=change).raise_for_status()
        given = {"status": "resolved", "resolution": f"{SECRET}: use the other tool"}
        change = {"version": about(world, head)["version"], **given}
        world.admin.patch(f"{INBOX}/{head}", json=change).raise_for_status()
        said = ("report.changed", "console", f"Your report {mark} is resolved, with an answer")
        for user, id, client in ((ana, head, one), (ben, same, other)):
            assert told(world, user, id) == [said]  # in place of what was not read yet
            (row,) = client.get("/api/me/notifications").json()["rows"]
            assert row["link"] == f"/me/reports/{id}"
        sent(other, "it will be resolved")
    kind, _, subject = told(world, world.admin_id, head)[-1]
    assert kind == "report.reopened"
    assert subject.startswith(f"Came back after it was resolved: report {mark}, 3 reports")
    assert SECRET not in repr(world.rows(NOTIFICATIONS))


def test_nobody_is_told_what_they_did_themselves(world: World) -> None:
    id = sent(world.admin, "my own report")
    change = {"version": about(world, id)["version"], "status": "resolved"}
    world.admin.patch(f"{INBOX}/{id}", json=change).raise_for_status()
    assert [kind for kind, _, _ in told(world, world.admin_id, id)] == ["report.new"]


def test_of_a_deleted_report_nothing_more_is_said(world: World) -> None:
    with new_reporter(world) as reporter:
        id = sent(reporter, "soon deleted")
    assert told(world, world.admin_id, id)
    world.admin.delete(f"{INBOX}/{id}").raise_for_status()
    assert told(world, world.admin_id, id) == []


def test_in_the_console_a_notice_has_the_words_of_what_its_reader_may_read(world: World) -> None:
    was = world.user(is_admin=True)
    with new_reporter(world) as reporter, world.client(world.token(was)) as reader:
        id = sent(reporter, "the first line\nand\tthe second " + "x" * 200)

        def words() -> str | None:
            rows = reader.get("/api/me/notifications").raise_for_status().json()["rows"]
            found: str | None = next(r["words"] for r in rows if r["about"] == f"report:{id}")
            return found

        assert words() == ("the first line and the second " + "x" * 200)[:100]
        world.admin.patch(f"/api/admin/users/{was}", json={"is_admin": False}).raise_for_status()
        assert words() is None
