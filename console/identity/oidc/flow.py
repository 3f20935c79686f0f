"""One sign-in with the provider: where the browser is sent, and what its return proves.

What belongs to it (state, nonce, PKCE verifier, where to go then) travels in a sealed cookie of the
browser that began it, so nothing is kept here for strangers who never come back. A return is taken
once, within ten minutes, by that browser alone.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from console.identity.oidc.errors import Refused, Untrusted
from console.identity.oidc.provider import Client, Json, Provider
from console.settings import Settings

LIFE = 600.0  # seconds from the button to the return
_USED = 10_000  # returns that are remembered
_WORDS = {"access_denied": "was cancelled there", "login_required": "asks to sign in there first"}


@dataclass(frozen=True)
class Begun:
    """A sign-in that is under way. `at`: seconds since 1970."""

    state: str
    nonce: str
    verifier: str
    next: str
    at: float

    @classmethod
    def read(cls, sealed: str | None) -> Begun:
        """What the cookie of this browser says. Raises Untrusted where it holds none."""
        try:
            given = orjson.loads(sealed or "")
            return cls(**given)
        except (orjson.JSONDecodeError, TypeError):
            raise Untrusted(
                "this browser has not begun this sign-in, or more than 10 minutes ago",
                reason="state",
            ) from None

    def sealed(self) -> str:
        return orjson.dumps(asdict(self)).decode()


class Oidc:
    """Signing in with the provider that the settings name. One a server, for its event loop.
    `clock`: seconds since 1970."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._used: OrderedDict[str, None] = OrderedDict()
        client = Client.of(settings)
        self.provider = Provider(client) if client else None

    @property
    def name(self) -> str | None:
        """What the button says; None where no provider is set up."""
        return self._settings.oidc_name if self.provider else None

    async def begin(self, *, next: str, redirect_uri: str) -> tuple[str, Begun]:
        """Where to send the browser, and what it has to bring back. Raises ProviderDown,
        ProviderError."""
        provider = self._there()
        about = await provider.about()
        begun = Begun(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=next,
            at=self._clock(),
        )
        challenge = hashlib.sha256(begun.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": provider.client.id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.oidc_scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return _with(about.authorize, asked), begun

    async def finish(self, begun: Begun, given: Mapping[str, str], *, redirect_uri: str) -> Json:
        """The claims of whoever came back with `given`. Raises Refused, ProviderDown,
        ProviderError."""
        self._use_up(begun, given.get("state", ""))
        if code := given.get("error"):
            reason = code if code in _WORDS else "provider"
            words = _WORDS.get(code, "was refused there")
            raise Refused(
                f"the sign-in {words}", reason=reason, detail="Try again, or choose another way."
            )
        provider = self._there()
        about = await provider.about()
        if given.get("iss", about.issuer) != about.issuer:  # RFC 9207
            raise Untrusted("another provider has answered", reason="issuer")
        if not given.get("code"):
            raise Untrusted("the sign-in provider sent no code", reason="code")
        tokens = await provider.tokens(
            given["code"], verifier=begun.verifier, redirect_uri=redirect_uri
        )
        claims = await self._verified(provider, tokens["id_token"], begun.nonce)
        return await self._whole(provider, claims, tokens.get("access_token"))

    async def leave(self, *, back_to: str) -> str:
        """Where to send a browser that is to be signed out at the provider too; `back_to` itself
        where that offers no such thing."""
        provider = self._there()
        about = await provider.about()
        if about.end is None:
            return back_to
        asked = {"client_id": provider.client.id, "post_logout_redirect_uri": back_to}
        return _with(about.end, asked)

    def _there(self) -> Provider:
        if self.provider is None:
            raise Refused(
                "no sign-in provider is set up", reason="none", detail="Use another way to sign in."
            )
        return self.provider

    def _use_up(self, begun: Begun, state: str) -> None:
        """Raises Untrusted for a state of another sign-in, one that is too old or was used."""
        late = not 0 <= self._clock() - begun.at + 1 <= LIFE
        same = hmac.compare_digest(begun.state.encode(), state.encode("utf-8", "replace"))
        if late or not same:
            raise Untrusted(
                "this browser has not begun this sign-in, or more than 10 minutes ago",
                reason="state",
            )
        if begun.state in self._used:
            raise Untrusted("this sign-in was finished already", reason="replayed")
        self._used[begun.state] = None
        while len(self._used) > _USED:
            self._used.popitem(last=False)

    async def _verified(self, provider: Provider, token: str, nonce: str) -> Json:
        """Its claims; with the provider's keys of now, where the known ones do not fit."""
        from console.identity.oidc.claims import Expected, UnknownKey, verified

        about = await provider.about()
        expected = Expected(about.issuer, provider.client.id, nonce, self._clock())
        keys = await provider.keys()
        try:
            return await asyncio.to_thread(verified, token, keys, expected)
        except UnknownKey:
            keys = await provider.keys(anew=True)
            return await asyncio.to_thread(verified, token, keys, expected)

    async def _whole(self, provider: Provider, claims: Json, access_token: Any) -> Json:
        """With what some providers tell only at their userinfo endpoint."""
        top = self._settings.oidc_groups_claim.partition(".")[0]
        needed = ("email", "email_verified", *([top] if top else []))
        if all(name in claims for name in needed):
            return claims
        more = await provider.person(access_token)
        if not more:
            return claims
        if more.get("sub") != claims["sub"]:
            raise Untrusted("the sign-in provider tells of somebody else", reason="subject")
        return _both(claims, more)


def _both(claims: Json, more: Json) -> Json:
    """What the token says counts. An e-mail and whether it is verified come from one place: the
    word for one must not vouch for another."""
    whole = {**more, **claims}
    pair = ("email", "email_verified")
    if not claims.keys() >= set(pair):
        one = more if "email" in more else claims
        whole = {name: value for name, value in whole.items() if name not in pair}
        whole |= {name: one[name] for name in pair if name in one}
    return whole


def _with(address: str, asked: Mapping[str, str]) -> str:
    return address + ("&" if "?" in address else "?") + urlencode(asked)
