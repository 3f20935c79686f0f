"""The bell and `/me/notifications` as they are sent: whose messages, in pages, hostile ones too."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.audit import new_id, now
from schema.table import rows_of
from schema.tables import AUDIT_LOG, NOTIFICATIONS
from schema.transaction import Rows
from tests.whole_server import WholeServer

PATH = "/me/notifications"
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"
UNREAD = re.compile(r'data-unread="(\d+)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("notices") / "data") as server:
        yield server


def told(server: WholeServer, user: str, *subjects: str, **values: Any) -> list[str]:
    at = now()
    about = {"channel": "console", "state": "new", "kind": "report.new", "link": "/me", **values}
    rows = [
        {"id": new_id(), "user_id": user, "subject": subject, "created_at": at, **about}
        for subject in subjects
    ]
    server.instance.store.write(Rows(NOTIFICATIONS, rows)).result()
    return [row["id"] for row in rows]


def get(server: WholeServer, user: str, path: str) -> httpx.Response:
    with server.client(server.token(user)) as client:
        return client.get(path)


def reads(server: WholeServer, user: str) -> int:
    rows = rows_of(AUDIT_LOG)
    found = server.instance.store.read(rows.filter(rows.user_id == user)).to_pylist()
    return len(found)


def test_every_page_comes_with_the_count_and_the_menu_with_the_latest(server: WholeServer) -> None:
    ana, ben = server.person("ana"), server.person("ben", is_admin=True)
    told(server, ana, *(f"for ana {number}" for number in range(23)))
    told(server, ben, "for ben")
    assert UNREAD.findall(get(server, ana, "/catalog").text) == ["23"]
    before = reads(server, ana)
    menu = get(server, ana, f"{PATH}/latest")
    assert menu.headers["Content-Type"].startswith("text/plain")
    assert UNREAD.findall(menu.text) == ["23"]
    assert re.findall(r"for ana \d+(?=<)", menu.text) == [
        f"for ana {number}" for number in range(22, 2, -1)
    ]
    assert "for ben" not in menu.text
    assert "All 23 notifications" in menu.text
    assert reads(server, ana) == before  # pages ask for it by themselves


def test_the_page_lists_all_of_them_and_those_not_read(server: WholeServer) -> None:
    cyd = server.person("cyd")
    told(server, cyd, *(f"row {number:02}" for number in range(60)))
    told(server, cyd, "an old one", read_at=now(), created_at=now() - timedelta(days=2))
    shown = re.compile(r"(row \d\d|an old one)</a>")
    first = get(server, cyd, PATH).text
    assert shown.findall(first) == [f"row {number:02}" for number in range(59, 9, -1)]
    assert "1–50 of 61 notifications" in first
    second = get(server, cyd, f"{PATH}?offset=50").text
    assert shown.findall(second)[-1] == "an old one"
    assert "an old one" not in get(server, cyd, f"{PATH}?tab=unread&offset=50").text
    assert "nothing this far down" in get(server, cyd, f"{PATH}?offset=500").text
    assert get(server, cyd, f"{PATH}?tab=none").status_code == 400


def test_who_was_never_told_anything_reads_what_comes_here(server: WholeServer) -> None:
    dan = server.person("dan")
    text = get(server, dan, PATH).text
    assert "Nobody has told you anything yet" in text
    assert "You have read everything" in get(server, dan, f"{PATH}?tab=unread").text
    assert "Nothing yet" in get(server, dan, f"{PATH}/latest").text


def test_hostile_words_are_words_and_links_stay_here(server: WholeServer) -> None:
    eve = server.person("eve")
    for link in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"):
        told(server, eve, HOSTILE, link=link, error=HOSTILE, channel="telegram", state="failed")
    for path in (PATH, f"{PATH}/latest"):
        text = get(server, eve, path).text
        assert html.escape(HOSTILE, quote=False).split("\x1b")[0] in text
        assert "<script>alert" not in text
        assert "elsewhere.example" not in text
        assert "javascript:" not in text
        assert "not sent to Telegram" in text


def test_buttons_mark_as_read_with_the_form_of_a_page_only(server: WholeServer) -> None:
    fay = server.person("fay")
    one, _, _ = told(server, fay, "one", "two", "three")
    cookies = server.cookie(fay)
    with server.client(cookies=cookies) as browser:
        assert browser.post(f"{PATH}/act", data={"all": "1"}).status_code == 403
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', browser.get(PATH).text)
        assert xsrf
        form = {"_xsrf": xsrf[1]}
        live = {"Accept": "text/x-notice"}
        said = browser.post(f"{PATH}/act", data={**form, "read": one}, headers=live)
        assert "1 notification marked as read." in said.text
        led = browser.post(f"{PATH}/act", data={**form, "all": "1"})
        assert (led.status_code, led.headers["Location"]) == (303, PATH)
        assert UNREAD.findall(browser.get(PATH).text) == ["0"]
        for wrong in ({}, {"read": one, "all": "1"}, {"other": "1"}):
            assert browser.post(f"{PATH}/act", data={**form, **wrong}).status_code == 400


def test_who_views_as_somebody_sees_their_bell_and_marks_nothing(server: WholeServer) -> None:
    gus, boss = server.person("gus"), server.person("boss", is_admin=True)
    told(server, gus, "for gus")
    token = server.token(boss)
    with server.client(token) as looking:
        looking.post("/api/view-as", json={"user_id": gus}).raise_for_status()
        text = looking.get(PATH).text
        assert "for gus" in text
        assert "Mark as read" not in text
        assert "Mark as read" not in looking.get(f"{PATH}/latest").text
        answer = looking.post("/api/me/notifications/read", json={"all": True})
        assert answer.status_code == 403
        assert looking.get("/api/me/notifications").json()["unread"] == 1
