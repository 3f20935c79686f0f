"""The side panel and its two buttons as a browser without scripts meets them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from console.audit import RecentReads, new_id, now
from schema.table import rows_of
from schema.tables import AUDIT_LOG, FEEDBACK_REPORTS, JOB_RUNS, SYNC_HISTORY, TABLE_REGISTRY
from schema.transaction import Rows
from tests.upload_corpus import payloads
from tests.whole_server import WholeServer

PATH, ACT = "/admin/activity", "/admin/activity/act"
LIVE = {"Accept": "text/x-notice"}
HOSTILE = '<img src=x onerror="alert(1)">'
SHAPES = (
    HOSTILE,
    "</script><script>alert(1)</script>",
    "' onmouseover='x",
    "\x1b[31mred",
    "{{ 7*7 }}",
)
SQL = '{"sql":"SELECT 618033988"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("panel") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: WholeServer) -> str:
    return server.person("boss", is_admin=True)


@pytest.fixture
def boss(server: WholeServer, admin: str) -> Iterator[httpx.Client]:
    server.instance.recent_reads = RecentReads()
    with server.client(server.token(admin)) as client:
        yield client


def event(server: WholeServer, action: str = "query.local", **columns: Any) -> str:
    """The id of a new row of the log."""
    row = {"id": new_id(), "timestamp": now(), "action": action, "result": "success", **columns}
    server.instance.store.write(Rows(AUDIT_LOG, [row])).result()
    return str(row["id"])


def panel(client: httpx.Client, id: str, path: str = PATH, **given: str) -> str:
    answer = client.get(path, params={"row": id, **given})
    assert answer.status_code == 200, answer.text
    found = re.search(r'<aside class="panel side".*?</aside>', answer.text, re.DOTALL)
    assert found, "no panel"
    assert 'class="cards"' in answer.text, "the rest of the page is gone"
    return found[0]


def written(server: WholeServer, action: str) -> list[dict[str, Any]]:
    server.instance.store.write(lambda transaction: None).result()  # nobody waits for a refusal's
    rows = rows_of(AUDIT_LOG)
    found = server.instance.store.read(rows.filter(rows.action == action).order_by("timestamp"))
    return [dict(row) for row in found.to_pylist()]


def made_group(boss: httpx.Client) -> tuple[str, str]:
    """The id of a new group, and of the event that says so."""
    group = boss.post("/api/admin/groups", json={"name": new_id(), "description": "one"}).json()[
        "id"
    ]
    found = boss.get("/api/admin/activity", params={"resource": f"group:{group}"}).json()["rows"]
    return group, found[0]["id"]


def test_a_row_that_is_not_there_is_said_and_the_list_stays(boss: httpx.Client) -> None:
    for id in (new_id(), "no such", "%0", "x" * 500):
        assert "No such event" in panel(boss, id)


def test_the_head_says_what_who_and_how(server: WholeServer, boss: httpx.Client) -> None:
    ana = server.person(new_id())
    about = {"user_id": ana, "resource": "table:orders", "client_ip": "10.1.2.3"}
    id = event(server, **about, client_kind="cli", duration_ms=1500)
    shown = panel(boss, id)
    for text in ("query.local", "table:orders", "10.1.2.3", "cli", "in 1.5 s", f"?row={id}"):
        assert text in shown
    assert f"{ana}@" not in shown
    assert "@example.org" in shown


def test_my_page_shows_my_events_only(server: WholeServer, boss: httpx.Client, admin: str) -> None:
    own, other = event(server, user_id=admin), event(server, user_id=server.person(new_id()))
    assert "query.local" in panel(boss, own, "/me")
    assert "No such event" in panel(boss, other, "/me")


def test_the_mask_is_marked_and_only_admins_may_look_behind_it(
    server: WholeServer, boss: httpx.Client
) -> None:
    id = event(server, params=SQL)
    with server.client(server.token(server.person(new_id(), "activity"))) as reader:
        shown = panel(reader, id)
        assert "shown masked" in shown
        assert "Show raw…" not in shown
        assert "618033988" not in shown
        assert reader.post(ACT, data={"reveal": id, "reason": "because"}).status_code == 403
    assert "Show raw…" in panel(boss, id)
    assert "shown masked" not in panel(boss, event(server, params='{"rows":3}'))


def test_raw_is_shown_after_a_reason_that_stands_in_the_log(
    server: WholeServer, boss: httpx.Client
) -> None:
    id = event(server, params=SQL)
    for reason in ("", "no", "x" * 501):
        answer = boss.post(ACT, data={"reveal": id, "reason": reason}, headers=LIVE)
        assert (answer.status_code, "SELECT 618033988" in answer.text) == (400, False)
        assert 'role="alert"' in answer.text
    refused = written(server, "audit.reveal_raw")[-1]
    assert (refused["resource"], refused["result"]) == (f"event:{id}", "error.bad_parameter")
    for headers in (LIVE, {}):
        answer = boss.post(ACT, data={"reveal": id, "reason": f"a leak {headers}"}, headers=headers)
        assert answer.status_code == 200
        assert "SELECT 618033988" in answer.text
        row = written(server, "audit.reveal_raw")[-1]
        assert (row["result"], row["resource"]) == ("success", f"event:{id}")
        assert "a leak" in row["params"]


def test_a_change_is_undone_in_two_steps(server: WholeServer, boss: httpx.Client) -> None:
    group, _ = made_group(boss)
    boss.patch(f"/api/admin/groups/{group}", json={"description": "two"}).raise_for_status()
    update = boss.get(PATH.replace("/admin", "/api/admin"), params={"resource": f"group:{group}"})
    change = update.json()["rows"][0]["id"]
    assert "Undo…" in panel(boss, change)
    tried = panel(boss, change, undo="1")
    assert "What will be written" in tried
    assert "Undo this change" in tried
    assert boss.get(f"/api/admin/groups/{group}").json()["description"] == "two"
    data = {"undo": change, "reason": "a slip"}
    answer = boss.post(ACT, data=data, headers={"Referer": f"http://x{PATH}?q=a&row={change}"})
    assert answer.status_code == 303
    where = httpx.URL(answer.headers["Location"])
    assert (where.path, where.params["q"]) == (PATH, "a")
    assert boss.get(f"/api/admin/groups/{group}").json()["description"] == "one"
    assert "Undoes" in panel(boss, where.params["row"])
    assert "Undone by" in panel(boss, change)
    assert "Undo…" not in panel(boss, change)


def test_who_gains_and_who_loses_is_named_before(server: WholeServer, boss: httpx.Client) -> None:
    group, _ = made_group(boss)
    name = new_id()
    person = server.person(name)
    boss.post(f"/api/admin/groups/{group}/members", json={"user_id": person}).raise_for_status()
    table = dict.fromkeys(TABLE_REGISTRY.columns) | {"id": "orders", "name": "orders"}
    server.instance.store.write(Rows(TABLE_REGISTRY, [{**table, "created_at": now()}])).result()
    grant = {"group_id": group, "resource_type": "table", "resource_id": "orders"}
    made = boss.post("/api/admin/grants", json=grant).json()["id"]
    found = boss.get("/api/admin/activity", params={"resource": f"grant:{made}"}).json()["rows"]
    loses = panel(boss, found[0]["id"], undo="1").partition("Who gains access")[0]
    assert f"{name}@example.org" in loses.partition("Who loses access")[2]
    assert "table:orders" in loses


def test_what_has_moved_on_is_compared_and_has_no_button(boss: httpx.Client) -> None:
    group, _ = made_group(boss)
    for text in ("two", "three"):
        boss.patch(f"/api/admin/groups/{group}", json={"description": text}).raise_for_status()
    rows = boss.get("/api/admin/activity", params={"resource": f"group:{group}"}).json()["rows"]
    first = rows[1]["id"]
    shown = panel(boss, first)
    assert "has changed since" in shown
    assert "Compare with now" in shown
    compared = panel(boss, first, undo="1")
    assert re.findall(r'<th scope="row">(\w+)</th><td>(\w+)', compared) == [
        ("before", "one"),
        ("after", "two"),
        ("now", "three"),
    ]
    assert "Undo this change" not in compared
    answer = boss.post(ACT, data={"undo": first}, headers=LIVE)
    assert (answer.status_code, "has changed since" in answer.text) == (409, True)


def test_each_refusal_to_undo_is_written(server: WholeServer, boss: httpx.Client) -> None:
    ids = [event(server, "user.update"), event(server, "user.update")]
    for id in ids:
        assert "cannot be" in panel(boss, id, undo="1")
        assert boss.post(ACT, data={"undo": id}, headers=LIVE).status_code == 400
    wanted = {f"event:{id}" for id in ids}
    until = time.monotonic() + 10  # a refusal is answered before its row is on disk
    while not wanted <= {row["resource"] for row in written(server, "audit.rollback")}:
        assert time.monotonic() < until, "a refusal was not written"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "data",
    [{}, {"reason": "x"}, {"undo": "a", "reveal": "b"}, {"undo": ["a", "b"]}, {"other": "1"}],
)
def test_a_form_that_asks_for_nothing_or_for_two_things_is_refused(
    boss: httpx.Client, data: dict[str, Any]
) -> None:
    assert boss.post(ACT, data=data).status_code == 400


def test_a_holder_of_the_grant_sees_the_change_and_no_button(
    server: WholeServer, boss: httpx.Client
) -> None:
    _, id = made_group(boss)
    with server.client(server.token(server.person(new_id(), "activity"))) as reader:
        for shown in (panel(reader, id), panel(reader, id, undo="1")):
            assert "What changed" in shown
            assert "Undo…" not in shown
            assert "Undo this change" not in shown


def test_several_syncs_stand_behind_one_event(server: WholeServer, boss: httpx.Client) -> None:
    ids = [new_id() for _ in range(4)]
    syncs = [
        {"id": id, "table_id": f"t{n}", "synced_at": now(), "rows": n, "status": "ok"}
        for n, id in enumerate(ids)
    ]
    syncs[3] |= {"status": "error", "error": HOSTILE}
    server.instance.store.write(Rows(SYNC_HISTORY, syncs)).result()
    params = '{"sync_ids":["' + '","'.join(ids) + '"]}'
    shown = panel(boss, event(server, "sync.table", params=params))
    assert "and 3 more" in shown
    assert HOSTILE not in shown
    assert "&lt;img" in shown


def test_the_run_behind_an_event_is_linked_for_admins_only(
    server: WholeServer, boss: httpx.Client
) -> None:
    run = new_id()
    row = {"id": run, "job_name": "prune", "status": "succeeded", "queued_at": now()}
    server.instance.store.write(Rows(JOB_RUNS, [row])).result()
    id = event(server, "run_job:prune", correlation_id=run)
    link = f"/admin/jobs?run={run}"
    assert link in panel(boss, id)
    with server.client(server.token(server.person(new_id(), "activity"))) as reader:
        assert link not in panel(reader, id)


def test_the_report_is_shown_to_those_who_may_read_it(
    server: WholeServer, boss: httpx.Client
) -> None:
    report = new_id()
    row = {"id": report, "created_at": now(), "message": "It broke", "category": "bug"}
    server.instance.store.write(Rows(FEEDBACK_REPORTS, [row])).result()
    id = event(server, "feedback.report", resource=f"report:{report}")
    assert "It broke" in panel(boss, id)
    with server.client(server.token(server.person(new_id(), "activity"))) as reader:
        assert "It broke" not in panel(reader, id)


def test_the_same_correlation_is_counted_and_bounded(
    server: WholeServer, boss: httpx.Client
) -> None:
    run = new_id()
    ids = [event(server, f"sync.table{n}", correlation_id=run) for n in range(3)]
    shown = panel(boss, ids[1])
    assert "3 events" in re.sub(r"\s+", " ", shown)
    assert [shown.count(f"row={id}") > 0 for id in ids] == [True] * 3
    assert shown.count('aria-current="true"') == 1
    more = [
        {"id": new_id(), "timestamp": now(), "action": "x", "correlation_id": run}
        for _ in range(60)
    ]
    server.instance.store.write(Rows(AUDIT_LOG, more)).result()
    shown = panel(boss, ids[0])
    assert "50 of 63" in re.sub(r"\s+", " ", shown)
    assert shown.count('aria-current="true"') == 1
    listed = re.search(r'href="(\?[^"]*correlation[^"]*)"', shown)
    assert listed
    page = boss.get(PATH + listed[1].replace("&amp;", "&"))
    assert "of 63 events" in re.sub(r"\s+", " ", page.text)


def test_one_alone_has_no_bars(server: WholeServer, boss: httpx.Client) -> None:
    shown = panel(boss, event(server, correlation_id=new_id()))
    assert 'class="wf"' not in shown


def test_hostile_texts_are_texts_in_every_field(server: WholeServer, boss: httpx.Client) -> None:
    texts = payloads("render_table_cell", "render_json_in_script", "render_ansi", shapes=SHAPES)
    for text in [str(text).replace("\0", "").encode("utf-8", "replace").decode() for text in texts]:
        value = orjson.dumps({text[:64] or "x": [text, {"in": text}], "t": text}).decode()
        about = dict.fromkeys(("resource", "result", "client_ip", "correlation_id"), text)
        id = event(server, f"sync.{text}", **about, params=value, params_before=value)
        shown = panel(boss, id)
        answer = boss.post(ACT, data={"reveal": id, "reason": "a test"}, headers=LIVE).text
        for html in (shown, answer):
            assert not re.search(r"<(script|img|iframe|b|svg[^>]*onload)\b", html), text
            assert "javascript:" not in "".join(re.findall(r'href="([^"]*)"', html)).lower()
            assert not re.search(r"<[a-z][^>]*\son\w+=", html), text
