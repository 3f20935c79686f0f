"""Signing in with an OpenID provider, as a browser meets it: there, back, and what the log says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from console.identity.oidc.errors import ProviderDown
from console.identity.oidc.flow import Oidc
from console.identity.oidc.provider import Client, Provider
from schema.tables import USERS, WEB_SESSIONS
from tests.console import stand_in_openid
from tests.console.access_world import World, cookies_set, submit
from tests.console.stand_in_openid import OpenId, ec, rsa

STATE = "agnes_oidc"


@pytest.fixture(scope="module")
def openid() -> Iterator[OpenId]:
    with stand_in_openid.serving() as openid:
        yield openid


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, openid: OpenId) -> Iterator[World]:
    settings = stand_in_openid.settings(openid)
    with World(tmp_path_factory.mktemp("openid"), **settings) as world:
        world.user("Ana@Example.org")
        yield world


@pytest.fixture(autouse=True)
def anew(world: World, openid: OpenId) -> None:
    """Ana signs in; nobody remembers the provider, nor a failure."""
    world.clock.at += 3600
    openid.is_ana()
    world.instance.oidc = Oidc(world.settings)
    linked = {"oidc_subject": None, "is_active": True}
    ana = _ana(world)["id"]
    world.store.write(lambda transaction: transaction.update(USERS, {"id": ana}, linked)).result()


def _ana(world: World) -> dict[str, Any]:
    (row,) = world.rows(USERS, email="Ana@Example.org")
    return row


def there(browser: httpx.Client, next: str = "/me") -> str:
    """Press the button, do what is asked at the provider; the address that it sends back to."""
    sent = browser.get("/login/oidc", params={"next": next})
    assert sent.status_code == 303, sent.text
    came = httpx.get(sent.headers["Location"], trust_env=False)
    return str(came.headers["Location"])


def come(world: World, next: str = "/me") -> httpx.Response:
    """A new browser signs in with the provider; what the console answers at the end."""
    with world.client() as browser:
        return browser.get(there(browser, next))


def refused(world: World, status: int, reason: str, *, result: str = "denied") -> httpx.Response:
    """It fails, is said on the page with the button, and has its row."""
    before = len(world.rows(WEB_SESSIONS))
    answer = come(world)
    assert answer.status_code == status, answer.text
    assert 'role="alert"' in answer.text
    assert 'id="by-provider"' in answer.text
    assert "agnes_session" not in cookies_set(answer)
    assert len(world.rows(WEB_SESSIONS)) == before
    row = world.last("auth.login_failed")
    assert (row["result"], row["params"]["method"]) == (result, "oidc")
    assert reason in row["params"]["reason"]
    return answer


def test_the_button_leads_there_and_back_to_where_one_wanted(world: World) -> None:
    with world.client() as browser:
        page = browser.get("/login?next=/admin/activity%3Fq%3Dx")
        assert "Sign in with Stand-in" in page.text
        sent = browser.get("/login/oidc", params={"next": "/admin/activity?q=x"})
        asked = parse_qs(urlsplit(sent.headers["Location"]).query)
        assert asked["response_type"] == ["code"]
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["scope"] == ["openid email profile"]
        assert len(asked["state"][0]) > 40
        assert asked["state"] != asked["nonce"]
        line = cookies_set(sent)[STATE]
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Max-Age=600" in line
        back = httpx.get(sent.headers["Location"], trust_env=False).headers["Location"]
        answer = browser.get(back)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/activity?q=x")
        assert browser.get("/api/me").json()["email"] == "Ana@Example.org"
    row = world.last("auth.login")
    assert row["params"] == {"method": "oidc"}
    assert (row["user_id"], row["client_kind"]) == (_ana(world)["id"], "web")


def test_no_code_token_or_secret_stands_in_the_log(world: World, openid: OpenId) -> None:
    come(world)
    given = openid.posted[-1]
    everything = str([*world.log("auth.login"), *world.log("user.update")])
    for secret in (given["code"], given["code_verifier"], "access-of-ana", "eyJ"):
        assert secret not in everything
    linked = world.last("user.update")
    assert linked["params"]["oidc_subject"] == f"{openid.address} sub-of-ana"
    assert linked["params_before"]["oidc_subject"] is None


def test_cookies_are_for_tls_only_under_tls(world: World) -> None:
    with world.browser(tls=True) as browser:
        sent = browser.get("/login/oidc")
        assert "Secure" in cookies_set(sent)[STATE]


def test_a_return_counts_once(world: World, openid: OpenId) -> None:
    with world.client() as browser:
        back = there(browser)
        kept = dict(browser.cookies)
        assert browser.get(back).status_code == 303
    with world.client() as again:
        again.cookies.update(kept)
        tokens = openid.asked.count("/token")
        answer = again.get(back)
    assert answer.status_code == 403
    assert "finished already" in answer.text
    assert openid.asked.count("/token") == tokens
    assert world.last("auth.login_failed")["params"]["reason"] == "replayed"


def test_only_the_browser_that_began_it_may_end_it(world: World, openid: OpenId) -> None:
    with world.client() as mine, world.client() as other:
        back = there(mine)
        without = other.get(back)
        there(other)
        with_another = other.get(back)
        assert (without.status_code, with_another.status_code) == (403, 403)
        assert "agnes_session" not in {**cookies_set(without), **cookies_set(with_another)}
        assert "/token" not in openid.asked
        assert mine.get(back).status_code == 303


def test_of_two_tabs_the_later_one_comes_in_whichever_returns_first(world: World) -> None:
    with world.client() as browser:
        earlier, later = there(browser), there(browser)
        assert browser.get(earlier).status_code == 403
        assert browser.get(later).status_code == 303
        assert STATE not in browser.cookies, "it is used up"


def test_a_cookie_of_ones_own_making_is_none(world: World) -> None:
    with world.client() as browser:
        back = there(browser)
        browser.cookies.set(STATE, '{"state":"x"}', path="/login/oidc")
        assert browser.get(back).status_code == 403


def test_a_sign_in_is_over_after_ten_minutes(world: World, monkeypatch: Any) -> None:
    with world.client() as browser:
        back = there(browser)
        real = world.instance.oidc._clock
        monkeypatch.setattr(world.instance.oidc, "_clock", lambda: real() + 601)
        answer = browser.get(back)
    assert answer.status_code == 403
    assert "10 minutes" in answer.text


@pytest.mark.parametrize("next", ["https://elsewhere.example/", "//elsewhere.example", "/\\e.x"])
def test_it_never_leads_to_another_host(world: World, next: str) -> None:
    assert come(world, next).headers["Location"] == "/"


def test_what_the_provider_refuses_is_said_in_our_words(world: World, openid: OpenId) -> None:
    openid.refuses = "access_denied"
    answer = refused(world, 403, "access_denied")
    assert "cancelled" in answer.text
    openid.refuses = "<script>"
    answer = refused(world, 403, "provider")
    assert "words of a stranger" not in answer.text


def test_a_deactivated_account_is_refused_in_the_words_of_a_password(world: World) -> None:
    come(world)  # linked
    id = _ana(world)["id"]
    world.admin.patch(f"/api/admin/users/{id}", json={"is_active": False})
    answer = refused(world, 403, "deactivated", result="deactivated")
    assert "This account is deactivated." in answer.text
    assert world.last("auth.login_failed")["user_id"] == id


def test_a_provider_that_is_down_leaves_the_page_standing(world: World, openid: OpenId) -> None:
    openid.broken = {"/.well-known/openid-configuration"}
    with world.client() as browser:
        answer = browser.get("/login/oidc?next=/me")
        assert answer.status_code == 503
        assert "not available (500)" in answer.text
        assert 'name="password"' in answer.text
        assert "/login/oidc?next=%2Fme" in answer.text
        openid.broken = set()
        assert browser.get(there(browser)).status_code == 303


def test_a_provider_that_is_down_at_the_return_is_no_fault_of_the_person(
    world: World, openid: OpenId
) -> None:
    openid.broken = {"/token"}
    refused(world, 503, "not available", result="error.provider_down")
    rows = len(world.log("auth.login_failed"))
    for _ in range(22):
        assert come(world).status_code == 503
    assert len(world.log("auth.login_failed")) == rows, "a flood is one row a minute"
    openid.broken = set()
    assert come(world).status_code == 303


def test_a_provider_that_does_not_answer_is_not_waited_for(
    world: World, openid: OpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.settings, "oidc_seconds", 0.3)
    world.instance.oidc = Oidc(world.settings)
    openid.answers.clear()
    try:
        with world.client() as browser, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(browser.get, "/login/oidc")
            assert world.admin.get("/healthz").status_code == 200  # the loop is free meanwhile
            answer = asked.result()
    finally:
        openid.answers.set()
    assert answer.status_code == 503
    assert "did not answer within 0.3 s" in answer.text


def test_many_who_come_at_once_wait_once_for_a_provider_that_hangs(openid: OpenId) -> None:
    client = Client(openid.address, "agnes", "", 0.3)

    async def come() -> list[Any]:
        provider = Provider(client)
        together = (provider.about() for _ in range(5))
        failed = await asyncio.gather(*together, return_exceptions=True)
        openid.answers.set()
        assert (await provider.about()).issuer == openid.address, "the next one asks again"
        return failed

    openid.answers.clear()
    try:
        failed = asyncio.run(come())
    finally:
        openid.answers.set()
    assert [type(error) for error in failed] == [ProviderDown] * 5
    assert len(openid.asked) == 2


def test_keys_that_are_no_list_are_none(openid: OpenId, monkeypatch: pytest.MonkeyPatch) -> None:
    async def odd(provider: Provider, method: str, address: str, **options: Any) -> Any:
        return {"keys": 5} if address.endswith("/jwks") else await plain(provider, method, address)

    plain = Provider._json
    monkeypatch.setattr(Provider, "_json", odd)
    assert asyncio.run(Provider(Client(openid.address, "agnes", "", 5.0)).keys()) == []


def test_tries_from_one_address_are_limited(world: World, openid: OpenId) -> None:
    openid.is_ana(email_verified=False)
    codes = [come(world).status_code for _ in range(21)]
    assert codes == [403] * 20 + [429]
    assert world.last("auth.login_failed")["result"] == "blocked"
    world.clock.at += 901
    openid.is_ana()
    assert come(world).status_code == 303


@pytest.mark.parametrize("make", [rsa, ec], ids=["RS256", "ES256"])
def test_new_keys_are_fetched_when_an_unknown_one_signs(
    world: World, openid: OpenId, make: Callable[[str], Any]
) -> None:
    assert come(world).status_code == 303
    openid.key = make("second")
    openid.asked.clear()
    assert come(world).status_code == 303
    assert openid.asked.count("/jwks") == 1
    openid.published = [rsa("a stranger's")]
    openid.key = make("third")
    refused(world, 403, "signature")


def test_what_only_userinfo_tells_counts_for_the_same_subject_alone(
    world: World, openid: OpenId
) -> None:
    openid.is_ana(email=None, email_verified=None)
    openid.userinfo = {"email": "ana@example.org", "email_verified": True}
    assert come(world).status_code == 303
    openid.userinfo |= {"sub": "somebody-else"}
    refused(world, 403, "subject")
    openid.userinfo = {}
    refused(world, 403, "no_email")


def test_userinfo_cannot_vouch_for_the_e_mail_of_the_token(world: World, openid: OpenId) -> None:
    openid.is_ana(email="root@example.org", email_verified=None)
    openid.userinfo = {"email": "ana@example.org", "email_verified": True}
    with world.client() as browser:
        assert browser.get(there(browser)).status_code == 303
        assert browser.get("/api/me").json()["email"] == "Ana@Example.org"
    openid.is_ana(email_verified=None)
    openid.userinfo = {"email_verified": True}
    refused(world, 403, "unverified")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"issuer": "https://elsewhere.example"}, "calls itself something else"),
        ({"token_endpoint": "http://elsewhere.example/token"}, "no usable token_endpoint"),
        ({"jwks_uri": None}, "no usable jwks_uri"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "signs with none of"),
    ],
)
def test_a_provider_that_says_something_else_is_not_believed(
    world: World, openid: OpenId, about: dict[str, Any], words: str
) -> None:
    openid.about = about
    with world.client() as browser:
        answer = browser.get("/login/oidc")
    assert answer.status_code == 502
    assert words in answer.text


def test_signing_out_offers_the_way_out_there_too(world: World) -> None:
    with world.client() as browser:
        browser.get(there(browser))
        browser.get("/logout")
        answer = submit(browser, "/logout")
        assert answer.headers["Location"] == "/login?left=1"
        assert "Sign out of Stand-in too" in browser.get("/login?left=1").text
        out = browser.get("/login/oidc/out").headers["Location"]
        asked = parse_qs(urlsplit(out).query)
        assert urlsplit(out).path == "/end"
        assert asked["post_logout_redirect_uri"] == [f"{world.address}/login"]


def test_without_passwords_neither_form_nor_terminal_takes_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.settings, "password_sign_in", False)
    person = {"email": "root@example.org", "password": "correct horse battery"}
    with world.browser() as browser:
        page = browser.get("/login").text
        assert 'name="password"' not in page
        assert 'id="by-provider"' in page
        assert submit(browser, **person).status_code == 403
        assert browser.post("/api/login", json=person).status_code == 403


def test_without_a_provider_nothing_leads_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.settings, "oidc_issuer", "")
    world.instance.oidc = Oidc(world.settings)
    with world.client() as browser:
        assert 'id="by-provider"' not in browser.get("/login").text
        for path in ("/login/oidc", "/login/oidc/callback", "/login/oidc/out"):
            assert browser.get(path).headers["Location"] == "/login"
