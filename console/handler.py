"""The base of every handler of ours: who is it, may they, one shape of error, one way to read
arguments and bodies.

A subclass names the right of each method in `rights` (admin where it names none) and, for methods
whose failures are to be audited, the action in `actions`. It says what to do; it never decides who
may.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Mapping
from datetime import datetime
from http import HTTPStatus
from http.client import responses
from typing import Any, ClassVar

import orjson
import structlog
from tornado.web import HTTPError, RequestHandler

from console.audit import HIDDEN, Caller, entry, is_secret
from console.identity.rights import ADMIN, Right, require
from console.instance import Instance
from console.queries.window import moment
from schema.errors import AgnesError, BadParameter, BadRequest, Forbidden

log = structlog.get_logger(__name__)

_ID = 64  # characters; session findings have the longest, a SHA-256
_SAFE = ("GET", "HEAD", "OPTIONS")
# No page asks another host for anything, whatever should come to stand in it. Bokeh makes functions
# of texts, Panel modules of blobs, and the first paint has its styles and scripts in the page.
POLICY = "; ".join(
    (
        "default-src 'self' blob:",
        "script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Handler(RequestHandler):
    """JSON in, JSON out. `self.caller` is set before the method runs."""

    rights: ClassVar[Mapping[str, Right]] = {}
    actions: ClassVar[Mapping[str, str]] = {}
    takes: ClassVar[Mapping[str, str]] = {}  # method -> media type of a body that is not JSON
    harmless: ClassVar[Collection[str]] = ()  # methods that only read, whatever they are called
    about: str | None = None  # what a failed action was about, where the address does not say it
    instance: Instance
    caller: Caller

    def initialize(self, instance: Instance) -> None:
        self.instance = instance
        self.caller = Caller()

    @classmethod
    def right(cls, method: str) -> Right:
        method = "GET" if method == "HEAD" else method
        return cls.rights.get(method, ADMIN)

    async def prepare(self) -> None:
        self.caller = await self.instance.gate.caller(self.request)
        self.set_header("X-Correlation-ID", self.caller.correlation_id)
        method = self.request.method or "GET"
        changes = method not in (*_SAFE, *self.harmless)
        require(self.caller.principal, self.right(method), changes=changes)
        by_cookie = self.caller.principal is not None and self.instance.gate.by_cookie(self.request)
        if by_cookie and method not in _SAFE:
            self.check_xsrf_cookie()

    def set_default_headers(self) -> None:
        for name, value in SECURITY.items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    # -- what came in
    # --------------------------------------------------------------------------------------------

    def query(self, known: Collection[str]) -> dict[str, str]:
        """The query string as a dict. Unknown and repeated names, NUL and broken UTF-8 are refused;
        an empty value counts as not given."""
        found: dict[str, str] = {}
        for name, values in self.request.query_arguments.items():
            if name not in known:
                raise BadParameter.unknown(name, known)
            if len(values) > 1:
                raise BadParameter(name, f"{len(values)} values", "give it once")
            if text := text_of(name, values[0]):
                found[name] = text
        return found

    def body(
        self, known: Mapping[str, type | tuple[type, ...]], *, need: Collection[str] = ()
    ) -> dict[str, Any]:
        """The JSON body, an object with `known` keys of these types. null counts as not given."""
        try:
            value = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise BadRequest("the body must be a JSON object")
        for name in value:
            if name not in known:
                raise BadParameter.unknown(str(name), known, what="key")
        given = {name: part for name, part in value.items() if part is not None}
        for name, part in given.items():
            wanted = known[name]
            kinds = wanted if isinstance(wanted, tuple) else (wanted,)
            shown = HIDDEN if is_secret(name) else part  # messages stand in the log too
            wrong_flag = (
                isinstance(part, bool) and bool not in kinds
            )  # a bool is an int to isinstance
            if wrong_flag or not isinstance(part, kinds):
                raise BadParameter(name, shown, "a " + " or ".join(kind.__name__ for kind in kinds))
            if isinstance(part, str) and "\0" in part:
                raise BadParameter(name, shown, "a text without NUL")
        for name in need:
            if name not in given:
                raise BadParameter(name, "", f"give {name}")
        return given

    # -- what goes out
    # -------------------------------------------------------------------------------------------

    def send(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(orjson.dumps(value, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z))

    def nothing(self) -> None:
        self.set_status(204)
        self.finish()

    # -- what went wrong
    # -----------------------------------------------------------------------------------------

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The one place where an error becomes an answer."""
        error = as_agnes_error(status_code, kwargs.get("exc_info"))
        self.set_status(error.status, responses.get(error.status, "Error"))
        self.set_header("X-Correlation-ID", self.caller.correlation_id)
        if retry_after := getattr(error, "retry_after", None):
            self.set_header("Retry-After", str(retry_after))
        self._audit_failure(error)
        self.show_error(error)

    def show_error(self, error: AgnesError) -> None:
        self.send(envelope(error), error.status)

    def _audit_failure(self, error: AgnesError) -> None:
        action = self.actions.get(self.request.method or "")
        principal = self.caller.principal
        if action is None or principal is None:
            return  # a stranger can do nothing that would be worth a row, and could write many
        result = failure(error)
        if not self.instance.recent_reads.first(
            principal.reader, action, self.about or self.request.uri, error.message
        ):
            return
        row = entry(
            self.caller,
            action,
            resource=self.about or self.request.path,
            params={"error": error.message, "status": error.status},
            result=result,
        )
        self.instance.store.write(row).add_done_callback(self._failure_written)

    def _failure_written(self, done: Any) -> None:
        if (error := done.exception()) is not None:
            self.instance.lost(error)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, AgnesError | HTTPError):
            return  # said to the caller, and in the access log
        self.instance.posthog.swallowed(value, handled=False)
        log.error(
            "request failed",
            method=self.request.method,
            path=self.request.path,
            error="".join(traceback.format_exception(typ, value, tb)),
            correlation_id=self.caller.correlation_id,
        )


class Unknown(Handler):
    """Every path that nobody serves."""

    rights: ClassVar[Mapping[str, Right]] = {}

    async def prepare(self) -> None:
        raise HTTPError(404)


def failure(error: AgnesError) -> str:
    """The `result` of an action that ended with `error`."""
    if isinstance(error, Forbidden):
        return "denied"
    return "error." + re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def as_agnes_error(status: int, exc_info: Any) -> AgnesError:
    error = exc_info[1] if exc_info else None
    if isinstance(error, AgnesError):
        return error
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"
    known: AgnesError = AgnesError(phrase)
    if isinstance(error, HTTPError):
        known = AgnesError(error.log_message or phrase)
        if "xsrf" in (error.log_message or "").lower():
            known = Forbidden(
                "the XSRF token is missing or old", detail="Reload the page and try again."
            )
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        known = AgnesError(
            "something failed here", detail="The server's log has the correlation id."
        )
    known.status = status
    known.title = phrase
    return known


def envelope(error: AgnesError) -> dict[str, Any]:
    return {
        "ok": False,
        "title": error.title,
        "error": error.message,
        "detail": error.detail,
        **getattr(error, "more", {}),
    }


def text_of(name: str, raw: bytes) -> str:
    """One argument's text. Raises BadParameter for NUL and for what is not UTF-8."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadParameter(name, repr(raw), "UTF-8 text") from None
    if "\0" in text:
        raise BadParameter(name, text, "a text without NUL")
    return text


def integer(found: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """An argument as a whole number within [low, high]."""
    text = found.get(name)
    if text is None:
        return default
    try:
        number = int(text) if len(text) < 20 else high + 1
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise BadParameter(name, text, f"a whole number from {low} to {high}")
    return number


def cursor(found: Mapping[str, str]) -> tuple[datetime | None, str | None]:
    """`cursor_ts` and `cursor_id`: time and id of the row that a page begins after, or neither."""
    ts, id = found.get("cursor_ts"), found.get("cursor_id")
    if (ts is None) != (id is None):
        missing = "cursor_id" if id is None else "cursor_ts"
        raise BadParameter(missing, "", "cursor_ts and cursor_id go together")
    if id is not None and len(id) > _ID:
        raise BadParameter("cursor_id", id, "the id of a row")
    return (None if ts is None else moment("cursor_ts", ts)), id


def flag(found: Mapping[str, str], name: str) -> bool:
    text = found.get(name, "false").lower()
    if text in ("1", "true"):
        return True
    if text in ("0", "false"):
        return False
    raise BadParameter(name, text, "true or false")
