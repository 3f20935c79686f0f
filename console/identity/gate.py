"""The one gate: turns a request's cookie or token into a `Caller`, for pages, websockets and API
alike.

It reads; signing in, making tokens and ending sessions is done in `sign_in` and `tokens`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import create_signed_value, decode_signed_value

from console.audit import Caller, new_id, now
from console.identity.job_passes import PREFIX, JobPasses
from console.identity.view_as import Views
from schema.errors import Forbidden
from schema.policy import SURFACES, Principal
from schema.store import Store
from schema.table import rows_of
from schema.tables import (
    PERSONAL_ACCESS_TOKENS,
    RESOURCE_GRANTS,
    USER_GROUP_MEMBERS,
    USER_GROUPS,
    USERS,
    WEB_SESSIONS,
)
from schema.transaction import Transaction

COOKIE = "agnes_session"
TABLES = (
    USERS,
    USER_GROUPS,
    USER_GROUP_MEMBERS,
    RESOURCE_GRANTS,
    PERSONAL_ACCESS_TOKENS,
    WEB_SESSIONS,
)
_NAMES = tuple(table.name for table in TABLES)
_KEPT = 4096
_CORRELATION = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_BEARER = re.compile(r"[Bb]earer +(\S{1,512}) *\Z")
TOUCH = timedelta(minutes=1)


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits; such a secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Found:
    """A credential that was looked up: whose it is, until when it holds."""

    principal: Principal
    expires_at: datetime | None
    token_id: str | None = None
    session_id: str | None = None

    @property
    def credential(self) -> str | None:
        """What it is known by, without the secret; None for the pass of a job."""
        if self.token_id:
            return f"token:{self.token_id}"
        return f"session:{self.session_id}" if self.session_id else None


class Gate:
    """Knows who is asking. Look-ups are remembered until one of the identity tables changes."""

    def __init__(
        self,
        store: Store,
        key: bytes,
        *,
        trusted_proxies: tuple[str, ...] = (),
        secure: bool = False,
    ) -> None:
        self.passes, self.views = JobPasses(), Views()
        self._store = store
        self._key = key
        self._secure = secure
        self._trusted = tuple(
            ipaddress.ip_network(proxy, strict=False) for proxy in trusted_proxies
        )
        self._known: OrderedDict[str, tuple[int, Found | None]] = OrderedDict()
        self._touched: OrderedDict[str, datetime] = OrderedDict()

    async def caller(self, request: HTTPServerRequest) -> Caller:
        """The caller of a request; anonymous (`principal` None) when no valid credential came with
        it. An admin who views as somebody comes as that person."""
        found = await self.find(request)
        credential = found.credential if found else None
        given = request.headers.get("X-Correlation-ID", "")
        return Caller(
            principal=await self._eyes(found.principal, credential) if found else None,
            client_kind=found.principal.kind if found else None,
            client_ip=self.client_ip(request),
            correlation_id=given if _CORRELATION.match(given) else new_id(),
            credential=credential,
        )

    async def find(self, request: HTTPServerRequest) -> Found | None:
        if "Authorization" in request.headers:
            # A token that is wrong is not made good by a cookie that came along.
            bearer = _BEARER.match(request.headers["Authorization"])
            if bearer and bearer[1].startswith(PREFIX):
                return await self._of_pass(bearer[1])
            return await self._look_up("token", bearer[1]) if bearer else None
        secret = self.cookie_secret(request)
        return await self._look_up("session", secret) if secret else None

    async def _of_pass(self, secret: str) -> Found | None:
        """The scheduler, or a script's owner as long as their account is active."""
        held = self.passes.find(secret)
        if held is None or held.owner is None:
            return Found(held.principal, held.expires_at) if held else None
        owner = await self._user(held.owner, held.principal.kind)
        return Found(owner, held.expires_at) if owner else None

    def by_cookie(self, request: HTTPServerRequest) -> bool:
        """True when the caller's credential would be the cookie: such writes need the XSRF
        token."""
        return "Authorization" not in request.headers

    def cookie_secret(self, request: HTTPServerRequest) -> str | None:
        morsel = request.cookies.get(COOKIE)
        value = decode_signed_value(self._key, COOKIE, morsel.value) if morsel else None
        return value.decode() if value else None

    def signed(self, secret: str) -> str:
        """The cookie's value for a session's secret."""
        return create_signed_value(self._key, COOKIE, secret).decode()

    def sealed(self, name: str, text: str) -> str:
        """The value of another cookie `name` that nobody but this console can make."""
        return create_signed_value(self._key, name, text).decode()

    def unsealed(self, request: HTTPServerRequest, name: str, *, seconds: float) -> str | None:
        """What such a cookie of the last `seconds` holds; None for any other."""
        morsel = request.cookies.get(name)
        days = seconds / 86_400
        value = (
            decode_signed_value(self._key, name, morsel.value, max_age_days=days)
            if morsel
            else None
        )
        return value.decode() if value else None

    def is_tls(self, request: HTTPServerRequest) -> bool:
        if self._secure or request.protocol == "https":
            return True
        behind = self._is_trusted(request.remote_ip or "")
        return behind and request.headers.get("X-Forwarded-Proto", "") == "https"

    def client_ip(self, request: HTTPServerRequest) -> str | None:
        """The peer's address; behind trusted proxies the nearest address that is none of them."""
        address = request.remote_ip or None
        if address and self._is_trusted(address):
            for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
                if not _address(hop.strip()):
                    break
                address = hop.strip()
                if not self._is_trusted(address):
                    break
        return address

    async def still(self, caller: Caller) -> Principal | None:
        """The same person as of now, for documents that stay open: None once deactivated. Raises
        Forbidden where the caller has begun or ended to view as somebody since."""
        me = caller.me
        own = await self._user(me.reader, me.kind)
        if own is None:
            return None
        seen = await self._eyes(own, caller.credential)
        if (seen.user_id, seen.view is None) != (me.user_id, me.view is None):
            raise Forbidden(
                "this page was opened with other eyes: viewing as somebody began or ended since",
                detail="Load the page anew.",
            )
        return seen

    async def _eyes(self, me: Principal, credential: str | None) -> Principal:
        """Who sees: the person themselves, or, while an admin views as somebody, that one."""
        held = self.views.of(credential)
        if held is None:
            return me
        return self.views.seen(me, held, await self._user(held.user_id, me.kind))

    async def _user(self, user_id: str, kind: str) -> Principal | None:
        """Somebody with an active account."""
        found = await self._remembered(f"user:{user_id}", lambda: self._of_user(user_id, kind))
        return replace(found.principal, kind=kind) if found else None

    async def _look_up(self, way: str, secret: str) -> Found | None:
        hashed = digest(secret)
        load = self._by_token if way == "token" else self._by_session
        found = await self._remembered(f"{way}:{hashed}", lambda: load(hashed))
        if found is None or (found.expires_at is not None and found.expires_at <= now()):
            return None
        if found.token_id is not None:
            self._touch(found.token_id)
        return found

    async def _remembered(self, key: str, load: Any) -> Found | None:
        version = self._store.version(*_NAMES)
        known = self._known.get(key)
        if known is not None and known[0] == version:
            return known[1]
        found: Found | None = await self._store.offload(load)
        self._known[key] = (version, found)
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found

    def _by_token(self, hashed: str) -> Found | None:
        tokens = rows_of(PERSONAL_ACCESS_TOKENS)
        rows = self._store.read(
            tokens.filter(tokens.token_hash == hashed, tokens.revoked_at.isnull())
        ).to_pylist()
        found = self._of_user(rows[0]["user_id"], rows[0]["kind"]) if rows else None
        return (
            replace(found, expires_at=rows[0]["expires_at"], token_id=rows[0]["id"])
            if found
            else None
        )

    def _by_session(self, hashed: str) -> Found | None:
        sessions = rows_of(WEB_SESSIONS)
        rows = self._store.read(sessions.filter(sessions.secret_hash == hashed)).to_pylist()
        found = self._of_user(rows[0]["user_id"], "web") if rows else None
        return (
            replace(found, expires_at=rows[0]["expires_at"], session_id=rows[0]["id"])
            if found
            else None
        )

    def _of_user(self, user_id: str, kind: str) -> Found | None:
        principal = load_principal(self._store, user_id, kind)
        return Found(principal, None) if principal else None

    def _touch(self, token_id: str) -> None:
        """Note a token's last use, at most once a minute; nobody waits for it."""
        moment = now()
        if moment - self._touched.get(token_id, datetime.min) < TOUCH:
            return
        self._touched[token_id] = moment
        while len(self._touched) > _KEPT:
            self._touched.popitem(last=False)

        def note(transaction: Transaction) -> None:
            transaction.update(PERSONAL_ACCESS_TOKENS, {"id": token_id}, {"last_used_at": moment})

        self._store.write(note)

    def _is_trusted(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def load_principal(store: Store, user_id: str, kind: str) -> Principal | None:
    """An active user with their groups and what these were granted."""
    users, members, grants = rows_of(USERS), rows_of(USER_GROUP_MEMBERS), rows_of(RESOURCE_GRANTS)
    found = store.read(users.filter(users.id == user_id, users.is_active)).to_pylist()
    if not found:
        return None
    mine = members.filter(members.user_id == user_id)
    groups = [row["group_id"] for row in store.read(mine).to_pylist()]
    granted = store.read(grants.filter(grants.group_id.isin(groups))).to_pylist() if groups else []
    return Principal(
        user_id=user_id,
        is_admin=found[0]["is_admin"],
        surfaces=frozenset(
            row["resource_type"] for row in granted if row["resource_type"] in SURFACES
        ),
        tables=frozenset(row["resource_id"] for row in granted if row["resource_type"] == "table"),
        groups=tuple(sorted(groups)),
        email=found[0]["email"],
        name=found[0]["name"] or "",
        kind=kind,
    )


def cookie_key(folder: Path) -> bytes:
    """The key that signs cookies: made once, kept beside the database, readable by its owner
    only."""
    path = folder / "cookie.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_hex(32).encode()
        path.touch(mode=0o600)
        path.write_bytes(key)
        return key


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
