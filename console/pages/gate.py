"""The gate in front of Panel's documents: page, websocket, autoload and metadata alike ask
`console.identity`.

An object with the interface of Bokeh's `AuthProvider`. It also reads the first paint, off the event
loop, before the document is made, so that making the document costs no query.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from bokeh.server.auth_provider import AuthProvider
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from console.handler import POLICY, SECURITY, as_agnes_error
from console.identity.rights import require
from console.instance import Instance
from console.pages.entry import Page
from console.pages.moved import send_on
from console.pages.render import error_page
from schema.errors import AgnesError, NotFound, NotSignedIn

log = structlog.get_logger(__name__)
_SUFFIX = re.compile(r"/(ws|autoload\.js|metadata)\Z")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class PageGate(AuthProvider):
    """Lets a caller through to the pages they may open."""

    def __init__(self, instance: Instance, pages: tuple[Page, ...]) -> None:
        self._instance = instance
        self._pages = [(re.compile(page.path), page) for page in pages]
        super().__init__()

    @property
    def login_url(self) -> str:
        return "/login"

    @property
    def get_login_url(self) -> None:
        return None

    @property
    def get_user(self) -> None:
        return None

    @property
    def login_handler(self) -> None:
        return None

    @property
    def logout_url(self) -> None:
        return None

    @property
    def logout_handler(self) -> None:
        return None

    @property
    def get_user_async(self) -> Any:
        return self._admit

    async def _admit(self, handler: RequestHandler) -> str | None:
        """The caller's id. Strangers are sent to sign in; the wrong rights and bad filters end here
        with a page."""
        caller = await self._instance.gate.caller(handler.request)
        path = _SUFFIX.sub("", handler.request.path).rstrip("/") or "/"
        is_page = path == (handler.request.path.rstrip("/") or "/")
        handler.request.caller = caller  # type: ignore[attr-defined]
        _secure(handler, self._instance.public_address)
        if isinstance(handler, WebSocketHandler):
            _answer_at_once(handler)
        if is_page and handler.request.path != path:
            send_on(handler, path)
            return None
        try:
            page = self._page(path)
            handler.request.page = page  # type: ignore[attr-defined]
            require(caller.principal, page.right)
            if is_page and handler.request.method == "GET":
                arrival = await page.arrive(self._instance, caller, handler.request.query)
                if arrival.to:
                    handler.redirect(arrival.to, status=303)
                    return None
                handler.set_status(arrival.status)
                handler.request.arrival = arrival  # type: ignore[attr-defined]
                handler.request.xsrf = self._xsrf(handler)  # type: ignore[attr-defined]
        except NotSignedIn:
            if is_page:
                handler.redirect("/login?" + urlencode({"next": handler.request.uri or "/"}))
                return None
            raise HTTPError(401) from None
        except Exception as error:
            if not isinstance(error, AgnesError):
                self._instance.posthog.swallowed(error, handled=False)
                if not is_page or isinstance(error, HTTPError):
                    raise
                self._surprised(handler, error)
                return None
            if (
                not is_page
            ):  # a refused websocket is closed by its own handler; finished here it would be twice
                raise HTTPError(error.status) from None
            known = as_agnes_error(error.status, (type(error), error, None))
            handler.set_status(known.status)
            handler.finish(error_page(known, caller.principal))
            return None
        return caller.me.user_id

    def _surprised(self, handler: RequestHandler, error: Exception) -> None:
        """What nobody foresaw: a page that says so, and all of it in our log."""
        caller = handler.request.caller  # type: ignore[attr-defined]
        log.error(
            "page failed",
            path=handler.request.path,
            error="".join(traceback.format_exception(error)),
            correlation_id=caller.correlation_id,
        )
        known = as_agnes_error(500, None)
        handler.set_header("X-Correlation-ID", caller.correlation_id)
        handler.set_status(known.status)
        handler.finish(error_page(known, caller.principal))

    def _page(self, path: str) -> Page:
        """The page at `path`. Raises NotFound for what no page may stand at, as a broken escape."""
        for pattern, page in self._pages:
            if pattern.fullmatch(path):
                return page.at(path)
        raise NotFound("there is no such page")

    def _xsrf(self, handler: RequestHandler) -> str:
        """What a form of the page gives back; its cookie stays on this site and, under TLS, on
        TLS."""
        secure = self._instance.gate.is_tls(handler.request)
        bounded = partial(handler.set_cookie, samesite="Lax", secure=secure)
        handler.set_cookie = bounded  # type: ignore[method-assign]
        return handler.xsrf_token.decode()


def _answer_at_once(handler: WebSocketHandler) -> None:
    """A message leaves as three small packets; the second would wait for the receipt of the first,
    which takes 40 ms. Only an open websocket can be told not to."""
    opened = handler.open

    def open_at_once(*args: str, **named: str) -> Awaitable[None] | None:
        handler.set_nodelay(True)
        return opened(*args, **named)

    handler.open = open_at_once


def policy(*hosts: str) -> str:
    """What a document may ask: us alone, and its websocket, which older browsers (Safari before 16)
    do not count as 'self'. What is no plain host is left out."""
    known = dict.fromkeys(host for host in hosts if _HOST.fullmatch(host))
    sockets = (f"{scheme}://{host}" for host in known for scheme in ("ws", "wss"))
    return "; ".join((POLICY, " ".join(("connect-src 'self' blob:", *sockets))))


def _secure(handler: RequestHandler, public: str) -> None:
    """Our headers on an answer of Panel's handlers, which drop all headers when they answer an
    error. `public`: where people open the console; a proxy may ask us by another name."""
    asked = policy(handler.request.host, urlsplit(public).netloc)

    def set_headers() -> None:
        for name, value in SECURITY.items():
            handler.set_header(name, value)
        handler.set_header("Content-Security-Policy", asked)
        handler.set_header("Cache-Control", "no-store")
        handler.clear_header("Server")

    handler.set_default_headers = set_headers  # type: ignore[method-assign]
    set_headers()
