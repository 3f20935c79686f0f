"""`/login` and `/logout`: the form, the one-time link, the way out. Plain HTML that works without
scripts.

What is a right password or a good link is decided in `console.identity.sign_in`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from markupsafe import Markup

from console.handler import Handler
from console.identity import sign_in, web_sessions
from console.identity.gate import COOKIE
from console.identity.rights import PUBLIC, Right
from console.pages.local_path import HOME, local_path
from console.pages.render import render
from schema.errors import AgnesError, BadRequest, Forbidden

_SEE_OTHER = 303
_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class FormPage(Handler):
    """A page with one form. Its errors are the same page, with the reason."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC, "POST": PUBLIC}
    template: ClassVar[str]

    def context(self) -> dict[str, Any]:
        """What the template needs besides the error."""
        return {}

    def show(self, error: AgnesError | None = None) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        xsrf = Markup(self.xsrf_form_html())
        self.finish(render(self.template, error=error, xsrf=xsrf, **self.context()))

    def show_error(self, error: AgnesError) -> None:
        self.show(error)

    def go(self, path: str) -> None:
        self.redirect(path, status=_SEE_OTHER)

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **options: Any) -> None:
        """Every cookie of these pages, the XSRF one too, stays on this site and, under TLS, on
        TLS."""
        secure = self.instance.gate.is_tls(self.request)
        super().set_cookie(name, value, *args, **{"samesite": "Lax", "secure": secure, **options})

    def text(self, name: str) -> str:
        """A field of the form, "" when it is missing. Raises BadRequest, which never repeats it."""
        values = self.request.body_arguments.get(name, [b""])
        try:
            (value,) = values
            return value.decode()
        except ValueError:
            raise BadRequest(f"the field {name} cannot be read", detail="Type it again.") from None

    def argument(self, name: str) -> str:
        """An argument of the address, "" when it is missing, repeated or unreadable."""
        values = self.request.query_arguments.get(name, [])
        return values[0].decode(errors="replace") if len(values) == 1 else ""


class Entrance(FormPage):
    """A page that signs in, or says why not: the form and the provider's button."""

    template: ClassVar[str] = "login.html"
    email = ""
    next = HOME
    left = False  # signed out just now

    def context(self) -> dict[str, Any]:
        settings, provider = self.instance.settings, self.instance.oidc.name
        return {
            "email": self.email,
            "next": self.next,
            "provider": provider,
            "by_provider": "/login/oidc?" + urlencode({"next": self.next}),
            "passwords": settings.password_sign_in,
            "left": self.left,
        }

    async def start(self, confirm: sign_in.Confirm, method: str) -> None:
        """Open a web session in place of the one this browser had, and go on to where it wanted."""
        gate, hours = self.instance.gate, self.instance.settings.session_hours
        secret = secrets.token_urlsafe(32)
        step = web_sessions.start(
            sign_in.stranger(self.caller, "web"),
            confirm,
            method=method,
            secret=secret,
            hours=hours,
            instead_of=gate.cookie_secret(self.request),
        )
        await self.instance.store.awrite(step)
        self.instance.sign_in.sweep(self.instance.store)
        self.set_cookie(COOKIE, gate.signed(secret), httponly=True, max_age=hours * 3600)
        self.go(self.next)


class Login(Entrance):
    """The form; with `?link=` a sign-in without a password."""

    async def get(self) -> None:
        self.next = local_path(self.argument("next"))
        self.left = bool(self.argument("left"))
        if link := self.argument("link"):
            await self._by_link(link)
        elif self.caller.principal is not None:
            self.go(self.next)
        else:
            self.show()

    async def post(self) -> None:
        self.next = local_path(self.text("next"))
        self.email = self.text("email").strip()
        self.check_xsrf_cookie()
        sign_in.with_passwords(self.instance.settings)
        password = self.text("password")
        if not self.email or not password:
            raise BadRequest("e-mail and password are both needed", detail="Fill in both fields.")
        caller = sign_in.stranger(self.caller, "web")
        store, desk = self.instance.store, self.instance.sign_in
        confirm = await desk.by_password(store, caller, self.email, password)
        await self.start(confirm, "password")

    async def _by_link(self, link: str) -> None:
        try:
            await self.start(sign_in.by_link(link), "link")
        except Forbidden as error:
            caller = sign_in.stranger(self.caller, "web")
            await sign_in.link_failed(self.instance.store, caller, link, error)
            raise


class Logout(FormPage):
    """Asks first: a link on another site must not sign anybody out."""

    template: ClassVar[str] = "logout.html"

    def context(self) -> dict[str, Any]:
        principal = self.caller.principal
        return {"email": principal.email if principal else None}

    async def get(self) -> None:
        if self.caller.principal is None:
            self.go("/login")
        else:
            self.show()

    async def post(self) -> None:
        self.check_xsrf_cookie()
        if secret := self.instance.gate.cookie_secret(self.request):
            await self.instance.store.awrite(web_sessions.end(self.caller, secret))
        self.clear_cookie(COOKIE)
        self.go("/login?left=1" if self.instance.oidc.name else "/login")


ROUTES = [(r"/login", Login), (r"/logout", Logout)]
