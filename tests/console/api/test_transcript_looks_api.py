"""Looks at transcripts: each is written, those looked at see them, and a reason is asked for where
the setting says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.reasons import Reasons
from tests.console.transcript_place import MINE, SESSIONS, TALK, Place, got


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("looks") / "data") as place:
        yield place


@pytest.fixture
def place(opened: Place) -> Place:
    opened.a_minute_later()
    return opened


def test_each_opening_and_each_download_is_written(place: Place) -> None:
    key = place.upload("watched.jsonl", TALK)
    resource = f"session:{key}"
    path = f"{SESSIONS}/{key}"
    for _ in range(2):
        got(place.admin.get(f"{path}/transcript", params={"reason": "Bob's password=hunter2"}))
        for first in (3, 6, 9):
            got(place.admin.get(f"{path}/transcript", params={"from": first, "limit": 3}))
        got(place.admin.get(f"{path}/outline"))
        place.admin.get(f"{path}/download")
    assert len(place.log("session.transcript_view", resource=resource)) == 2
    assert len(place.log("session_download", resource=resource)) == 2
    place.a_minute_later()
    got(place.admin.get(f"{path}/transcript", params={"from": 3}))
    (*_, row) = place.log("session.transcript_view", resource=resource)
    assert (row["user_id"], row["params"]["turn"], row["params"]["via"]) == (
        place.admin_id,
        3,
        "api",
    )
    assert "hunter2" not in str(place.log("session.transcript_view", resource=resource))


def test_people_see_who_looked_when_and_why_and_nothing_else(place: Place) -> None:
    key = place.upload("looked.jsonl", TALK)
    mine = "/api/me/transcript-views"
    before = got(place.clients["owner"].get(mine))["total"]
    got(place.clients["granted"].get(f"{SESSIONS}/{key}/transcript", params={"reason": "a ticket"}))
    got(place.clients["owner"].get(f"{MINE}/looked.jsonl/transcript"))  # is nobody else's look
    assert place.clients["granted"].get(f"{MINE}/looked.jsonl/transcript").status_code == 404
    place.admin.get(f"/api/admin/users/{place.owner}/sessions/download-all")
    page = got(place.clients["owner"].get(mine, params={"limit": 2}))
    assert page["total"] == before + 2
    bulk, look = page["rows"]
    assert set(look) == {"at", "user_name", "session_file", "action", "reason"}
    granted = place.instance.people.get(place.granted)
    assert granted
    assert (look["user_name"], look["reason"]) == (granted.email, "a ticket")
    assert (look["session_file"], look["action"]) == (key, "session.transcript_view")
    assert (bulk["session_file"], bulk["action"]) == (None, "session_bulk_download")
    assert got(place.clients["analyst"].get(mine))["rows"] == []
    assert got(place.clients["granted"].get(mine))["rows"] == []


def test_only_who_sees_the_log_sees_others_looks_at_others(place: Place) -> None:
    key = place.upload("views.jsonl", TALK)
    for name in ("granted", "admin"):
        got(place.clients[name].get(f"{SESSIONS}/{key}/transcript"))
    path = f"{SESSIONS}/{key}/views"
    seen = got(place.admin.get(path))["rows"]
    assert {row["user_id"] for row in seen if row["action"] == "session.transcript_view"} == {
        place.granted,
        place.admin_id,
    }
    assert {row["user_id"] for row in got(place.clients["granted"].get(path))["rows"]} == {
        place.granted
    }


@pytest.fixture
def asking(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where the setting asks for a reason."""
    monkeypatch.setattr(place.instance.settings, "transcript_reason", True)
    place.an_hour_later()
    return place


def test_a_reason_is_asked_for_once_an_hour_and_person(asking: Place) -> None:
    key = asking.upload("asked.jsonl", TALK)
    path = f"{SESSIONS}/{key}"
    all_of_it = f"/api/admin/users/{asking.owner}/sessions/download-all"
    for refused in (f"{path}/transcript", f"{path}/download", f"{path}/images/1", all_of_it):
        answer = asking.admin.get(refused)
        assert answer.status_code == 403
        assert "reason=" in answer.json()["detail"]
    for empty in ("", "   "):
        answer = asking.admin.get(f"{path}/transcript", params={"reason": empty})
        assert answer.status_code == 403
    got(asking.admin.get(f"{path}/transcript", params={"reason": "a ticket"}))
    for given in (f"{path}/transcript", f"{path}/download", f"{path}/images/1", all_of_it):
        assert asking.admin.get(given).is_success
    (row,) = asking.log("session_download", resource=f"session:{key}", result="success")
    assert row["params"]["reason"] == "a ticket"
    assert asking.clients["granted"].get(f"{path}/transcript").status_code == 403
    got(asking.clients["owner"].get(f"{MINE}/asked.jsonl/transcript"))
    asking.an_hour_later()
    assert asking.admin.get(f"{path}/transcript").status_code == 403


def test_a_refused_look_is_none(asking: Place) -> None:
    key = asking.upload("refused.jsonl", TALK)
    before = got(asking.clients["owner"].get("/api/me/transcript-views"))["total"]
    assert asking.admin.get(f"{SESSIONS}/{key}/transcript").status_code == 403
    assert got(asking.clients["owner"].get("/api/me/transcript-views"))["total"] == before


def test_a_reason_holds_for_an_hour_and_for_one_persons_transcripts() -> None:
    said = Reasons()
    said.state("me", "ann", "a ticket", at=0)
    assert said.of("me", "ann", at=3599) == "a ticket"
    assert said.of("me", "ann", at=3600) is None
    assert said.of("me", "bob", at=1) is None
    assert said.of("you", "ann", at=1) is None
