"""The OpenID provider: what it says of itself, its keys, and what it gives for a code.

Nothing but what the settings name, and what that names in turn, is asked; each answer is bounded in
size and time, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson

from console.credentials import is_this_machine
from console.identity.oidc.errors import AGAIN, ProviderDown, ProviderError, Untrusted
from console.settings import Settings

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT = 3600.0  # seconds that what it says of itself is believed
_ANSWER = 1 << 20  # bytes of an answer at most
_OURS = ("RS256", "ES256")
Json = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """What the console is at the provider. `seconds`: for a whole answer."""

    issuer: str
    id: str
    secret: str = field(repr=False)
    seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Client | None:
        """The one that the settings name, if they do."""
        issuer, id = settings.oidc_issuer.strip(), settings.oidc_client_id.strip()
        if not issuer or not id:
            return None
        return cls(issuer, id, settings.oidc_client_secret.strip(), settings.oidc_seconds)


@dataclass(frozen=True)
class About:
    """What a provider says of itself, as far as it is used. `basic`: it takes the client's secret
    in a header."""

    issuer: str
    authorize: str
    token: str
    keys: str
    person: str | None
    end: str | None
    basic: bool


class Provider:
    """Remembers what the provider says of itself for an hour. For one event loop."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._clock = clock
        self._one = asyncio.Lock()  # many who come at once are one question
        self._about: tuple[float, About] | None = None
        self._keys: tuple[float, list[Json]] | None = None
        self._failures = 0
        self._last: ProviderDown | ProviderError | None = None

    async def about(self) -> About:
        """Raises ProviderDown, ProviderError."""
        came = self._failures
        async with self._one:
            if self._about is None or self._clock() - self._about[0] >= KEPT:
                address = self.client.issuer.rstrip("/") + WELL_KNOWN
                said = await self._shared(came, address)
                self._about = (self._clock(), about_of(said, self.client))
            return self._about[1]

    async def keys(self, *, anew: bool = False) -> list[Json]:
        """The public keys it signs with, as JWK; `anew` after one that nobody knows."""
        about, came = await self.about(), self._failures
        async with self._one:
            if anew or self._keys is None or self._clock() - self._keys[0] >= KEPT:
                found = (await self._shared(came, about.keys)).get("keys")
                every = found if isinstance(found, list) else []
                self._keys = (self._clock(), [key for key in every if isinstance(key, dict)])
            return self._keys[1]

    async def _shared(self, came: int, address: str) -> Json:
        """What it answers. Who came before a question failed shares its failure: else everybody
        would wait for a time-out of their own, one after another."""
        if self._last is not None and self._failures > came:
            raise type(self._last)(self._last.message, detail=self._last.detail)
        try:
            return await self._json("GET", address)
        except (ProviderDown, ProviderError) as error:
            self._failures, self._last = self._failures + 1, error
            raise

    async def tokens(self, code: str, *, verifier: str, redirect_uri: str) -> Json:
        """What it gives for a code, an `id_token` at least. Raises also Untrusted, for a code that
        it does not take."""
        about, client = await self.about(), self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        auth = None
        if client.secret and about.basic:
            auth = httpx.BasicAuth(quote(client.id, safe=""), quote(client.secret, safe=""))
        else:
            form |= {"client_id": client.id}
            form |= {"client_secret": client.secret} if client.secret else {}
        answer = await self._json("POST", about.token, data=form, auth=auth)
        if not isinstance(answer.get("id_token"), str):
            raise ProviderError("the sign-in provider gave no ID token", detail=_SETTINGS)
        return answer

    async def person(self, access_token: object) -> Json:
        """What its userinfo endpoint tells, {} where it has none."""
        address = (await self.about()).person
        if address is None or not isinstance(access_token, str) or not _header(access_token):
            return {}
        return await self._json("GET", address, headers={"Authorization": f"Bearer {access_token}"})

    async def _json(self, method: str, address: str, **options: Any) -> Json:
        """One answer as a JSON object."""
        seconds = self.client.seconds
        try:
            async with asyncio.timeout(seconds):
                status, content = await _answer(method, address, seconds, options)
        except (TimeoutError, httpx.TimeoutException):
            raise ProviderDown(
                f"the sign-in provider did not answer within {seconds:g} s", detail=_LATER
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its own text may hold what was sent.
            raise ProviderDown(
                f"the sign-in provider cannot be reached ({type(error).__name__})", detail=_LATER
            ) from None
        return _object(method, status, content)


_LATER = "Try again in a moment; a one-time link from an admin works meanwhile."
_SETTINGS = "An admin finds what to check with `agnes doctor`."


async def _answer(
    method: str, address: str, seconds: float, options: Mapping[str, Any]
) -> tuple[int, bytes]:
    here = is_this_machine(address)
    plain = here and urlsplit(address).scheme == "http"
    headers = {"Accept": "application/json", **options.get("headers", {})}
    async with (
        httpx.AsyncClient(
            timeout=seconds, follow_redirects=False, trust_env=not here, verify=not plain
        ) as client,
        client.stream(method, address, **{**options, "headers": headers}) as response,
    ):
        content = b""
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > _ANSWER:
                raise ProviderError(f"the sign-in provider's answer is over {_ANSWER >> 10} KB")
        return response.status_code, content


def _object(method: str, status: int, content: bytes) -> Json:
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        said = None
    if httpx.codes.is_success(status) and isinstance(said, dict):
        return said
    if method == "POST" and isinstance(said, dict) and said.get("error") == "invalid_grant":
        raise Untrusted(
            "the sign-in provider does not take its own code: it was used, or is too old",
            reason="code",
            detail=AGAIN,
        )
    if method == "POST" and status in (400, 401, 403):
        raise ProviderError(
            f"the sign-in provider refuses the console ({status})", detail=_SETTINGS
        )
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        raise ProviderDown(f"the sign-in provider is not available ({status})", detail=_LATER)
    what = f"answered {status}" if not httpx.codes.is_success(status) else "sent no JSON object"
    raise ProviderError(f"the sign-in provider {what}", detail=_SETTINGS)


def about_of(said: Json, client: Client) -> About:
    """Raises ProviderError, where it calls itself something else or lacks what is needed."""
    if str(said.get("issuer")).rstrip("/") != client.issuer.rstrip("/"):
        raise ProviderError(
            "the sign-in provider calls itself something else than AGNES_OIDC_ISSUER",
            detail=_SETTINGS,
        )
    algorithms = said.get("id_token_signing_alg_values_supported")
    if isinstance(algorithms, list) and not set(_OURS) & {str(one) for one in algorithms}:
        raise ProviderError(
            f"the sign-in provider signs with none of {', '.join(_OURS)}", detail=_SETTINGS
        )
    ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return About(
        issuer=said["issuer"],
        authorize=_address(said, "authorization_endpoint", needed=True) or "",
        token=_address(said, "token_endpoint", needed=True) or "",
        keys=_address(said, "jwks_uri", needed=True) or "",
        person=_address(said, "userinfo_endpoint"),
        end=_address(said, "end_session_endpoint"),
        basic="client_secret_basic" in ways if isinstance(ways, list) else True,
    )


def _address(said: Json, name: str, *, needed: bool = False) -> str | None:
    """An address with TLS, or of this machine."""
    text = said.get(name)
    if text is None and not needed:
        return None
    try:
        parts = urlsplit(text) if isinstance(text, str) else urlsplit("")
    except ValueError:
        parts = urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(str(text)))
    if not safe or not parts.hostname or parts.fragment or parts.username or parts.password:
        raise ProviderError(f"the sign-in provider names no usable {name}", detail=_SETTINGS)
    return str(text)


def _header(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
