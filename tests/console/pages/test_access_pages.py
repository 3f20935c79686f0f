"""Users, groups, resource access and tokens as they are sent, and what their buttons do: without a
script, with one, with bad input, and by whom."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from console.audit import RecentReads, new_id, now
from schema.tables import (
    AUDIT_LOG,
    PERSONAL_ACCESS_TOKENS,
    RESOURCE_GRANTS,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
    WEB_SESSIONS,
)
from schema.transaction import Rows
from tests.console.access_place import ACT, Place, Row, notice
from tests.whole_server import WholeServer

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with WholeServer(tmp_path_factory.mktemp("access") / "data") as server:
        place = Place(server)
        yield place
        place.client.close()


@pytest.fixture(autouse=True)
def a_minute_later(place: Place) -> None:
    place.server.instance.recent_reads = RecentReads()


def undo(page: str) -> str:
    found = re.search(r'name="undo" value="([^"]+)"', notice(page))
    assert found, "it can be undone"
    return found[1]


def test_only_admins_open_the_pages_and_press_their_buttons(place: Place) -> None:
    with place.server.client(place.server.token(place.ana)) as ana:
        for path in ("users", "groups", "access", "tokens"):
            assert ana.get(f"/admin/{path}").status_code == 403
        for fields in ({"deactivate": place.boss}, {"create_group": "1", "name": "mine"}):
            assert ana.post(ACT, data=fields).status_code == 403
    assert place.rows(USER_GROUPS, name="mine") == []
    (refused,) = place.rows(AUDIT_LOG, action="user_groups.create", user_id=place.ana)
    assert refused["result"] == "denied"


def test_a_group_is_made_filled_granted_and_each_step_undone(place: Place) -> None:
    made = place.done("/admin/groups?do=create", create_group="1", name="Readers")
    assert "The group Readers was made." in notice(made)
    (group,) = [row["id"] for row in place.rows(USER_GROUPS, name="Readers")]
    here = f"/admin/groups?group={group}"
    added = place.done(here, add_member=group, who="ben@")
    assert "ben@example.org is in Readers." in notice(added)
    assert f"q={group}" in notice(added), "a link to what changed of it"
    granted = place.done(here, grant=group, resource="table:orders")
    assert "Readers may open table orders." in notice(granted)
    assert place.may(place.ben, "table:orders")

    back = place.done(here, undo=undo(granted))
    assert "resource_grants.add was undone." in notice(back)
    assert not place.may(place.ben, "table:orders")
    again = place.act(here, live=True, undo=undo(granted))
    assert again.status_code == 409
    place.done(here, undo=undo(added))
    assert place.rows(USER_GROUP_MEMBERS, group_id=group) == []
    follows = {"update_group": group, "name": "Readers", "claim": "data-readers"}
    assert "was changed" in notice(place.done(f"{here}&do=change", **follows))
    assert "follows the OpenID provider's group" in place.page(here)


def test_before_a_group_is_deleted_one_reads_who_loses_what(place: Place) -> None:
    group = place.group("Going", place.ana, place.ben)
    for resource in ("sessions", "table:orders"):
        place.act(grant=f"{group}/{resource}")
    asked = place.page(f"/admin/groups?group={group}&do=delete")
    lost = re.search(r'<ul class="lost">.*?</ul>', asked, re.DOTALL)
    assert lost
    assert re.findall(r"loses</span> ([^<]+)<", lost[0]) == ["orders", "Sessions, orders"], (
        "Ana has the sessions by another group, too"
    )
    gone = place.done(f"/admin/groups?group={group}&do=delete", delete_group=group)
    assert "with 2 memberships and 2 grants" in notice(gone)
    back = place.act("/admin/groups", undo=undo(gone)).headers["Location"]
    assert f"group={group}" in back, "it is shown again"
    assert place.may(place.ben, "sessions")
    place.act(delete_group=group)
    after = place.page(f"/admin/groups?group={group}", status=404)
    assert f"/admin/activity?q={group}" in after, "where it can be undone still"


def test_the_matrix_grants_and_takes_back_and_knows_no_own_rows(place: Place) -> None:
    group = place.group("Cells")
    shown = place.page("/admin/access")
    assert f'value="{group}/feedback" aria-pressed="false"' in shown
    assert "agnes_audit" not in re.sub(r"<style.*?</style>", "", shown)
    place.done("/admin/access?only=surface", grant=f"{group}/feedback")
    (grant,) = place.rows(RESOURCE_GRANTS, group_id=group)
    assert f'value="{grant["id"]}" aria-pressed="true"' in place.page("/admin/access?q=feed")
    assert place.page("/admin/access?only=nobody").count('data-keep="feedback"') == 0
    place.done("/admin/access", ungrant=grant["id"])
    assert place.rows(RESOURCE_GRANTS, group_id=group) == []
    assert len(place.events("resource_grants.remove", f"grant:{grant['id']}")) == 1
    refused = place.act(live=True, grant=f"{group}/table:agnes_audit")
    assert refused.status_code == 400
    assert "agnes_" in refused.text
    place.page("/admin/access?resource=table:agnes_audit", status=404)


def test_one_reads_who_can_see_it_and_why_and_what_somebody_sees(place: Place) -> None:
    seen = place.page("/admin/access?resource=sessions")
    people = seen[seen.index("Who can see it, and why") :]
    assert people.index("boss@example.org") < people.index("ana@example.org")
    assert "admin: sees everything" in people
    assert re.search(r"group of ana</bdi></u></a> has the grant", people)
    assert "ben@example.org" not in people
    asked = place.page("/admin/access?person=ana@example.org")
    assert "What ana can see" in asked
    assert re.search(r'data-keep="sessions">.*?group of ana', asked)
    assert "Several people" in place.page("/admin/access?person=example.org")
    (grant,) = place.rows(RESOURCE_GRANTS, resource_type="sessions")
    led = place.client.get(f"/admin/access?grant={grant['id']}")
    assert led.status_code == 303
    assert parse_qs(urlsplit(led.headers["Location"]).query) == {"resource": ["sessions"]}


def test_the_api_tells_the_same(place: Place) -> None:
    listed = place.client.get("/api/admin/access", params={"limit": 2}).json()
    assert [row["resource"] for row in listed["rows"]] == ["activity", "telemetry"]
    assert (listed["total"], listed["next_offset"]) == (5, 2)
    sessions = place.client.get("/api/admin/access", params={"resource": "sessions"}).json()
    told = {row["user_email"]: row for row in sessions["rows"]}
    assert told["boss@example.org"]["rule"] == "admin: sees everything"
    assert [group["name"] for group in told["ana@example.org"]["groups"]] == ["group of ana"]
    assert place.client.get("/api/admin/access", params={"resource": "agnes_x"}).status_code == 404
    assert place.client.get("/api/admin/users/nobody/access").status_code == 404
    place.server.cookie(place.ben)
    path = f"/api/admin/users/{place.ben}/browsers"
    (browser,) = place.client.get(path).json()["rows"]
    assert place.client.delete(f"/api/admin/users/{place.ana}/browsers/{browser['id']}").is_error
    assert place.client.delete(f"{path}/{browser['id']}").status_code == 204
    assert place.client.get(path).json()["total"] == 0


def test_a_user_is_added_with_a_link_that_lets_them_in_once(place: Place) -> None:
    fields: Row = {"create_user": "1", "email": "new@example.org", "name": HOSTILE}
    made = place.act("/admin/users?do=create", **fields)
    assert made.status_code == 200
    link = re.search(r'value="(http://[^"]+/login\?link=[^"]+)"', html.unescape(made.text))
    assert link, "shown once, as a page"
    (user,) = place.rows(USERS, email="new@example.org")
    (event,) = place.events("user.sign_in_link", f"user:{user['id']}")
    secret = link[1].partition("link=")[2]
    assert secret not in str(event)
    with place.server.client() as browser:
        assert browser.get("/login", params={"link": secret}).status_code == 303
        assert browser.get("/api/me").json()["email"] == "new@example.org"
        assert browser.get("/login", params={"link": secret}).status_code == 403
    assert HOSTILE not in place.client.get("/admin/users").text
    never = place.page("/admin/users?only=never")
    assert "new@example.org" not in never
    assert place.page("/admin/users?q=NEW@&sort=seen:desc").count('class="at"') == 1
    twice = place.act("/admin/users", live=True, **fields)
    assert twice.status_code == 409
    short = place.act(live=True, create_user="1", email="x@example.org", password="short")
    assert 'data-field="password"' in short.text
    place.page("/admin/users?sort=nothing:asc", status=400)


def test_several_are_deactivated_in_one_go_or_none(place: Place) -> None:
    some = [place.server.person(f"leaver{number}") for number in range(3)]
    fields: Row = {"deactivate_chosen": "1", "chosen": some}
    assert "second thought" in place.act(live=True, **fields).text
    nobody = place.act(live=True, sure="yes", **{**fields, "chosen": [*some, place.boss]})
    assert nobody.status_code == 400
    assert all(place.rows(USERS, id=user)[0]["is_active"] for user in some)
    done = place.done("/admin/users?only=active", sure="yes", **fields)
    assert "And 2 more." in notice(done)
    assert "can be activated again" in notice(done)
    assert not any(place.rows(USERS, id=user)[0]["is_active"] for user in some)
    assert [len(place.events("user.deactivate", f"user:{user}")) for user in some] == [1, 1, 1]


def test_the_last_admin_stays_and_the_page_says_why(place: Place) -> None:
    here = f"/admin/users/{place.boss}?tab=access"
    assert "The last active admin" in place.page(here)
    changes: list[Row] = [
        {"deactivate": place.boss},
        {"update_user": place.boss, "email": "boss@example.org"},
    ]
    for fields in changes:
        refused = place.act(here, live=True, **fields)
        assert refused.status_code == 409
        assert "is the last active admin" in refused.text


def test_the_tab_access_changes_an_account_and_signs_browsers_out(place: Place) -> None:
    user = place.server.person("tab")
    here = f"/admin/users/{user}?tab=access"
    place.server.cookie(user)
    (browser,) = place.rows(WEB_SESSIONS, user_id=user)
    changed = place.done(
        here, update_user=user, email="tabb@example.org", name="Tab", is_admin="yes"
    )
    assert "e-mail" in notice(changed)
    assert "Undo" not in notice(changed)
    same = {"update_user": user, "email": "tabb@example.org", "name": "Tab", "is_admin": "yes"}
    again = place.act(here, live=True, **same)
    assert "Nothing had to be changed." in again.text
    assert "done=" not in again.headers["Content-Location"]
    assert place.rows(USERS, id=user)[0]["is_admin"]
    assert "admin: sees everything" in place.page(here)
    linked = {"id": user, "oidc_subject": "https://sso.example abc"}
    place.server.instance.store.write(
        lambda transaction: transaction.update(USERS, {"id": user}, linked)
    ).result()
    assert "Unlink SSO" in place.page(here)
    assert "SSO changed" in notice(place.done(here, unlink=user))
    assert "Unlink SSO" not in place.page(here)
    out = place.done(here, end_session=browser["id"], user=user)
    assert "A browser of tabb@example.org is signed out." in notice(out)
    assert place.rows(WEB_SESSIONS, user_id=user) == []
    assert len(place.events("auth.logout", f"user:{user}")) == 1
    group = place.group("Joined")
    assert "is in Joined" in notice(place.done(here, join=user, group=group))
    assert "Joined" in place.page(here)
    place.done(here, deactivate=user)
    assert "may sign in again" in notice(place.done(here, activate=user))


def test_tokens_are_made_shown_once_filtered_and_revoked(place: Place) -> None:
    made = place.act(
        "/admin/tokens?do=create", live=True, create_token="1", who="ben", name="ci", kind="agent"
    )
    assert made.status_code == 200, made.text
    secret = re.search(r'value="(agnes_[^"]+)"', made.text)
    assert secret
    with place.server.client(secret[1]) as agent:
        assert agent.get("/api/me").json()["email"] == "ben@example.org"
    assert secret[1] not in place.page(made.headers["Content-Location"])
    at = now()
    old = [
        {
            "id": new_id(),
            "user_id": place.ben,
            "name": f"old {number}",
            "kind": "cli",
            "token_hash": new_id(),
            "created_at": at - timedelta(days=100),
            "expires_at": at + timedelta(days=days),
        }
        for number, days in enumerate((-1, 30, 60))
    ]
    place.server.instance.store.write(Rows(PERSONAL_ACCESS_TOKENS, old)).result()
    assert re.findall(r"<bdi>(old \d)<", place.page("/admin/tokens?only=expired")) == ["old 0"]
    unused = place.page("/admin/tokens?only=unused&sort=expires:asc")
    assert re.findall(r"<bdi>(old \d)<", unused) == ["old 1", "old 2"]
    chosen = [old[1]["id"], old[2]["id"]]
    done = place.done("/admin/tokens", revoke_chosen="1", chosen=chosen, sure="yes")
    assert "make a new token" in notice(done)
    assert len(place.events("token.revoke", f"token:{chosen[0]}")) == 1
    wrong = place.act(live=True, create_token="1", who="example", name="x")
    assert 'data-field="who"' in wrong.text, "several are meant"
    days = place.act(live=True, create_token="1", who="ben", name="x", expires_days="0")
    assert 'data-field="expires_days"' in days.text


def test_a_hostile_name_is_text_on_every_page(place: Place) -> None:
    group = place.group(HOSTILE, place.ben)
    place.done("/admin/access", grant=f"{group}/telemetry")
    for path in (
        "/admin/users",
        f"/admin/users/{place.ben}?tab=access",
        "/admin/groups",
        f"/admin/groups?group={group}&do=delete",
        "/admin/access",
        "/admin/access?resource=telemetry",
        "/admin/access?person=ben@example.org",
        f"/admin/groups?q={HOSTILE}x",
    ):
        sent = place.client.get(path).text
        assert HOSTILE not in sent, path
        assert "&lt;img src=x" in sent, path
    place.act(delete_group=group)


def test_a_form_that_asks_for_nothing_or_too_much_is_refused(place: Place) -> None:
    wrong: list[Row] = [{}, {"nothing": "1"}, {"grant": "a", "ungrant": "b"}, {"undo": "x" * 99}]
    for fields in wrong:
        assert place.act(**fields).status_code == 400
    assert "several things at once" in place.act(grant="a", ungrant="b").text
    assert place.act(undo="no-such-event").status_code == 404
    elsewhere = place.act("//evil.example/x", create_group="1", name="Elsewhere")
    assert elsewhere.headers["Location"].startswith("/admin/access?")


def test_the_palette_finds_groups_for_admins_only(place: Place) -> None:
    group = place.group("Palette readers")
    rows = place.client.get("/api/palette", params={"q": "palette r"}).json()["rows"]
    assert {"kind": "group", "href": f"/admin/groups?group={group}"}.items() <= rows[0].items()
    with place.server.client(place.server.token(place.ana)) as ana:
        assert ana.get("/api/palette", params={"q": "palette r"}).json()["rows"] == []
