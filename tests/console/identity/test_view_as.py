"""View as: an admin with somebody else's eyes. Reads are theirs, writes are nobody's, the log names
both, and it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from console.audit import RecentReads, new_id, now
from console.handler import Handler
from schema.table import rows_of
from schema.tables import AUDIT_LOG, RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS, USERS
from schema.transaction import Rows
from tests.browser.visitor import visit
from tests.console.access_world import ROUTES, World
from tests.whole_server import WholeServer

VIEW = "/api/view-as"
ACTIVITY = "/api/admin/activity"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("view-as") / "data") as world:
        yield world


@pytest.fixture(autouse=True)
def every_read_is_the_first(world: World) -> None:
    world.instance.recent_reads = RecentReads()


@pytest.fixture
def looking(world: World) -> Iterator[tuple[httpx.Client, str]]:
    """An admin who views as somebody, and the id of that one."""
    user = world.user()
    with world.client(world.token(world.admin_id)) as admin:
        assert admin.post(VIEW, json={"user_id": user}).status_code == 201
        yield admin, user


def event(world: World, user: str, sql: str) -> str:
    """A row of the log about what `user` asked, with a literal in it."""
    id = new_id()
    row: dict[str, Any] = {
        "id": id,
        "timestamp": now(),
        "user_id": user,
        "action": "query.local",
        "result": "success",
        "params": '{"sql":"' + sql + '"}',
        "search": sql.lower(),
    }
    world.store.write(Rows(AUDIT_LOG, [row])).result()
    return id


def granted(world: World, user: str, surface: str) -> None:
    group, at = new_id(), now()
    rows = [
        Rows(USER_GROUPS, [{"id": group, "name": f"group {group}", "created_at": at}]),
        Rows(USER_GROUP_MEMBERS, [{"group_id": group, "user_id": user, "added_at": at}]),
        Rows(
            RESOURCE_GRANTS,
            [{"id": new_id(), "group_id": group, "resource_type": surface, "created_at": at}],
        ),
    ]
    for row in rows:
        world.store.write(row).result()


def changed(world: World, user: str, **values: Any) -> None:
    world.store.write(lambda transaction: transaction.update(USERS, {"id": user}, values)).result()


# What is seen


def test_an_admin_sees_what_the_other_sees_until_it_is_ended(
    world: World, looking: tuple[httpx.Client, str]
) -> None:
    admin, user = looking
    me = admin.get("/api/me").json()
    assert (me["id"], me["is_admin"]) == (user, False)
    told = admin.get(VIEW).json()
    assert (told["viewing"], told["user_id"]) == (True, user)
    assert admin.get("/api/admin/users").status_code == 403
    assert admin.get(ACTIVITY).status_code == 403
    granted(world, user, "activity")
    assert admin.get(ACTIVITY).status_code == 200
    assert admin.delete(VIEW).status_code == 204
    assert admin.get("/api/me").json()["id"] == world.admin_id
    assert admin.get(VIEW).json()["viewing"] is False
    assert admin.delete(VIEW).status_code == 409


def test_the_tables_hold_the_others_rows(world: World, looking: tuple[httpx.Client, str]) -> None:
    admin, user = looking
    event(world, user, "SELECT 1")
    event(world, world.user(), "SELECT 2")
    sql = "SELECT DISTINCT user_id FROM agnes_audit"
    answer = admin.post("/api/query", json={"sql": sql}).raise_for_status().json()
    assert answer["rows"] == [[user]]
    assert answer["row_scope"]["principal"]["user_id"] == user


def test_only_the_credential_that_began_it_has_the_eyes(
    world: World, looking: tuple[httpx.Client, str]
) -> None:
    assert world.admin.get("/api/me").json()["id"] == world.admin_id
    with world.client(world.token(looking[1])) as other:
        assert other.get("/api/me").json()["id"] == looking[1]
        assert other.get(VIEW).json()["viewing"] is False


def test_nothing_is_unmasked_by_it(world: World, looking: tuple[httpx.Client, str]) -> None:
    """The other's own rows are raw to them, and no more than others' rows to the admin."""
    admin, user = looking
    secret = new_id()
    id = event(world, user, f"SELECT '{secret}'")
    with world.client(world.token(user)) as other:
        assert secret in other.get(f"/api/me/activity/{id}").raise_for_status().text
        raw = other.post("/api/query", json={"sql": "SELECT params FROM agnes_audit"}).text
    assert secret in raw
    for path in (f"/api/me/activity/{id}", "/api/v2/sample/agnes_audit", "/api/me/activity"):
        assert secret not in admin.get(path).raise_for_status().text
    answer = admin.post("/api/query", json={"sql": "SELECT params FROM agnes_audit"})
    assert answer.raise_for_status().json()["row_count"] >= 1
    assert secret not in answer.text
    found = admin.get("/api/me/activity", params={"q": secret}).raise_for_status()
    assert found.json()["rows"] == []


# What is refused


def concrete(pattern: str) -> str:
    """An address that a route's pattern matches."""
    for group, example in (
        (r"([0-9]{1,9})", "0"),
        (r"([A-Za-z0-9-]{1,64})", "no-such"),
        (r"([A-Za-z0-9._-]{1,64})", "no-such"),
        (r"([A-Za-z0-9._-]{1,200}\.jsonl)", "no.jsonl"),
        (r"([^/]+)", "no-such"),
    ):
        pattern = pattern.replace(group, example)
    return pattern


def writes() -> list[tuple[str, str]]:
    """Every way there is to change something, but those that are no one's: to sign in or out."""
    return [
        (method, concrete(pattern))
        for pattern, handler in ROUTES
        if issubclass(handler, Handler)
        for method in ("POST", "PATCH", "PUT", "DELETE")
        if method.lower() in vars(handler)
        and method not in handler.harmless
        and handler.right(method).level not in ("public", "service")
    ]


def test_no_route_changes_anything(world: World, looking: tuple[httpx.Client, str]) -> None:
    admin, _ = looking
    before = world.rows(USERS)
    found = writes()
    assert ("POST", "/api/admin/users") in found
    assert ("POST", "/api/upload/sessions") in found
    assert len(found) > 25
    let_in = [
        (method, path)
        for method, path in found
        if (answer := admin.request(method, path, json={})).status_code != 403
        or "view as somebody" not in answer.json()["error"]
    ]
    assert let_in == []
    assert world.rows(USERS) == before


def test_what_reads_by_another_name_is_as_harmless_as_it_says() -> None:
    harmless = {
        pattern for pattern, handler in ROUTES if issubclass(handler, Handler) and handler.harmless
    }
    questions = {"/api/query", "/api/query/hybrid", "/api/v2/scan", "/api/v2/scan/estimate"}
    preview = "/api/admin/templates/([^/]+)/preview"
    assert harmless == {*questions, preview, "/api/check-access", "/api/logout", VIEW}


@pytest.mark.parametrize("who", ["self", "admin", "inactive", "nobody", "by an analyst", "nested"])
def test_who_cannot_be_viewed_as_and_by_whom(world: World, who: str) -> None:
    user = world.user()
    body = {
        "self": world.admin_id,
        "admin": world.user(is_admin=True),
        "inactive": world.user(is_active=False),
        "nobody": new_id(),
    }.get(who, user)
    by = world.user() if who == "by an analyst" else world.admin_id
    with world.client(world.token(by)) as client:
        if who == "nested":
            client.post(VIEW, json={"user_id": world.user()}).raise_for_status()
        answer = client.post(VIEW, json={"user_id": body})
        expected = {"self": 400, "admin": 400, "inactive": 409, "nobody": 404}
        assert answer.status_code == expected.get(who, 403)
        assert client.get("/api/me").json()["id"] != body or who == "self"


# What is written


def test_the_log_names_both(world: World, looking: tuple[httpx.Client, str]) -> None:
    admin, user = looking
    begun = world.last("view_as.start", resource=f"user:{user}")
    assert (begun["user_id"], begun["params"]["view_as"]) == (world.admin_id, user)
    assert timedelta(minutes=29) < datetime.fromisoformat(begun["params"]["until"]) - now()
    admin.get("/api/v2/schema/agnes_audit").raise_for_status()
    read = world.last("catalog.schema")
    assert (read["user_id"], read["params"]["view_as"]) == (world.admin_id, user)
    assert admin.post("/api/admin/groups", json={"name": "g"}).status_code == 403
    refused = world.last("user_groups.create", result="denied")
    assert (refused["user_id"], refused["params"]["view_as"]) == (world.admin_id, user)
    admin.delete(VIEW).raise_for_status()
    ended = world.last("view_as.stop", resource=f"user:{user}")
    assert (ended["user_id"], ended["params"]) == (world.admin_id, {"view_as": user})
    assert world.rows(AUDIT_LOG, user_id=user) == []


# How it ends


def test_it_ends_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.gate.views, "lasts", timedelta(milliseconds=50))
    user, over = world.user(), asyncio.Event()
    tell = world.gate.views.ended

    def told(held: Any, why: str) -> None:
        tell(held, why)
        over.set()

    monkeypatch.setattr(world.gate.views, "ended", told)
    with world.client(world.token(world.admin_id)) as admin:
        admin.post(VIEW, json={"user_id": user}).raise_for_status()
        asyncio.run_coroutine_threadsafe(over.wait(), world._loop).result(60)
        assert admin.get("/api/me").json()["id"] == world.admin_id
    ended = world.last("view_as.stop", resource=f"user:{user}")
    assert ended["user_id"] == world.admin_id
    assert ended["params"] == {"view_as": user, "ended": "its time was over"}


@pytest.mark.parametrize("change", ["deactivated", "made an admin"])
def test_it_ends_when_there_is_nothing_to_view(
    world: World, looking: tuple[httpx.Client, str], change: str
) -> None:
    admin, user = looking
    new: dict[str, Any] = {"is_admin": True} if change == "made an admin" else {"is_active": False}
    changed(world, user, **new)
    assert admin.get("/api/me").json()["id"] == world.admin_id
    ended = world.last("view_as.stop", resource=f"user:{user}")
    assert "became an admin" in ended["params"]["ended"]
    changed(world, user, is_admin=False, is_active=True)
    assert admin.get("/api/me").json()["id"] == world.admin_id


def test_it_ends_with_the_rights_of_whoever_looks(world: World) -> None:
    boss, user = world.user(is_admin=True), world.user()
    with world.client(world.token(boss)) as client:
        client.post(VIEW, json={"user_id": user}).raise_for_status()
        changed(world, boss, is_admin=False)
        me = client.get("/api/me").json()
        assert (me["id"], me["is_admin"]) == (boss, False)


# Pages and their websockets


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("view-as-pages") / "data") as server:
        yield server


def test_a_page_says_whose_eyes_it_has_and_leads_out(server: WholeServer) -> None:
    admin, user = server.person("Ada", is_admin=True), server.person("Ben")
    with server.client(cookies=server.cookie(admin)) as browser:
        browser.follow_redirects = True
        browser.get(f"/admin/users/{user}").raise_for_status()
        xsrf = browser.cookies["_xsrf"]
        form = {"_xsrf": xsrf, "user_id": user}
        assert browser.post("/admin/view-as", data={"user_id": user}).status_code == 403
        home = browser.post("/admin/view-as", data=form)
        assert (home.status_code, home.url.path) == (200, "/me")
        for path, status in (("/me", 200), ("/admin/users/x", 403), ("/no/such/page", 404)):
            page = browser.get(path)
            assert page.status_code == status
            assert "you view as <b>Ben</b>" in page.text
            assert "/view-as/end" in page.text
        assert browser.post("/me/views", data={"_xsrf": xsrf, "save": "x"}).status_code == 403
        assert "You view as <b>Ben</b>" in browser.get("/view-as/end").text
        back = browser.post("/view-as/end", data={"_xsrf": xsrf})
        assert back.url.path == f"/admin/users/{user}"
        assert "you view as" not in back.text


def test_an_open_page_does_not_go_on_with_other_eyes(server: WholeServer) -> None:
    """Neither one opened as oneself when a view begins, nor one of the view when it has ended."""
    admin, user = server.person("Eva", is_admin=True), server.person("Fay")
    asyncio.run(_both_ways(server, server.cookie(admin), user))


async def _both_ways(server: WholeServer, cookies: dict[str, str], user: str) -> None:
    client = httpx.AsyncClient(base_url=server.address, cookies=cookies, trust_env=False)
    async with client:
        async with visit(client, "/me") as mine:
            assert (await mine.go("?since_minutes=60"))["notice"] == ""
            xsrf = client.cookies["_xsrf"]
            form = {"_xsrf": xsrf, "user_id": user}
            assert (await client.post("/admin/view-as", data=form)).status_code == 303
            refused = await mine.go("?since_minutes=15")
            assert "opened with other eyes" in refused["notice"]
            assert {text for name, text in refused.items() if name not in ("notice", "step")} == {
                ""
            }
        async with visit(client, "/me") as theirs:
            assert "you view as <b>Fay</b>" in theirs.html
            assert (await theirs.go("?since_minutes=60"))["notice"] == ""
            assert (await client.post("/view-as/end", data={"_xsrf": xsrf})).status_code == 303
            assert "opened with other eyes" in (await theirs.go("?since_minutes=15"))["notice"]
        reads = rows_of(AUDIT_LOG).filter(lambda rows: rows.action == "activity.read")
        found = server.instance.store.read(reads).to_pylist()
        assert user not in {row["user_id"] for row in found}
