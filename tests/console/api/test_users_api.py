"""`/api/admin/users` over HTTP: what it answers, what it refuses, what the log says afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from schema.tables import PERSONAL_ACCESS_TOKENS, SIGN_IN_LINKS, USERS, WEB_SESSIONS
from tests.console.access_world import PASSWORD, World, submit

SHAPE = {
    *("id", "email", "name", "is_admin", "is_active", "created_at", "deactivated_at"),
    "sso_linked",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("users")) as world:
        yield world


def create(world: World, **body: object) -> httpx.Response:
    return world.admin.post("/api/admin/users", json=body)


def test_a_new_user_is_answered_shown_and_audited(world: World) -> None:
    answer = create(world, email=" Ana@Example.org ", name="Ana", password=PASSWORD)
    assert answer.status_code == 201
    row = answer.json()
    assert row.keys() == SHAPE
    assert (row["email"], row["name"], row["is_admin"]) == ("Ana@Example.org", "Ana", False)
    assert row["created_at"].endswith("Z")
    assert world.admin.get(f"/api/admin/users/{row['id']}").json() == row
    logged = world.last("user.create")
    assert logged["resource"] == f"user:{row['id']}"
    assert logged["user_id"] == world.admin_id
    assert logged["params"]["email"] == "Ana@Example.org"
    assert logged["params_before"] == {}
    assert logged["result"] == "success"


def test_an_e_mail_is_taken_whatever_its_case(world: World) -> None:
    create(world, email="Taken@example.org")
    again = create(world, email="tAKEN@EXAMPLE.org")
    assert again.status_code == 409
    assert "Taken@example.org" in again.json()["error"]
    assert world.last("user.create")["result"] == "error.conflict"


def test_the_e_mail_of_a_deactivated_user_stays_taken_and_the_way_back_is_told(
    world: World,
) -> None:
    gone = world.user("gone@example.org", is_active=False)
    again = create(world, email="GONE@example.org")
    assert again.status_code == 409
    assert "deactivated" in again.json()["detail"]
    assert gone in again.json()["detail"]


def test_the_same_e_mail_created_twice_at_once_exists_once(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        spellings = ["Same@example.org", "same@EXAMPLE.org"] * 4
        answers = list(pool.map(lambda email: create(world, email=email).status_code, spellings))
    assert sorted(answers) == [201] + [409] * 7


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "email"),
        ({"email": "nonsense"}, "nonsense"),
        ({"email": "a@b.org", "name": "x" * 121}, "name"),
        ({"email": "a@b.org", "is_admin": "yes"}, "is_admin"),
        ({"email": "a@b.org", "password": "short"}, "12 characters"),
        ({"email": "a@b.org", "emial": "x"}, "did you mean email?"),
    ],
)
def test_what_cannot_be_a_user_is_refused_and_named(
    world: World, body: dict[str, object], names: str
) -> None:
    answer = create(world, **body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


@pytest.mark.parametrize("password", ["short-secret", 1234567890123, "secret\0secret-secret"])
def test_a_refused_password_is_repeated_nowhere(world: World, password: object) -> None:
    password = password if password != "short-secret" else "short"
    answer = create(world, email="hidden@example.org", password=password)
    assert answer.status_code == 400
    said = answer.text + str(world.last("user.create"))
    assert "1234567890123" not in said
    assert "secret" not in said
    assert "'short'" not in said


def test_changes_are_made_and_the_state_before_is_kept(world: World) -> None:
    user = world.user("before@example.org")
    answer = world.admin.patch(
        f"/api/admin/users/{user}",
        json={"email": "after@example.org", "name": "After", "is_admin": True},
    )
    assert answer.status_code == 200
    assert answer.json()["email"] == "after@example.org"
    logged = world.last("user.update")
    assert logged["resource"] == f"user:{user}"
    assert logged["params"]["changed"] == ["email", "is_admin", "name"]
    assert logged["params"]["name"] == "After"
    assert logged["params_before"]["email"] == "before@example.org"
    assert logged["params_before"]["is_admin"] is False


def test_a_user_may_change_the_case_of_their_own_e_mail(world: World) -> None:
    user = world.user("case@example.org")
    answer = world.admin.patch(f"/api/admin/users/{user}", json={"email": "Case@example.org"})
    assert answer.json()["email"] == "Case@example.org"


def test_what_is_the_same_already_writes_nothing(world: World) -> None:
    user = world.user("calm@example.org")
    before = len(world.log("user.update"))
    answer = world.admin.patch(f"/api/admin/users/{user}", json={"email": "calm@example.org"})
    assert answer.status_code == 200
    assert len(world.log("user.update")) == before
    assert world.admin.patch(f"/api/admin/users/{user}", json={}).status_code == 400


def test_deactivation_ends_sessions_and_tokens_at_once(world: World) -> None:
    user = world.user("leaver@example.org", password=PASSWORD)
    with world.client(world.token(user)) as terminal, world.browser() as browser:
        submit(browser, email="leaver@example.org", password=PASSWORD)
        assert terminal.get("/api/me").status_code == 200
        assert browser.get("/api/me").status_code == 200
        assert world.admin.delete(f"/api/admin/users/{user}").status_code == 204
        assert terminal.get("/api/me").status_code == 401
        assert browser.get("/api/me").status_code == 401
    assert world.rows(WEB_SESSIONS, user_id=user) == []
    assert all(row["revoked_at"] for row in world.rows(PERSONAL_ACCESS_TOKENS, user_id=user))
    shown = world.admin.get(f"/api/admin/users/{user}").json()
    assert shown["is_active"] is False
    assert shown["deactivated_at"]
    logged = world.last("user.deactivate")
    assert logged["params"]["ended"] == {"sessions": 1, "tokens": 1}
    assert logged["params_before"]["is_active"] is True
    assert len(logged["params_before"]["sessions"]) == 1
    assert logged["params_before"]["tokens"][0]["name"] == "for a test"


def test_deactivating_twice_is_one_deactivation(world: World) -> None:
    user = world.user()
    for _ in range(2):
        assert world.admin.delete(f"/api/admin/users/{user}").status_code == 204
    assert len(world.log("user.deactivate", resource=f"user:{user}")) == 1


def test_a_user_comes_back_without_the_old_tokens(world: World) -> None:
    user = world.user("back@example.org", password=PASSWORD)
    old = world.token(user)
    world.admin.delete(f"/api/admin/users/{user}")
    answer = world.admin.patch(f"/api/admin/users/{user}", json={"is_active": True})
    assert answer.json()["is_active"] is True
    assert answer.json()["deactivated_at"] is None
    with world.client(old) as terminal:
        assert terminal.get("/api/me").status_code == 401
        body = {"email": "back@example.org", "password": PASSWORD}
        assert terminal.post("/api/login", json=body).status_code == 201


def test_a_new_password_signs_other_browsers_out_but_not_the_admins_own(world: World) -> None:
    user = world.user("boss@example.org", password=PASSWORD, is_admin=True)
    with world.browser() as here, world.browser() as there:
        for browser in (here, there):
            submit(browser, email="boss@example.org", password=PASSWORD)
        answer = here.patch(
            f"/api/admin/users/{user}",
            json={"password": "another long password"},
            headers={"X-XSRFToken": here.cookies["_xsrf"]},
        )
        assert answer.status_code == 200
        assert here.get("/api/me").status_code == 200
        assert there.get("/api/me").status_code == 401
    logged = world.last("user.update")
    assert logged["params"]["changed"] == ["password"]
    assert logged["params"]["ended"] == {"sessions": 1}
    world.admin.delete(f"/api/admin/users/{user}")


def test_the_last_admin_stays(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("last")) as world:
        path = f"/api/admin/users/{world.admin_id}"
        world.user("former@example.org", is_admin=True, is_active=False)
        for answer in (
            world.admin.delete(path),
            world.admin.patch(path, json={"is_active": False}),
            world.admin.patch(path, json={"is_admin": False}),
        ):
            assert answer.status_code == 409
            assert "last active admin" in answer.json()["error"]
        assert world.last("user.update")["result"] == "error.conflict"
        world.user("second@example.org", is_admin=True)
        assert world.admin.patch(path, json={"is_admin": False}).status_code == 200


def test_two_admins_who_deactivate_each_other_at_once_leave_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with World(tmp_path_factory.mktemp("race")) as world:
        for number in range(5):
            other = world.user(f"other{number}@example.org", is_admin=True)
            with world.client(world.token(other)) as rival, ThreadPoolExecutor(2) as pool:
                first = pool.submit(world.admin.delete, f"/api/admin/users/{other}")
                second = pool.submit(rival.delete, f"/api/admin/users/{world.admin_id}")
                statuses = sorted((first.result().status_code, second.result().status_code))
            # The second is too late: signed out already, or told that nobody would be left.
            assert statuses[0] == 204
            assert statuses[1] in (401, 409)
            admins = world.rows(USERS, is_admin=True, is_active=True)
            assert len(admins) == 1
            world.admin_id = admins[0]["id"]
            world.admin.close()
            world.admin = world.client(world.token(world.admin_id))


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("id", ["nobody", "%00", "%2e%2e", "a%20'b", "%F0%9F%98%80", "x" * 300])
def test_an_id_that_does_not_exist_is_named(world: World, method: str, id: str) -> None:
    body = {"name": "x"} if method == "PATCH" else None
    answer = world.admin.request(method, f"/api/admin/users/{id}", json=body)
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("no user ")


def test_links_of_a_deactivated_user_are_spent(world: World) -> None:
    from console.identity.sign_in import make_link

    user = world.user()
    make_link(world.store, user)
    world.admin.delete(f"/api/admin/users/{user}")
    assert world.rows(SIGN_IN_LINKS, user_id=user) == []


def test_only_admins_see_and_change_users_and_refusals_are_audited(world: World) -> None:
    analyst = world.user()
    with world.client(world.token(analyst)) as client, world.client() as stranger:
        for method, path in (
            ("GET", "/api/admin/users"),
            ("POST", "/api/admin/users"),
            ("GET", f"/api/admin/users/{analyst}"),
            ("PATCH", f"/api/admin/users/{analyst}"),
            ("DELETE", f"/api/admin/users/{analyst}"),
        ):
            assert client.request(method, path, json={}).status_code == 403
            assert stranger.request(method, path, json={}).status_code == 401
    for action in ("access.read", "user.create", "user.update", "user.deactivate"):
        assert world.last(action, user_id=analyst)["result"] == "denied"


def test_reading_is_audited_once_a_minute_for_the_same_filter(world: World) -> None:
    reader = world.user("reader@example.org", is_admin=True)
    with world.client(world.token(reader)) as client:
        for query in ("?q=x", "?q=x&limit=1", "?q=x&offset=5", "?q=y"):
            assert client.get(f"/api/admin/users{query}").status_code == 200
        client.get(f"/api/admin/users/{reader}")
    logged = world.log("access.read", user_id=reader)
    assert [row["params"] for row in logged] == [
        {"endpoint": "/api/admin/users", "q": "x"},
        {"endpoint": "/api/admin/users", "q": "y"},
        {"endpoint": f"/api/admin/users/{reader}"},
    ]


def test_a_link_to_the_provider_is_taken_away_and_never_made_by_hand(world: World) -> None:
    id = world.user()
    known = {"oidc_subject": "https://id.example 7"}
    world.store.write(lambda do: do.update(USERS, {"id": id}, known)).result()
    path = f"/api/admin/users/{id}"
    assert world.admin.get(path).json()["sso_linked"] is True
    assert world.admin.patch(path, json={"sso_linked": True}).status_code == 400
    assert world.admin.patch(path, json={"sso_linked": False}).json()["sso_linked"] is False
    assert world.rows(USERS, id=id)[0]["oidc_subject"] is None
    row = world.last("user.update")
    assert row["params"]["changed"] == ["oidc_subject"]
    assert row["params_before"]["oidc_subject"] == "https://id.example 7"
