"""A server that speaks as much of OpenID Connect as the console asks for, in a thread: discovery,
keys, a form to sign in with, tokens for codes (PKCE checked), userinfo; wrong, slow or down where a
test says so."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

CLIENT, SECRET = "agnes-console", "stand-in of a client's secret"
_FORM = """<!doctype html><html lang="en"><title>Stand-in provider</title>
<form action="/authorize"><h1>Stand-in provider</h1>{hidden}
<label>E-mail <input name="email"></label><button>Continue</button></form></html>"""


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def ec(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@dataclass
class OpenId:
    """`person`: claims of whoever signs in next (None in a value leaves it out); `about`: what
    differs in the discovery document; `sign` makes an ID token in its own way. While `answers` is
    clear, nothing is answered, though `asked` tells what came. `broken`: paths that answer 500."""

    address: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    key: RSAKey | ECKey = field(default_factory=lambda: rsa("first"))
    published: list[RSAKey | ECKey] | None = None
    sign: Callable[[OpenId, dict[str, Any]], str] | None = None
    refuses: str = ""  # the error that the browser brings back instead of a code
    broken: set[str] = field(default_factory=set)
    form: bool = False  # show a form, as to a browser with a person before it
    asked: list[str] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    def is_ana(self, **claims: Any) -> None:
        """From now on Ana signs in, with these claims besides; all else is as at the start."""
        ana = {"sub": "sub-of-ana", "email": "ana@example.org", "email_verified": True}
        self.person = {**ana, "name": "Ana of the Provider", **claims}
        self.userinfo, self.about, self.refuses, self.sign = {}, {}, "", None
        self.published, self.broken = None, set()
        self.asked.clear()

    def discovery(self) -> dict[str, Any]:
        paths = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "jwks_uri": "/jwks",
            "userinfo_endpoint": "/userinfo",
            "end_session_endpoint": "/end",
        }
        here = {name: self.address + path for name, path in paths.items()}
        said = {"issuer": self.address, **here, **self.about}
        return {name: value for name, value in said.items() if value is not None}

    def id_token(self, nonce: str) -> str:
        at = int(time.time())
        base = {"iss": self.address, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": nonce}
        claims = {**base, **self.person}
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.sign is not None:
            return self.sign(self, claims)
        alg = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        return jwt.encode({"alg": alg, "kid": self.key.kid}, claims, self.key)


class _Any(RequestHandler):
    openid: OpenId

    def initialize(self, openid: OpenId) -> None:
        self.openid = openid

    async def prepare(self) -> None:
        self.openid.asked.append(self.request.path)
        await asyncio.to_thread(self.openid.answers.wait)
        if self.request.path in self.openid.broken:
            self.set_status(500)
            self.finish("<h1>out of order</h1>")

    def answer(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(value))


class _Discovery(_Any):
    def get(self) -> None:
        self.answer(self.openid.discovery())


class _Keys(_Any):
    def get(self) -> None:
        keys = self.openid.published
        keys = [self.openid.key] if keys is None else keys
        self.answer({"keys": [key.as_dict(private=False) for key in keys]})


class _Authorize(_Any):
    def get(self) -> None:
        given = {name: self.get_argument(name) for name in self.request.query_arguments}
        if self.openid.form and "email" not in given:
            fields = (
                f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
                for name, value in given.items()
            )
            self.finish(_FORM.format(hidden="".join(fields)))
            return
        if "email" in given:
            self.openid.is_ana(sub=given["email"].lower(), email=given["email"])
            self.openid.form = True
        assert given["response_type"] == "code"
        assert given["code_challenge_method"] == "S256"
        back = {"state": given["state"]}
        if self.openid.refuses:
            back |= {"error": self.openid.refuses, "error_description": "words of a stranger"}
        else:
            back["code"] = secrets.token_urlsafe(16)
            self.openid.codes[back["code"]] = given
        self.redirect(given["redirect_uri"] + "?" + urlencode(back))


class _Token(_Any):
    def post(self) -> None:
        given = {name: self.get_argument(name) for name in self.request.body_arguments}
        self.openid.posted.append(given)
        pair = f"{CLIENT}:{quote(SECRET, safe='')}"
        expected = base64.b64encode(pair.encode()).decode()
        header = self.request.headers.get("Authorization", "")
        if header != f"Basic {expected}" and given.get("client_secret") != SECRET:
            return self.answer({"error": "invalid_client"}, 401)
        asked = self.openid.codes.pop(given.get("code", ""), None)
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        same = asked is not None and asked["code_challenge"] == challenge
        if asked is None or not same or asked["redirect_uri"] != given.get("redirect_uri"):
            return self.answer({"error": "invalid_grant", "error_description": "no"}, 400)
        tokens = {"access_token": "access-of-ana", "token_type": "Bearer"}
        return self.answer({**tokens, "id_token": self.openid.id_token(asked["nonce"])})


class _UserInfo(_Any):
    def get(self) -> None:
        if self.request.headers.get("Authorization") != "Bearer access-of-ana":
            return self.answer({"error": "invalid_token"}, 401)
        return self.answer({"sub": self.openid.person.get("sub"), **self.openid.userinfo})


class _End(_Any):
    def get(self) -> None:
        self.redirect(self.get_argument("post_logout_redirect_uri"))


ROUTES: list[tuple[str, type[_Any]]] = [
    (r"/\.well-known/openid-configuration", _Discovery),
    (r"/jwks", _Keys),
    (r"/authorize", _Authorize),
    (r"/token", _Token),
    (r"/userinfo", _UserInfo),
    (r"/end", _End),
]


@contextmanager
def serving() -> Iterator[OpenId]:
    openid, ready, end = OpenId(), threading.Event(), asyncio.Event()
    openid.is_ana()
    found: dict[str, Any] = {}

    async def forever() -> None:
        (socket,) = bind_sockets(0, "127.0.0.1")
        routes = [(path, handler, {"openid": openid}) for path, handler in ROUTES]
        server = HTTPServer(Application(routes, log_function=lambda handler: None))
        server.add_sockets([socket])
        openid.address = f"http://127.0.0.1:{socket.getsockname()[1]}"
        found["loop"] = asyncio.get_running_loop()
        ready.set()
        await end.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(forever()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield openid
    finally:
        openid.answers.set()
        found["loop"].call_soon_threadsafe(end.set)
        thread.join(30)


def settings(openid: OpenId) -> dict[str, Any]:
    """The settings of a console that signs in with it."""
    return {
        "AGNES_OIDC_ISSUER": openid.address,
        "AGNES_OIDC_CLIENT_ID": CLIENT,
        "AGNES_OIDC_CLIENT_SECRET": SECRET,
        "AGNES_OIDC_NAME": "Stand-in",
        "AGNES_OIDC_SECONDS": "5",
    }
