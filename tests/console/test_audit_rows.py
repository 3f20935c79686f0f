"""What stands in the rows that are written, and when none is: secrets, lengths, who, from where,
how long; reads once a minute; no change without its row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import pulse
from console.audit import (
    Caller,
    LostWrites,
    RecentReads,
    clean,
    cut,
    dumps,
    entry,
    is_secret,
    now,
)
from console.identity import groups
from schema.tables import USER_GROUPS, USERS
from schema.transaction import Rows, Transaction
from tests.console.access_world import PASSWORD, World, submit
from tests.console.audit_log import ACTIVITY, EXPORT, KPIS, ask, event, keys_of, write

PEER = "10.9.8.7"
SECRET_KEYS = (
    *("password", "new_password", "passwd", "token", "access_token", "secret", "client_secret"),
    *("api_key", "apikey", "API-Key", "x-api-key", "bearer", "Authorization", "private_key"),
    *("private-key", "signing_key", "credentials", "cookie", "passphrase"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("rows")) as world:
        yield world


@pytest.fixture(autouse=True)
def a_minute_later(world: World) -> None:
    """No test is quiet because of the reads, or blocked because of the failures, of another."""
    world.instance.recent_reads = RecentReads()
    world.clock.at += 3600


# One row's content

keys = st.sampled_from([*SECRET_KEYS, "id", "name", "note", "list", "token_id", "tokens"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just("hunter2") | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(keys, values, max_size=5))
def test_no_value_under_a_secret_key_is_kept_at_any_depth(params: dict[str, Any]) -> None:
    kept = orjson.loads(dumps(params))
    assert not {key for key in keys_of(kept) if key in SECRET_KEYS}


@given(st.sampled_from(SECRET_KEYS), st.sampled_from(["a", "note"]), st.integers(0, 12))
def test_a_secret_deep_inside_is_removed(secret: str, outer: str, depth: int) -> None:
    params: Any = {secret: "hunter2", "kept": 1}
    for level in range(depth):
        params = {outer: [params] if level % 2 else params}
    assert "hunter2" not in dumps(params)
    assert '"kept":1' in dumps(params) or depth > 4  # what is nested deeper is cut


@pytest.mark.parametrize("key", ["token_id", "input_tokens", "output_tokens", "tokens", "name"])
def test_a_harmless_key_stays(key: str) -> None:
    assert not is_secret(key)
    assert clean({key: 5}) == {key: 5}


@given(st.text(st.characters(), max_size=600), st.sampled_from(["note", "error", "reason"]))
def test_texts_are_cut_and_always_printable(text: str, key: str) -> None:
    """Lone surrogates and NUL included."""
    limit = 256 if key == "note" else 200
    kept = orjson.loads(dumps({key: text}))[key]
    assert len(kept) <= limit
    assert kept.endswith("…") or len(text) <= limit
    assert "\0" not in kept
    kept.encode()


def test_a_cut_text_ends_with_an_ellipsis() -> None:
    assert cut("x" * 256) == "x" * 256
    assert cut("x" * 257) == "x" * 255 + "…"
    assert clean({"error": "x" * 300}) == {"error": "x" * 199 + "…"}
    assert clean({"note": "\ud800a\0"}) == {"note": "?a�"}


def test_a_row_of_hostile_texts_is_stored(world: World) -> None:
    note = "\ud800 \0 🎉 \u202e"
    row = entry(Caller(), "user.create", resource=note, params={note: note, "big": 2**80})
    world.store.write(row).result()
    found = world.last("user.create", resource="? � 🎉 \u202e")
    assert found["params"]["? � 🎉 \u202e"] == "? � 🎉 \u202e"
    assert str(found["params"]["big"]).startswith("12089258196146291747061")


def test_params_that_are_none_are_left_out_and_nothing_is_null() -> None:
    (row,) = entry(Caller(), "a", params={"x": None}).rows
    assert row["params"] is None
    (row,) = entry(Caller(), "a", params={"x": None, "y": 0}).rows
    assert row["params"] == '{"y":0}'


# Who, from where, on whose behalf


@pytest.mark.parametrize("kind", ["cli", "agent", "external", "scheduler"])
def test_the_kind_of_client_is_the_tokens(world: World, kind: str) -> None:
    with world.client(world.token(world.admin_id, kind=kind)) as client:
        client.headers["X-Client-Kind"] = "web"
        ask(client, KPIS, {"q": f"kind {kind}"})
    row = world.last("activity.read", client_kind=kind)
    assert row["params"]["q"] == f"kind {kind}"


def test_the_kind_of_client_of_a_cookie_is_web(world: World) -> None:
    address = "browser@example.org"
    user = world.user(address, password=PASSWORD, is_admin=True)
    with world.browser() as browser:
        submit(browser, email=address, password=PASSWORD)
        ask(browser, KPIS, {})
    assert world.last("auth.login", user_id=user)["client_kind"] == "web"
    assert world.last("activity.read", user_id=user)["client_kind"] == "web"


@pytest.mark.parametrize(
    ("forwarded", "kept"),
    [
        (None, "127.0.0.1"),
        (PEER, PEER),
        (f"{PEER}, 127.0.0.1", PEER),
        (f"1.2.3.4, {PEER}", PEER),
        ("2001:db8::1", "2001:db8::1"),
        ("nonsense", "127.0.0.1"),
        (f"{PEER}, nonsense", "127.0.0.1"),
        ("1.2.3.4'; --", "127.0.0.1"),
    ],
)
def test_an_address_comes_from_the_nearest_that_is_no_proxy(
    world: World, forwarded: str | None, kept: str
) -> None:
    with world.client(world.token(world.admin_id), address=forwarded) as client:
        ask(client, KPIS, {"q": f"address {forwarded}"})
    assert world.last("activity.read")["client_ip"] == kept


def test_a_stranger_cannot_give_an_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.gate, "_trusted", ())
    with world.client(world.token(world.admin_id), address=PEER) as client:
        client.headers["X-Real-IP"] = PEER
        ask(client, KPIS, {})
    assert world.last("activity.read")["client_ip"] == "127.0.0.1"


def test_a_request_without_a_correlation_id_gets_one_and_is_told(world: World) -> None:
    answer = world.admin.get(KPIS)
    given = answer.headers["X-Correlation-ID"]
    assert world.last("activity.read")["correlation_id"] == given
    assert world.admin.get(KPIS).headers["X-Correlation-ID"] != given


# Reads: once a minute


def reads(world: World) -> int:
    return len(world.log("activity.read"))


def test_the_same_filter_twice_is_one_row_a_changed_one_two(world: World) -> None:
    before = reads(world)
    for _ in range(3):
        ask(world.admin, ACTIVITY, {"q": "once"})
    assert reads(world) == before + 1
    ask(world.admin, ACTIVITY, {"q": "twice"})
    assert reads(world) == before + 2
    assert world.last("activity.read")["params"] == {"endpoint": "timeline", "q": "twice"}


def test_paging_and_another_limit_or_order_are_the_same_read(world: World) -> None:
    write(world, *(event(now(), "paged.row") for _ in range(5)))
    before = reads(world)
    asked = {"action_prefix": "paged.", "limit": "2"}
    page = ask(world.admin, ACTIVITY, asked)
    cursor = {"cursor_ts": page["next_cursor"]["ts"], "cursor_id": page["next_cursor"]["id"]}
    ask(world.admin, ACTIVITY, {**asked, **cursor})
    ask(world.admin, ACTIVITY, {**asked, "limit": "100"})
    assert reads(world) == before + 1


def test_polling_the_pulse_writes_nothing(world: World) -> None:
    before = len(world.log("activity.read"))
    for _ in range(5):
        ask(world.admin, f"{ACTIVITY}/health", {})
    assert reads(world) == before


def test_another_endpoint_and_another_person_are_other_reads(world: World) -> None:
    before = reads(world)
    ask(world.admin, KPIS, {"q": "same"})
    ask(world.admin, ACTIVITY, {"q": "same"})
    other = world.user(is_admin=True)
    with world.client(world.token(other)) as client:
        ask(client, ACTIVITY, {"q": "same"})
    assert reads(world) == before + 3


def test_an_export_is_always_written_with_its_count(world: World) -> None:
    before = reads(world)
    for _ in range(2):
        answer = world.admin.get(EXPORT, params={"q": "nothing like this", "format": "json"})
    assert reads(world) == before + 2
    params = world.last("activity.read")["params"]
    assert params["endpoint"] == "export"
    assert params["row_count"] == int(answer.headers["X-Row-Count"])


def test_a_read_is_forgotten_after_a_minute_and_the_memory_is_bounded() -> None:
    seen = RecentReads(kept=3)
    assert seen.first("a", at=0)
    assert not seen.first("a", at=59.9)
    assert seen.first("a", at=60)
    for name in "bcd":
        assert seen.first(name, at=61)
    assert seen.first("a", at=62)  # pushed out by the others
    seen.forget("a")
    assert seen.first("a", at=63)


# When a row cannot be written


class Broken(Exception):
    """The disk, for instance."""


def test_a_read_goes_on_without_its_row_and_the_pulse_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.instance, "lost_writes", LostWrites())
    before = reads(world)

    async def awrite(*steps: Any) -> None:
        raise Broken("no space")

    with monkeypatch.context() as broken:
        broken.setattr(world.store, "awrite", awrite)
        assert world.admin.get(KPIS, params={"q": "lost"}).status_code == 200
        assert world.admin.get(EXPORT, params={"q": "lost"}).status_code == 200
    assert reads(world) == before
    assert world.instance.lost_writes.since(now() - timedelta(hours=24)) == 2
    assert world.instance.metrics.lost._value.get() >= 2
    world.instance.pulse = None
    found = ask(world.admin, f"{ACTIVITY}/health", {})
    world.instance.pulse = None
    (field,) = (field for field in found["fields"] if field["key"] == "audit_writes")
    assert (field["color"], field["raw"]["failed"]) == ("red", 2)
    assert "2 audit rows could not be written" in found["sentence"]
    ask(world.admin, KPIS, {"q": "lost"})  # the next read of the same tries again
    assert reads(world) == before + 1
    assert pulse.CACHED_SECONDS == 30


CHANGES = ("user.create", "user_groups.create", "resource_grants.add", "token.create")


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_whose_row_cannot_be_written_does_not_happen(
    world: World, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    name = {"name": f"of {action}"}
    group = world.admin.post("/api/admin/groups", json=name).json()["id"]
    path, body = {
        "user.create": ("users", {"email": "never@example.org"}),
        "user_groups.create": ("groups", {"name": "never"}),
        "resource_grants.add": ("grants", {"group_id": group, "resource_type": "sessions"}),
        "token.create": ("tokens", {"user_id": world.admin_id, "name": "never"}),
    }[action]
    before = world.admin.get(f"/api/admin/{path}").json()["total"]
    insert = Transaction.insert

    def refusing(self: Transaction, rows: Rows) -> None:
        if rows.table.name == "audit_log":
            raise Broken("no room for this row")
        insert(self, rows)

    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "insert", refusing)
        answer = world.admin.post(f"/api/admin/{path}", json=body)
    assert answer.status_code == 500
    assert answer.json().keys() == {"ok", "title", "error", "detail"}
    assert world.admin.get(f"/api/admin/{path}").json()["total"] == before


def test_a_row_that_the_database_refuses_takes_its_change_with_it(world: World) -> None:
    """Not only our own code may fail: here the commit's INSERT does."""
    broken = entry(Caller(), "user_groups.create")
    broken = Rows(broken.table, [{**dict(broken.rows[0]), "action": None}])
    add = groups.create(Caller(), name="refused")
    with pytest.raises(Exception, match="NOT NULL"):
        world.store.write(add, broken).result()
    assert world.rows(USER_GROUPS, name="refused") == []


# What is refused


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", ACTIVITY, "activity.read"),
        ("GET", EXPORT, "activity.read"),
        ("GET", "/api/admin/users", "access.read"),
        ("POST", "/api/admin/users", "user.create"),
        ("POST", "/api/admin/groups", "user_groups.create"),
        ("POST", "/api/admin/grants", "resource_grants.add"),
        ("POST", "/api/admin/tokens", "token.create"),
        ("DELETE", "/api/admin/users/x", "user.deactivate"),
    ],
)
def test_what_an_analyst_may_not_do_is_in_the_log(
    world: World, method: str, path: str, action: str
) -> None:
    analyst = world.user()
    with world.client(world.token(analyst)) as client:
        assert client.request(method, path).status_code == 403
    row = world.last(action, user_id=analyst)
    assert (row["result"], row["resource"]) == ("denied", path)
    assert row["params"]["status"] == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "action", "result"),
    [
        ("GET", f"{ACTIVITY}?limit=0", None, "activity.read", "error.bad_parameter"),
        ("GET", f"{ACTIVITY}/unknown", None, "activity.read", "error.not_found"),
        ("POST", "/api/admin/users", {"email": 5}, "user.create", "error.bad_parameter"),
        ("POST", "/api/admin/groups", [], "user_groups.create", "error.bad_request"),
        ("DELETE", "/api/admin/tokens/none", None, "token.revoke", "error.not_found"),
        ("PATCH", "/api/admin/users/none", {"name": "x"}, "user.update", "error.not_found"),
    ],
)
def test_what_cannot_be_done_is_in_the_log(
    world: World, method: str, path: str, body: Any, action: str, result: str
) -> None:
    answer = world.admin.request(method, path, json=body)
    assert 400 <= answer.status_code < 500
    row = world.last(action, result=result)
    assert row["params"]["status"] == answer.status_code
    assert row["user_id"] == world.admin_id


def test_a_stranger_writes_no_row(world: World) -> None:
    before = len(world.rows(USERS)), reads(world)
    with world.client() as client:
        for path in (ACTIVITY, KPIS, EXPORT):
            assert client.get(path).status_code == 401
    assert (len(world.rows(USERS)), reads(world)) == before


def test_a_refusal_over_and_over_is_one_row_a_minute(world: World) -> None:
    for _ in range(5):
        world.admin.get(f"{ACTIVITY}?limit=0&q=again")
    rows = world.log("activity.read", result="error.bad_parameter")
    assert len([row for row in rows if "limit" in row["params"]["error"]]) >= 1
    before = len(rows)
    world.admin.get(f"{ACTIVITY}?limit=0&q=again")
    assert len(world.log("activity.read", result="error.bad_parameter")) == before
