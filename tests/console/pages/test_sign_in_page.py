"""`/login` and `/logout` as a browser meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest

from console.audit import now
from console.identity import web_sessions
from console.identity.gate import digest
from console.identity.sign_in import make_link
from schema.errors import Conflict, NotFound
from schema.tables import SIGN_IN_LINKS, WEB_SESSIONS
from tests.console.access_world import PASSWORD, World, cookies_set, submit

COOKIE = "agnes_session"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("pages")) as world:
        yield world


@pytest.fixture(autouse=True)
def long_after(world: World) -> None:
    """No test is blocked by the failures of the one before."""
    world.clock.at += 3600


class Form(HTMLParser):
    """The fields of a page, and the ids that its labels name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, str | None]] = {}
        self.labels: set[str | None] = set()
        self.roles: set[str | None] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input":
            self.fields[found.get("name") or ""] = found
        if tag == "label":
            self.labels.add(found.get("for"))
        self.roles.add(found.get("role"))


def expire(world: World, table: object, **equal: str) -> None:
    past = {"expires_at": now() - timedelta(seconds=1)}
    world.store.write(
        lambda transaction: transaction.update(table, equal, past)  # type: ignore[arg-type]
    ).result()


def sign_in(world: World, browser: httpx.Client, **fields: str) -> httpx.Response:
    """Somebody new signs in."""
    person = world.instance.people.get(world.user(password=PASSWORD))
    assert person is not None
    answer = submit(browser, email=person.email, password=PASSWORD, **fields)
    assert answer.status_code == 303
    return answer


def test_the_form_is_plain_labelled_html(world: World) -> None:
    with world.client() as client:
        answer = client.get("/login?next=/me")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    form = Form(answer.text)
    assert form.fields["next"]["value"] == "/me"
    assert form.fields["email"]["autocomplete"] == "username"
    assert form.fields["password"]["autocomplete"] == "current-password"
    assert form.fields["password"]["type"] == "password"
    assert {form.fields["email"]["id"], form.fields["password"]["id"]} == form.labels
    assert "autofocus" in form.fields["email"]
    assert form.fields["_xsrf"]["value"]
    assert "alert" not in form.roles


def test_a_person_signs_in_and_gets_where_they_wanted(world: World) -> None:
    user = world.user("visitor@example.org", password=PASSWORD)
    with world.browser(address="10.1.1.1") as browser:
        answer = submit(browser, email="Visitor@example.org", password=PASSWORD, next="/me?a=1")
        assert answer.status_code == 303
        assert answer.headers["Location"] == "/me?a=1"
        me = browser.get("/api/me").json()
        assert (me["id"], me["kind"]) == (user, "web")
        again = browser.get("/login?next=/me")
        assert (again.status_code, again.headers["Location"]) == (303, "/me")
    line = cookies_set(answer)[COOKIE]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/" in line
    assert "Max-Age=43200" in line
    assert "Secure" not in line
    (session,) = world.rows(WEB_SESSIONS, user_id=user)
    assert session["client_ip"] == "10.1.1.1"
    assert session["expires_at"] - session["created_at"] == timedelta(hours=12)
    logged = world.last("auth.login", user_id=user)
    assert (logged["params"], logged["client_kind"]) == ({"method": "password"}, "web")


def test_cookies_are_for_tls_only_where_there_is_tls(world: World) -> None:
    world.user("tls@example.org", password=PASSWORD)
    with world.browser(tls=True) as browser:
        form = browser.get("/login")
        # An http client keeps a cookie that is for TLS to itself; the browser behind TLS sends it.
        xsrf = Form(form.text).fields["_xsrf"]["value"] or ""
        fields = {"email": "tls@example.org", "password": PASSWORD, "_xsrf": xsrf}
        answer = browser.post("/login", data=fields, headers={"Cookie": f"_xsrf={xsrf}"})
    for line in (cookies_set(form)["_xsrf"], cookies_set(answer)[COOKIE]):
        assert "Secure" in line
        assert "SameSite=Lax" in line


def test_the_xsrf_cookie_stays_on_this_site_and_scripts_may_read_it(world: World) -> None:
    with world.client() as client:
        line = cookies_set(client.get("/login"))["_xsrf"]
    assert "SameSite=Lax" in line
    assert "HttpOnly" not in line


def test_a_form_from_elsewhere_signs_nobody_in(world: World) -> None:
    user = world.user("forged@example.org", password=PASSWORD)
    fields = {"email": "forged@example.org", "password": PASSWORD}
    with world.client() as client, world.browser() as browser:
        for answer in (
            client.post("/login", data=fields),
            client.post("/login", data={**fields, "_xsrf": "2|aaaaaaaa|bbbb|1"}),
            browser.post("/login", data=fields),
            browser.post("/login", data={**fields, "_xsrf": "nonsense"}),
        ):
            assert answer.status_code == 403
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert COOKIE not in cookies_set(answer)
            assert "alert" in Form(answer.text).roles
    assert world.rows(WEB_SESSIONS, user_id=user) == []


def test_a_wrong_password_says_so_on_the_page_and_keeps_the_e_mail(world: World) -> None:
    with world.browser() as browser:
        answer = submit(browser, email="no@example.org", password="x" * 20, next="/me")
    assert answer.status_code == 401
    form = Form(answer.text)
    assert "The e-mail or the password is wrong." in answer.text
    assert "alert" in form.roles
    assert form.fields["email"]["value"] == "no@example.org"
    assert form.fields["next"]["value"] == "/me"
    assert "value" not in form.fields["password"]
    assert "autofocus" in form.fields["password"]
    assert "x" * 20 not in answer.text


def test_too_many_tries_are_told_on_the_page(world: World) -> None:
    world.user("hammered@example.org", password=PASSWORD)
    with world.browser() as browser:
        for _ in range(5):
            submit(browser, email="hammered@example.org", password="x" * 20)
        answer = submit(browser, email="hammered@example.org", password=PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "900"
    assert "15 minutes" in answer.text


@pytest.mark.parametrize(
    "fields",
    [{}, {"email": "a@b.org"}, {"password": "x"}, {"email": " ", "password": "x"}],
)
def test_an_empty_form_is_answered_with_the_form(world: World, fields: dict[str, str]) -> None:
    with world.browser() as browser:
        answer = submit(browser, **fields)
    assert answer.status_code == 400
    assert "both needed" in answer.text


def test_what_people_type_is_escaped(world: World) -> None:
    typed = '"><script>alert(1)</script>@example.org'
    with world.browser() as browser:
        answer = submit(browser, email=typed, password="x" * 20, next='/"><script>')
    assert "<script>alert" not in answer.text
    assert Form(answer.text).fields["email"]["value"] == typed
    assert '"><script>' not in answer.text


@pytest.mark.parametrize(
    "body", [b"email=%ff&password=x", b"email=a@b.org&password=%ff", b"email=a&email=b", b"\xff\0"]
)
def test_a_form_that_cannot_be_read_is_no_server_error(world: World, body: bytes) -> None:
    with world.browser() as browser:
        xsrf = browser.cookies["_xsrf"]
        kind = {"Content-Type": "application/x-www-form-urlencoded", "X-XSRFToken": xsrf}
        answer = browser.post("/login", content=body, headers=kind)
    assert answer.status_code == 400
    assert "text/html" in answer.headers["Content-Type"]


@pytest.mark.parametrize("next", ["//evil.example", "https:evil.example", "x\r\nSet-Cookie: a=b"])
def test_signing_in_never_leads_away(world: World, next: str) -> None:
    with world.browser() as browser:
        form = Form(browser.get("/login", params={"next": next}).text)
        assert form.fields["next"]["value"] == "/"
        answer = sign_in(world, browser, next=next)
        assert answer.headers["Location"] == "/"
        assert "a" not in cookies_set(answer)


def test_signing_in_again_ends_the_session_before(world: World) -> None:
    user = world.user("again@example.org", password=PASSWORD)
    with world.browser() as browser:
        submit(browser, email="again@example.org", password=PASSWORD)
        old = browser.cookies[COOKIE]
        submit(browser, email="again@example.org", password=PASSWORD)
        assert browser.cookies[COOKIE] != old
        assert len(world.rows(WEB_SESSIONS, user_id=user)) == 1
        browser.cookies.set(COOKIE, old, domain="127.0.0.1")
    with world.client() as thief:
        thief.cookies.set(COOKIE, old)
        assert thief.get("/api/me").status_code == 401


def test_a_session_ends_by_itself(world: World) -> None:
    user = world.user("late@example.org", password=PASSWORD)
    with world.browser() as browser:
        submit(browser, email="late@example.org", password=PASSWORD)
        assert browser.get("/api/me").status_code == 200
        expire(world, WEB_SESSIONS, user_id=user)
        assert browser.get("/api/me").status_code == 401


def test_what_is_over_is_swept(world: World) -> None:
    user, other = world.user("swept@example.org", password=PASSWORD), world.user()
    with world.browser() as browser:
        submit(browser, email="swept@example.org", password=PASSWORD)
    make_link(world.store, other)
    expire(world, WEB_SESSIONS, user_id=user)
    expire(world, SIGN_IN_LINKS, user_id=other)
    world.store.write(web_sessions.sweep(now())).result()
    assert world.rows(WEB_SESSIONS, user_id=user) == []
    assert len(world.rows(SIGN_IN_LINKS, user_id=other)) == 1  # a day longer, to say why it failed
    world.store.write(web_sessions.sweep(now() + timedelta(days=2))).result()
    assert world.rows(SIGN_IN_LINKS, user_id=other) == []


def test_a_forged_or_broken_cookie_opens_nothing(world: World) -> None:
    for value in ("nonsense", "2|1:0|10:1|13:agnes_session|4:eHh4|00", ""):
        with world.client() as client:
            client.cookies.set(COOKIE, value)
            assert client.get("/api/me").status_code == 401
            assert client.get("/login").status_code == 200


# One-time links


def test_a_link_signs_in_once(world: World) -> None:
    user = world.user("linked@example.org")
    secret = make_link(world.store, user)
    with world.client() as first, world.client() as second:
        answer = first.get("/login", params={"link": secret, "next": "/me"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/me")
        assert first.get("/api/me").json()["id"] == user
        again = second.get("/login", params={"link": secret})
        assert again.status_code == 403
        assert "used already" in again.text
        assert "Sign in with your password" in again.text
        assert "password" in Form(again.text).fields
        assert second.get("/api/me").status_code == 401
    assert world.last("auth.login", user_id=user)["params"] == {"method": "link"}
    failed = world.last("auth.login_failed", user_id=user)
    assert failed["result"] == "denied"
    assert failed["params"]["method"] == "link"


def test_a_link_used_many_times_at_once_signs_in_once(world: World) -> None:
    user = world.user()
    secret = make_link(world.store, user)

    def use(_: int) -> int:
        with world.client() as client:
            return client.get("/login", params={"link": secret}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [303] + [403] * 7
    assert len(world.rows(WEB_SESSIONS, user_id=user)) == 1


def test_a_link_that_is_too_old_unknown_or_for_nobody_says_why(world: World) -> None:
    old, gone = world.user(), world.user()
    links = make_link(world.store, old), make_link(world.store, gone), "unknown"
    expire(world, SIGN_IN_LINKS, secret_hash=digest(links[0]))
    world.admin.delete(f"/api/admin/users/{gone}")
    before = len(world.log("auth.login_failed"))
    with world.client() as client:
        texts = [client.get("/login", params={"link": link}).text for link in links]
    assert "older than 15 minutes" in texts[0]
    assert "not known here" in texts[1]
    assert "not known here" in texts[2]
    assert len(world.log("auth.login_failed")) == before + 1


def test_a_link_is_made_for_active_users_only(world: World) -> None:
    off = world.user(is_active=False)
    with pytest.raises(Conflict, match="deactivated"):
        make_link(world.store, off)
    with pytest.raises(NotFound, match="nobody"):
        make_link(world.store, "nobody")


# Signing out


def test_signing_out_asks_first_and_then_ends_the_session(world: World) -> None:
    with world.browser() as browser:
        sign_in(world, browser)
        user = browser.get("/api/me").json()["id"]
        asked = browser.get("/logout")
        assert asked.status_code == 200
        assert browser.get("/api/me").status_code == 200
        assert Form(asked.text).fields["_xsrf"]["value"]
        assert re.search(r"signed in as <b>user\d+@example\.org</b>", asked.text)
        answer = submit(browser, "/logout")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
        assert COOKIE not in browser.cookies
        assert browser.get("/api/me").status_code == 401
    assert world.rows(WEB_SESSIONS, user_id=user) == []
    logged = world.last("auth.logout", user_id=user)
    assert (logged["client_kind"], logged["resource"]) == ("web", f"user:{user}")
    assert "secret_hash" not in logged["params_before"]


def test_another_site_signs_nobody_out(world: World) -> None:
    with world.browser() as browser:
        sign_in(world, browser)
        answer = browser.post("/logout")
        assert answer.status_code == 403
        assert "text/html" in answer.headers["Content-Type"]
        assert browser.get("/api/me").status_code == 200


def test_who_is_not_signed_in_is_led_to_the_form(world: World) -> None:
    with world.browser() as browser:
        for answer in (browser.get("/logout"), submit(browser, "/logout")):
            assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


def test_other_methods_are_answered_with_a_page(world: World) -> None:
    with world.client() as client:
        answer = client.delete("/login")
    assert answer.status_code in (401, 405)
    assert "text/html" in answer.headers["Content-Type"]
