"""`/admin/users/<id>` and `/me/sessions` as they are sent: whose rows they hold, what they write,
and what they make of hostile names."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from console.audit import RecentReads, new_id, now
from console.transcript import transcript_looks
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, SESSION_FINDINGS, USAGE_SESSION_SUMMARY, USERS
from schema.transaction import Rows
from tests.transcripts import talk
from tests.whole_server import WholeServer

HOSTILE = "<script>alert(1)</script>"
VERDICTS = ("failed", "clean", "clean")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("people") / "data") as server:
        yield server


@pytest.fixture(autouse=True)
def a_minute_later(server: WholeServer) -> None:
    server.instance.recent_reads = RecentReads()


@pytest.fixture(scope="module")
def people(server: WholeServer) -> dict[str, str]:
    """Ana has three sessions that were read and one that waits; Ben has one; Eve has none, and a
    name of her own making."""
    found = {name: server.person(name) for name in ("ana", "ben")}
    found["boss"] = server.person("boss", is_admin=True)
    found["eve"] = new_id()
    eve = {"id": found["eve"], "email": "eve@example.org", "name": HOSTILE, "is_active": True}
    server.instance.store.write(
        Rows(USERS, [{**eve, "is_admin": False, "created_at": now()}]),
        Rows(
            USAGE_SESSION_SUMMARY,
            [
                *(session(found["ana"], number, word) for number, word in enumerate(VERDICTS)),
                session(found["ben"], 0, "struggled"),
            ],
        ),
        Rows(SESSION_FINDINGS, [finding(found["ana"], 0, turn) for turn in (7, 3)]),
    ).result()
    return found


def session(owner: str, number: int, verdict: str) -> dict[str, Any]:
    at = now() - timedelta(days=1 + number)
    return {
        "session_file": f"{owner}/of-{number}.jsonl",
        "session_id": f"of-{number}",
        "user_id": owner,
        "started_at": at,
        "uploaded_at": at,
        "tool_calls": 10,
        "tool_errors": number,
        "findings": 2 if number == 0 else 0,
        "input_tokens": 1,
        "output_tokens": 1,
        "verdict": verdict,
        "extracted_at": at,
    }


def finding(owner: str, number: int, turn: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "session_file": f"{owner}/of-{number}.jsonl",
        "user_id": owner,
        "finding_type": "tool_error",
        "subtype": "exec",
        "severity": "error",
        "turn_index": turn,
        "line_no": 5,
        "count": 1,
        "detected_at": now(),
    }


def show(server: WholeServer, who: str, path: str, status: int = 200) -> str:
    with server.client(server.token(who)) as client:
        answer = client.get(path)
    assert answer.status_code == status, answer.text[-2000:]
    return answer.text


def files(page: str) -> list[str]:
    return re.findall(r'<tr data-session="([^"]+)"', page)


def log(server: WholeServer, action: str) -> list[dict[str, Any]]:
    server.instance.store.write(lambda transaction: None).result()
    table: Table = AUDIT_LOG
    found = server.instance.store.read(rows_of(table)).to_pylist()
    rows = [row for row in found if row["action"] == action]
    return [{**row, "params": orjson.loads(row["params"])} for row in rows]


def test_a_person_is_shown_with_all_that_is_theirs(
    server: WholeServer, people: dict[str, str]
) -> None:
    page = show(server, people["boss"], f"/admin/users/{people['ana']}")
    assert "<h1>ana</h1>" in page
    assert "<title>ana · Agnes</title>" in page
    assert "ana@example.org" in page
    assert "group of ana" in page
    assert files(page) == [f"{people['ana']}/of-{number}.jsonl" for number in range(3)]
    assert "3 of 30 calls" in page
    assert re.search(r"of 3 ever, in 30 d", page)
    # To the first finding, in the list of this person.
    href = f"/admin/sessions/{people['ana']}/of-0.jsonl?since_minutes=43200&amp;"
    assert f"{href}sort=uploaded_at%3Adesc&amp;user_id={people['ana']}#t3" in page


def test_the_list_is_filtered_sorted_and_says_what_it_left_out(
    server: WholeServer, people: dict[str, str]
) -> None:
    path = f"/admin/users/{people['ana']}"
    assert files(show(server, people["boss"], f"{path}?verdict=failed")) == [
        f"{people['ana']}/of-0.jsonl"
    ]
    page = show(server, people["boss"], f"{path}?sort=tool_errors:desc&only_errors=true")
    assert [file[-7] for file in files(page)] == ["2", "1"]
    page = show(server, people["boss"], f"{path}?since_minutes=60")
    assert files(page) == []
    assert "No session matches" in page
    assert "Look at the last year" in page
    assert "has not uploaded any session" in show(
        server, people["boss"], f"/admin/users/{people['eve']}"
    )


@pytest.mark.parametrize("query", ["user_id=x", "username=x", "tab=looks", "verdict=good", "a=b"])
def test_what_the_page_does_not_know_is_named(
    server: WholeServer, people: dict[str, str], query: str
) -> None:
    page = show(server, people["boss"], f"/admin/users/{people['ana']}?{query}", 400)
    assert query.partition("=")[0] in page
    assert "of-0" not in page


def test_nobody_is_not_found_and_nobody_but_admins_may_look(
    server: WholeServer, people: dict[str, str]
) -> None:
    for id in ("nobody", "..", "%3Cscript%3E"):
        assert "of-0" not in show(server, people["boss"], f"/admin/users/{id}", 404)
    for who in ("ana", "ben"):
        show(server, people[who], f"/admin/users/{people['ana']}", 403)


def test_reading_somebody_is_written_as_the_api_writes_it(
    server: WholeServer, people: dict[str, str]
) -> None:
    path = f"/admin/users/{people['ben']}"
    for _ in range(2):
        show(server, people["boss"], path)
        show(server, people["boss"], f"{path}?tab=activity")
    rows = [row for row in log(server, "sessions.read") if row["user_id"] == people["boss"]]
    ben = [row["params"] for row in rows if row["params"].get("user_id") == people["ben"]]
    assert ben == [{"endpoint": "user", "user_id": people["ben"]}]
    (row,) = log(server, "admin.user_activity_read")
    assert (row["resource"], row["params"]) == (
        f"user:{people['ben']}",
        {"since_minutes": "43200"},
    )


def test_what_somebody_did_leads_to_the_log(server: WholeServer, people: dict[str, str]) -> None:
    with server.client(server.token(people["ben"])) as ben:
        ben.post("/api/check-access", json={"resource_type": "activity"}).raise_for_status()
    page = show(server, people["boss"], f"/admin/users/{people['ben']}?tab=activity")
    assert "data.access_check" in page
    assert re.search(rf"/admin/activity\?since=[^\"]+&amp;user_id={people['ben']}", page)
    (id,) = re.findall(r'data-audit-row="([^"]+)"', page)
    with server.client(server.token(people["boss"])) as boss:
        rows = boss.get(f"/api/admin/users/{people['ben']}/activity").json()["rows"]
    assert [row["id"] for row in rows] == [id]


def test_names_of_others_are_text(server: WholeServer, people: dict[str, str]) -> None:
    page = show(server, people["boss"], f"/admin/users/{people['eve']}")
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_where_a_reason_is_asked_for_nothing_is_taken_without(
    server: WholeServer, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/admin/users/{people['ana']}"
    assert ">JSONL<" in show(server, people["boss"], path).replace("<u>", "").replace("</u>", "")
    monkeypatch.setattr(transcript_looks, "is_reason_needed", lambda *_: True)
    page = show(server, people["boss"], path)
    assert "JSONL" not in page
    assert f'action="/api{path}/sessions/download-all"' in page
    assert 'name="reason" required' in page


def test_ones_own_page_holds_ones_own_alone(server: WholeServer, people: dict[str, str]) -> None:
    page = show(server, people["ana"], "/me/sessions")
    assert files(page) == [f"{people['ana']}/of-{number}.jsonl" for number in range(3)]
    assert 'href="/me/sessions/of-0.jsonl?' in page
    assert people["ben"] not in page
    assert files(show(server, people["boss"], "/me/sessions")) == []
    show(server, people["ana"], f"/me/sessions?user_id={people['ben']}", 400)
    page = show(server, people["eve"], "/me/sessions")
    assert "agnes push" in page
    assert "agnes login --server" in page
    rows = [row for row in log(server, "sessions.read") if row["user_id"] == people["ana"]]
    assert {"endpoint": "me/sessions"} in [row["params"] for row in rows]


def test_who_opened_mine_is_said_with_the_reason(
    server: WholeServer, people: dict[str, str]
) -> None:
    assert "Nobody else has opened" in show(server, people["eve"], "/me/sessions?tab=looks")
    with server.client(server.token(people["eve"])) as eve:
        key = uploaded(eve, "look")
    with server.client(server.token(people["boss"])) as boss:
        path = f"/api/admin/sessions/{key}/transcript"
        boss.get(path, params={"reason": f"why {HOSTILE}"}).raise_for_status()
    page = show(server, people["eve"], "/me/sessions?tab=looks")
    assert "<td>boss</td>" in page
    assert "<td>opened</td>" in page
    assert f'href="/me/sessions/{key.partition("/")[2]}"' in page
    assert HOSTILE not in page
    assert "why &lt;script&gt;" in page
    for other in ("ana", "ben", "boss"):
        assert "why &lt;" not in show(server, people[other], "/me/sessions?tab=looks")
    page = show(server, people["eve"], "/me")
    assert re.search(r'Who opened them <span class="count">1<', page)


def uploaded(client: httpx.Client, name: str) -> str:
    data = talk(name).answer("well").data
    answer = client.post("/api/upload/sessions", files={"file": (f"{name}.jsonl", data)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["session_file"])


def test_all_of_ones_own_come_as_a_zip(server: WholeServer) -> None:
    me = server.person("zoe")
    with server.client(server.token(me)) as client:
        for name in ("one", "two"):
            uploaded(client, name)
        answer = client.get("/api/me/sessions/download-all")
    assert answer.headers["Content-Type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert names == ["one.jsonl", "two.jsonl"]
    (row,) = [row for row in log(server, "session_bulk_download") if row["user_id"] == me]
    assert (row["resource"], row["params"]["files"]) == (f"user:{me}", 2)
    assert "Nobody else has opened" in show(server, me, "/me/sessions?tab=looks")
    assert "waiting" in show(server, me, "/me/sessions")
