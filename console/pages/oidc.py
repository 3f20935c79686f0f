"""`/login/oidc`: to the OpenID provider, back from it, and signing out there too.

What its answer proves is decided in `console.identity.oidc`; here a browser is sent and received.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from console.handler import failure
from console.identity import sign_in
from console.identity.oidc import person
from console.identity.oidc.errors import Refused
from console.identity.oidc.flow import LIFE, Begun
from console.identity.rights import PUBLIC, Right
from console.pages.local_path import local_path
from console.pages.sign_in import Entrance
from schema.errors import AgnesError

COOKIE = "agnes_oidc"
PATH = "/login/oidc"
BACK = f"{PATH}/callback"
_BROUGHT = ("code", "state", "iss", "error")


class ToProvider(Entrance):
    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    @property
    def redirect_uri(self) -> str:
        return self.instance.public_address + BACK

    async def get(self) -> None:
        self.next = local_path(self.argument("next"))
        oidc = self.instance.oidc
        if self.caller.principal is not None or oidc.name is None:
            self.go(self.next if self.caller.principal else "/login")
            return
        address, begun = await oidc.begin(next=self.next, redirect_uri=self.redirect_uri)
        sealed = self.instance.gate.sealed(COOKIE, begun.sealed())
        # Lax, not Strict: the provider's page sends the browser back.
        self.set_cookie(COOKIE, sealed, httponly=True, max_age=int(LIFE), path=PATH)
        self.go(address)


class FromProvider(ToProvider):
    """The return. Whatever comes of it, it counts once."""

    async def get(self) -> None:
        store, desk, oidc = self.instance.store, self.instance.sign_in, self.instance.oidc
        caller = sign_in.stranger(self.caller, "web")
        given = {name: self.argument(name) for name in _BROUGHT if self.argument(name)}
        if not given:  # nobody was sent here
            self.go("/login")
            return
        begun = Begun.read(self.instance.gate.unsealed(self.request, COOKIE, seconds=LIFE))
        self.next = local_path(begun.next)
        await desk.by_provider(store, caller)
        came: person.Person | None = None
        try:
            claims = await oidc.finish(begun, given, redirect_uri=self.redirect_uri)
            self.clear_cookie(COOKIE, path=PATH)
            came = person.person(claims, self.instance.settings)
            create = self.instance.settings.oidc_create_users
            await self.start(person.confirm(caller, came, create=create), "oidc")
        except AgnesError as error:
            # Of another sign-in than the cookie's: that one may go on in another tab.
            if not isinstance(error, Refused) or error.reason != "state":
                self.clear_cookie(COOKIE, path=PATH)
            await self._failed(caller, error, came)
            raise
        desk.limit.succeeded(None, caller.client_ip or "")

    async def _failed(self, caller: Any, error: AgnesError, came: person.Person | None) -> None:
        """One row, without anything that the provider has sent but the e-mail it vouches for. What
        is the provider's fault is not counted against the address, and is one row a minute."""
        refused, address = error if isinstance(error, Refused) else None, caller.client_ip or ""
        if refused is None:
            self.instance.sign_in.limit.succeeded(None, address)
            if not self.instance.recent_reads.first("oidc", address, error.message):
                return
        result = refused.result if refused else failure(error)
        params = {
            "method": "oidc",
            "reason": refused.reason if refused else error.message,
            "email": came.email if came else None,
        }
        user = refused.user if refused else None
        await self.instance.store.awrite(sign_in.failed(caller, user, result, params))


class OutAtProvider(ToProvider):
    """For whoever has signed out here: to the provider's own sign-out, and back."""

    async def get(self) -> None:
        if self.caller.principal is not None or self.instance.oidc.name is None:
            self.go("/logout" if self.caller.principal else "/login")
            return
        back = self.instance.public_address + "/login"
        self.go(await self.instance.oidc.leave(back_to=back))


ROUTES = [
    (PATH, ToProvider),
    (BACK, FromProvider),
    (f"{PATH}/out", OutAtProvider),
]
