"""Every audited action that exists is done once over HTTP, and its row is found through the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pyarrow as pa
import pytest

from console.audit import RecentReads, is_secret, new_id, now
from console.jobs.dispatcher import Dispatcher
from console.sources import sql
from schema.table import Table
from schema.tables import AUDIT_LOG, TABLE_REGISTRY, USAGE_EVENTS
from schema.transaction import Rows
from tests.console.access_world import PASSWORD, World
from tests.console.api.test_sync_api import publish
from tests.console.audit_log import ACTIVITY, KPIS, ask, keys_of
from tests.console.jobs.jobs_place import Puppet, notebooks
from tests.console.stand_in_model import serving
from tests.console.test_vocabulary import written_actions


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("actions")
    given = {
        "AGNES_NOTEBOOKS": notebooks(folder / "notebooks"),
        "USAGE_EVENTS_RETENTION_DAYS": "365",
        "AGNES_AUDIT_RETENTION_DAYS": "365",
    }
    with World(folder / "data", **given) as world:

        async def prepare() -> None:
            world.instance.jobs = Dispatcher(world.instance, Puppet(world.instance))
            await world.instance.jobs.open(world.address)

        asyncio.run_coroutine_threadsafe(prepare(), world._loop).result(10)
        yield world


@pytest.fixture(autouse=True)
def a_minute_later(world: World) -> None:
    """No test is quiet because of the reads, or blocked because of the failures, of another."""
    world.instance.recent_reads = RecentReads()
    world.clock.at += 3600


VIEWS = "/api/admin/observability/views"
TELEMETRY = "/api/admin/telemetry"
INBOX = "/api/admin/feedback"
Do = Callable[[World], str | None]  # does it; the resource of its row, where that is known


def email() -> str:
    return f"{new_id()}@example.org"


def made_group(world: World) -> str:
    answer = world.admin.post("/api/admin/groups", json={"name": email()})
    return str(ok(answer)["id"])


def made_grant(world: World) -> str:
    body = {"group_id": made_group(world), "resource_type": "activity"}
    return str(ok(world.admin.post("/api/admin/grants", json=body))["id"])


def made_token(world: World) -> str:
    body = {"user_id": world.admin_id, "name": "one"}
    return str(ok(world.admin.post("/api/admin/tokens", json=body))["id"])


def made_user(world: World) -> str:
    return str(ok(world.admin.post("/api/admin/users", json={"email": email()}))["id"])


def made_backup(world: World) -> str:
    return str(ok(world.admin.post("/api/admin/backups", json={}))["name"])


def fetch_backup(world: World) -> str:
    name = made_backup(world)
    assert world.admin.get(f"/api/admin/backups/{name}").status_code == 200
    return f"backup:{name}"


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return answer.json() if is_json else None


def login(world: World) -> str:
    address = email()
    user = world.user(address, password=PASSWORD)
    with world.client() as client:
        ok(client.post("/api/login", json={"email": address, "password": PASSWORD}))
    return f"user:{user}"


def login_failed(world: World) -> str:
    address = email()
    user = world.user(address, password=PASSWORD)
    with world.client() as client:
        body = {"email": address, "password": "not " + PASSWORD}
        assert client.post("/api/login", json=body).status_code == 401
    return f"user:{user}"


def logout(world: World) -> None:
    with world.client(world.token(world.admin_id)) as client:
        ok(client.post("/api/logout"))


def upload(world: World) -> str:
    file = ("one.jsonl", b'{"type":"user"}\n')
    answer = ok(world.admin.post("/api/upload/sessions", files={"file": file}))
    return f"session:{answer['session_file']}"


def check(world: World) -> str:
    ok(world.admin.post("/api/check-access", json={"resource_type": "activity"}))
    return "activity"


def call(method: str, path: str, make: Callable[[World], str], **more: Any) -> Do:
    """A request about a thing just made; its row names the thing."""

    def do(world: World) -> str:
        id = make(world)
        ok(world.admin.request(method, path.format(id=id), **more))
        return f"{path.split('/')[3].rstrip('s')}:{id}"

    return do


def add_member(world: World) -> str:
    group = made_group(world)
    path = f"/api/admin/groups/{group}/members"
    ok(world.admin.post(path, json={"user_id": world.admin_id}))
    return f"group:{group}"


def remove_member(world: World) -> str:
    resource = add_member(world)
    group = resource.removeprefix("group:")
    ok(world.admin.delete(f"/api/admin/groups/{group}/members/{world.admin_id}"))
    return resource


def prune(path: str, table: Table, row: dict[str, Any]) -> Do:
    """There is something old, and it goes."""

    def do(world: World) -> None:
        world.store.write(Rows(table, [row])).result()
        ok(world.admin.post(path, json={}))

    return do


OLD = datetime(2001, 2, 3)
OLD_USE = {"id": "old", "session_file": "u/old.jsonl", "occurred_at": OLD}
OLD_EVENT = {"id": "old", "timestamp": OLD, "action": "auth.logout"}


def cancel_job(world: World) -> None:
    run = ok(world.admin.post("/api/admin/jobs/tidy/run", json={}))["run_id"]
    ok(world.admin.post(f"/api/admin/jobs/runs/{run}/cancel", json={}))


def import_items(world: World) -> str:
    items = [{"plugin": "p", "type": "skill", "name": "s"}]
    body = {"marketplace": "m", "source": "curated", "items": items}
    ok(world.admin.post("/api/admin/marketplace/import", json=body))
    return "marketplace:m"


def made_view(world: World) -> str:
    body = {"name": email(), "query": {"q": "x"}}
    return str(ok(world.admin.post(VIEWS, json=body))["id"])


def delete_view(world: World) -> str:
    id = made_view(world)
    ok(world.admin.delete(f"{VIEWS}/{id}"))
    return f"view:{id}"


def roll_back(world: World) -> str:
    group = made_group(world)
    event = world.last("user_groups.create")["id"]
    ok(world.admin.post(f"{ACTIVITY}/{event}/rollback"))
    return f"group:{group}"


def reveal(world: World) -> str:
    made_group(world)
    event = world.last("user_groups.create")["id"]
    ok(world.admin.post(f"{ACTIVITY}/{event}/reveal", json={"reason": "a test"}))
    return f"event:{event}"


def of_transcript(part: str) -> Do:
    def do(world: World) -> str:
        resource = upload(world)
        ok(world.admin.get(f"/api/admin/sessions/{resource.removeprefix('session:')}/{part}"))
        return resource

    return do


def of_admin(part: str) -> Do:
    def do(world: World) -> str:
        ok(world.admin.get(f"/api/admin/users/{world.admin_id}/{part}"))
        return f"user:{world.admin_id}"

    return do


def question(world: World) -> str:
    sql = "SELECT action, count(*) FROM agnes_audit GROUP BY ALL"
    ok(world.admin.post("/api/query", json={"sql": sql}))
    return "table:agnes_audit"


def ask_model(world: World) -> None:
    settings = world.instance.settings
    with serving() as (_, address), pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr(settings, "anthropic_api_key", "k")
        patch.setattr(settings, "anthropic_base_url", address)
        ok(world.admin.post("/api/admin/telemetry/ask", json={"question": "one?"}))


def of_table(what: str) -> Do:
    def do(world: World) -> str:
        ok(world.admin.get(f"/api/v2/{what}/agnes_sessions"))
        return "table:agnes_sessions"

    return do


def view_as(world: World) -> str:
    """By a token of its own, for the world's must be able to go on."""
    user, admin = world.user(email()), world.token(world.admin_id)
    headers = {"X-Correlation-ID": world.admin.headers["X-Correlation-ID"]}
    with world.client(admin) as looking:
        ok(looking.post("/api/view-as", json={"user_id": user}, headers=headers))
        ok(looking.delete("/api/view-as", headers=headers))
    return f"user:{user}"


def made_table(world: World) -> str:
    folder = world.settings.folder / "tables"
    folder.mkdir(exist_ok=True)
    (folder / "one.csv").write_text("id\n1\n")
    body = {"name": "t" + new_id().replace("-", "_"), "location": "one.csv"}
    return str(ok(world.admin.post("/api/admin/tables", json=body))["id"])


def asked(question: str) -> Do:
    """A question about a registered table."""

    def do(world: World) -> None:
        sql = question.format(made_table(world))
        ok(world.admin.post("/api/query", json={"sql": sql}))

    return do


def remote(path: str) -> Do:
    """About a table at its source, which a stand-in is."""

    def batches(*_: Any, columns: Any, **__: Any) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({name: [1] for name in columns})

    def do(world: World) -> str:
        name = "r" + new_id().replace("-", "_")
        row = {"id": name, "name": name, "source_type": "sql", "query_mode": "remote"}
        said = {"connection": "c", "statement": "t", "columns": '[{"name":"a","type":"int64"}]'}
        world.store.write(Rows(TABLE_REGISTRY, [{**row, **said, "created_at": now()}])).result()
        body = {"sql": f"SELECT a FROM {name}"} if path == "query" else {"table": name}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sql, "batches", batches)
            ok(world.admin.post(f"/api/{path}", json=body))
        return f"table:{name}"

    return do


def about_something_else() -> dict[str, Any]:
    """A report that no other one is like: ids are no difference between two."""
    word = "".join(chr(ord("a") + int(digit, 16)) for digit in new_id().replace("-", ""))
    return {"message": f"it hangs {word}", "ack_preview": True, "idempotency_key": new_id()}


def made_report(world: World) -> str:
    with world.client(world.token(world.user(email()))) as reporter:  # who may send 20 an hour
        answer = ok(reporter.post("/api/feedback", json=about_something_else()))
    return str(answer["report_id"])


def report_it(world: World) -> str:
    answer = ok(world.admin.post("/api/feedback", json=about_something_else()))
    return f"report:{answer['report_id']}"


def of_report(method: str, path: str = "", **more: Any) -> Do:
    def do(world: World) -> str:
        id = made_report(world)
        ok(world.admin.request(method, f"{INBOX}/{path or id}", **more))
        return f"report:{id}"

    return do


def merge_reports(world: World) -> str:
    head, other = made_report(world), made_report(world)
    ok(world.admin.post(f"{INBOX}/merge", json={"ids": [other], "into": head}))
    return f"report:{head}"


def unmerge_reports(world: World) -> str:
    merge_reports(world)
    (id,) = world.last("feedback.merge")["params"]["ids"]
    ok(world.admin.post(f"{INBOX}/unmerge", json={"id": id}))
    return f"report:{id}"


def link_chat(world: World) -> str:
    body = {"user_id": world.user(email(), is_admin=True), "chat_id": 42}
    ok(world.admin.post("/api/admin/telegram/links", json=body))
    return f"user:{body['user_id']}"


def unlink_chat(world: World) -> str:
    resource = link_chat(world)
    ok(world.admin.delete(f"/api/admin/telegram/links/{resource.removeprefix('user:')}"))
    return resource


def set_config(world: World) -> str:
    body = {"key": "AGNES_QUERY_SECONDS", "value": int(new_id()[-6:], 16) + 1}
    ok(world.admin.put("/api/admin/config", json=body))
    return f"config:{body['key']}"


def set_template(world: World) -> str:
    body = {"body": f"Be careful, {{{{ user_name }}}}. {new_id()}"}
    ok(world.admin.put("/api/admin/templates/agent", json=body))
    return "template:agent"


def made_script(world: World) -> str:
    folder = world.settings.folder / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / "one.py").write_text("")
    body = {"name": "s" + new_id(), "path": "one.py"}
    return str(ok(world.admin.post("/api/admin/scripts", json=body))["id"])


def download(world: World) -> str:
    id = made_table(world)
    publish(world, id)
    ok(world.admin.get(f"/api/data/{id}/download"))
    return f"table:{id}"


def sync_one(world: World) -> str:
    file = world.settings.folder / "tables" / "synced.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("x\n1\n")
    row = {"id": new_id(), "name": new_id(), "source_type": "files", "location": str(file)}
    world.store.write(Rows(TABLE_REGISTRY, [{**row, "created_at": now()}])).result()
    done = ok(world.admin.post("/api/sync/trigger", json={"tables": [row["id"]]}))
    assert done["ok"], done
    return f"table:{row['id']}"


DO: dict[str, Do] = {
    "sync.table": sync_one,
    "sync.trigger": lambda world: (
        ok(world.admin.post("/api/sync/trigger", json={"due": True})) and None
    ),
    "manifest.fetch": lambda world: ok(world.admin.get("/api/sync/manifest")) and None,
    "data.download": download,
    "script_runner.tick": lambda world: (
        ok(world.admin.post("/api/scripts/run-due", json={"wait_seconds": 0})) and None
    ),
    "scripts.create": lambda world: f"script:{made_script(world)}",
    "scripts.update": call(
        "PATCH", "/api/admin/scripts/{id}", made_script, json={"description": "d"}
    ),
    "scripts.delete": call("DELETE", "/api/admin/scripts/{id}", made_script),
    "telegram.link": link_chat,
    "telegram.unlink": unlink_chat,
    "feedback.report": report_it,
    "feedback.read": lambda world: ok(world.admin.get(INBOX)) and None,
    "feedback.update": of_report("PATCH", json={"version": 1, "status": "triaged"}),
    "feedback.delete": of_report("DELETE"),
    "feedback.merge": merge_reports,
    "feedback.unmerge": unmerge_reports,
    "instance_config.update": set_config,
    "instance_templates.set": set_template,
    "registry.create": lambda world: f"table:{made_table(world)}",
    "registry.update": call(
        "PATCH", "/api/admin/tables/{id}", made_table, json={"description": "d"}
    ),
    "registry.delete": call("DELETE", "/api/admin/tables/{id}", made_table),
    "query.local": asked("FROM {}"),
    "query.remote": remote("query"),
    "snapshot.create": remote("v2/scan"),
    "snapshot.estimate": remote("v2/scan/estimate"),
    "query.hybrid": asked("FROM {}, agnes_audit LIMIT 1"),
    "view_as.start": view_as,
    "view_as.stop": view_as,
    "query.internal": question,
    "catalog.list": lambda world: ok(world.admin.get("/api/v2/catalog")) and None,
    "catalog.schema": of_table("schema"),
    "catalog.sample": of_table("sample"),
    "session.transcript_view": of_transcript("transcript"),
    "session_download": of_transcript("download"),
    "session_bulk_download": of_admin("sessions/download-all"),
    "admin.user_activity_read": of_admin("activity"),
    "jobs.read": lambda world: ok(world.admin.get("/api/admin/jobs")) and None,
    "job.cancel": cancel_job,
    "marketplace.import": import_items,
    "sessions.read": lambda world: ok(world.admin.get("/api/admin/sessions/list")) and None,
    "telemetry.read": lambda world: ok(world.admin.get(f"{TELEMETRY}/kpis")) and None,
    "usage.summary": lambda world: ok(world.admin.get(f"{TELEMETRY}/summary")) and None,
    "usage.export": lambda world: ok(world.admin.get(f"{TELEMETRY}/export")) and None,
    "usage.reprocess": lambda world: (
        ok(world.admin.post("/api/admin/telemetry/reprocess", json={})) and None
    ),
    "usage.ask": ask_model,
    "usage.prune": prune("/api/admin/telemetry/prune", USAGE_EVENTS, OLD_USE),
    "audit.prune": prune("/api/jobs/prune", AUDIT_LOG, OLD_EVENT),
    "backup.create": lambda world: f"backup:{made_backup(world)}",
    "backup.download": fetch_backup,
    "auth.login": login,
    "auth.login_failed": login_failed,
    "auth.logout": logout,
    "token.create": lambda world: f"token:{made_token(world)}",
    "token.update": call("PATCH", "/api/admin/tokens/{id}", made_token, json={"name": "two"}),
    "token.revoke": call("DELETE", "/api/admin/tokens/{id}", made_token),
    "user.create": lambda world: f"user:{made_user(world)}",
    "user.update": call("PATCH", "/api/admin/users/{id}", made_user, json={"name": "N"}),
    "user.deactivate": call("DELETE", "/api/admin/users/{id}", made_user),
    "user.sign_in_link": call("POST", "/api/admin/users/{id}/sign-in-link", made_user),
    "user_groups.create": lambda world: f"group:{made_group(world)}",
    "user_groups.update": call(
        "PATCH", "/api/admin/groups/{id}", made_group, json={"description": "d"}
    ),
    "user_groups.delete": call("DELETE", "/api/admin/groups/{id}", made_group),
    "user_group_members.add": add_member,
    "user_group_members.remove": remove_member,
    "resource_grants.add": lambda world: f"grant:{made_grant(world)}",
    "resource_grants.remove": call("DELETE", "/api/admin/grants/{id}", made_grant),
    "session.upload": upload,
    "data.access_check": check,
    "views.save": lambda world: f"view:{made_view(world)}",
    "views.delete": delete_view,
    "audit.rollback": roll_back,
    "audit.reveal_raw": reveal,
    "access.read": lambda world: ok(world.admin.get("/api/admin/users")) and None,
    "activity.read": lambda world: ok(world.admin.get(KPIS)) and None,
}


# Written where no server runs, into the tables that are restored: `test_backups` finds it.
OFFLINE = {"backup.restore"}


def test_every_action_in_the_code_is_done_here() -> None:
    assert written_actions().keys() == DO.keys() | OFFLINE


@pytest.mark.parametrize("action", DO)
def test_an_action_is_found_in_the_log_as_soon_as_it_is_done(world: World, action: str) -> None:
    correlation = f"test-{action}"
    world.admin.headers["X-Correlation-ID"] = correlation
    try:
        resource = DO[action](world)
    finally:
        del world.admin.headers["X-Correlation-ID"]
    asked = {"action_in": action, "include_self_reads": "true", "limit": "1"}
    if resource is not None:
        asked["resource"] = resource
    (row,) = ask(world.admin, ACTIVITY, asked)["rows"]
    assert row["action"] == action
    assert row["result"] == ("invalid_password" if action == "auth.login_failed" else "success")
    assert isinstance(row["duration_ms"], int)
    assert row["duration_ms"] >= 0
    assert row["client_ip"] == "127.0.0.1"
    assert row["client_kind"] == "cli"
    assert row["user_id"] is not None
    assert abs(now() - datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None)) < timedelta(
        minutes=1
    )
    if action not in ("auth.login", "auth.login_failed", "auth.logout"):
        assert row["correlation_id"] == correlation
    assert PASSWORD not in json.dumps(row)


BEFORE: dict[str, dict[str, Any]] = {
    "user.update": {"name": None, "is_admin": False},
    "user.deactivate": {"is_active": True},
    "token.update": {"name": "one"},
    "token.revoke": {"revoked_at": None, "name": "one"},
    "instance_config.update": {"key": "AGNES_QUERY_SECONDS"},
    "instance_templates.set": {"name": "agent"},
    "registry.update": {"description": None},
    "registry.delete": {"source_type": "local", "granted": []},
    "user_groups.update": {"description": None},
    "user_groups.delete": {"description": None},
    "user_group_members.remove": {},
    "resource_grants.remove": {"resource_type": "activity"},
    "views.delete": {"page": "activity"},
    "feedback.update": {"status": "open", "version": 1},
    "feedback.merge": {},
    "feedback.unmerge": {"kept_apart": False},
    "feedback.delete": {"status": "open", "merged_into": None},
    "audit.rollback": {"description": None, "members": []},
}


@pytest.mark.parametrize("action", BEFORE)
def test_a_change_keeps_what_was_before(world: World, action: str) -> None:
    DO[action](world)
    before = world.last(action)["params_before"]
    assert before
    for name, value in BEFORE[action].items():
        assert before.get(name, "missing") == value
    assert not {key for key in keys_of(before) if is_secret(key)}
