"""The HTTP client of an Agnes Console: the terminal, notebooks and jobs all speak through it.

It knows addresses, shapes and errors, and nothing of terminals. What the server answers as an error
becomes the matching class of `schema.errors`, with the server's sentence and its advice kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import quote

import httpx

from console import credentials
from console.upload_body import FileBody
from schema.errors import (
    AgnesError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    NotSignedIn,
    TooLarge,
    TooMany,
    Unavailable,
    shorten,
)

Json: TypeAlias = dict[str, Any]
Params: TypeAlias = Mapping[str, Any]

_OBSERVED = "/api/admin/observability"
PAGE = 1000  # the most rows that a list answers at once
SLOW = 600.0  # seconds of silence allowed where the server prepares a large answer

_BY_STATUS: Mapping[int, type[AgnesError]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    413: TooLarge,
    503: Unavailable,
    504: Unavailable,
}


class Unreachable(Unavailable):
    """No answer came: nobody listens, the name is unknown, the time ran out, the line broke."""

    title = "Cannot reach the server"


@dataclass(frozen=True)
class Download:
    """A streamed answer. `rows` is the server's own count, None where it gave none."""

    rows: int | None
    chunks: Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


def connect(
    server: str | None = None,
    token: str | None = None,
    *,
    timeout: float = 30.0,
    transport: httpx.BaseTransport | None = None,
) -> Client:
    """A client for `server`, by default the one of the environment or of `agnes login`."""
    address, found = credentials.current(server, token)
    return Client(address, found, timeout=timeout, transport=transport)


class Client:
    """One server, one principal. Thread-safe; close it, or use it in a `with` block.

    `timeout` is in seconds, for each wait of the network, not for a whole answer.
    """

    def __init__(
        self,
        server: str,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.server = credentials.address_of(server, name="server")
        self.timeout = timeout
        here = credentials.is_this_machine(self.server)
        self._http = httpx.Client(
            base_url=self.server,
            headers=credentials.headers(token),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            # A proxy of the environment cannot reach this machine's own loopback address.
            trust_env=not here,
            # Loading the certificates costs 0.1 s, and plain loopback has no use for them.
            verify=not (here and self.server.startswith("http:")),
            transport=transport,
        )
        self.activity = Activity(self, "/api/admin/activity")
        self.my_activity = Events(self, "/api/me/activity")
        self.users = Collection(self, "users")
        self.groups = Groups(self, "groups")
        self.grants = Collection(self, "grants")
        self.tokens = Collection(self, "tokens")
        self.tables = Collection(self, "tables")
        self.scripts = Collection(self, "scripts")
        self.marketplace = Collection(self, "marketplace")
        self.config = Collection(self, "config")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # Who is asking

    def login(self, email: str, password: str, *, name: str | None = None) -> Json:
        """Make a token: `{id, token, expires_at, user}`. This client does not start to use it."""
        body = _given({"email": email, "password": password, "name": name})
        return self.request("POST", "/api/login", json=body)

    def logout(self) -> None:
        """Revoke the token this client uses."""
        self.request("POST", "/api/logout")

    def me(self) -> Json:
        """`{id, email, name, is_admin, kind, groups, grants}` of the caller."""
        return self.request("GET", "/api/me")

    def check_access(self, resource_type: str, resource_id: str | None = None) -> Json:
        """`{allowed, rule}`: whether the caller may open the resource, and which rule says so."""
        body = {"resource_type": resource_type, "resource_id": resource_id}
        return self.request("POST", "/api/check-access", json=body)

    # Transcripts

    def upload(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        parent: str | None = None,
        content: BinaryIO | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Json:
        """Send one transcript; answers `{status, filename, size, session_file}`.

        `name` is the file name there, `parent` the `session_file` a subagent's transcript belongs
        to. The file is read in pieces, as long as it was at the start: one that is still written to
        is sent up to there. `content` is sent instead of what the file holds, from its beginning.
        `progress` is told the bytes read so far. Raises OSError if unreadable.
        """
        name = name or Path(path).name
        media = "application/gzip" if name.endswith(".gz") else "application/x-ndjson"
        with nullcontext(content) if content is not None else Path(path).open("rb") as source:
            source.seek(0)
            body = FileBody(source, progress=progress)
            # httpx only asks `read`, `seek` and `tell` of it, which its types do not say.
            files: Any = {"file": (name, body, media)}
            return self.request(
                "POST",
                "/api/upload/sessions",
                files=files,
                data=_given({"parent": parent}),
                timeout=SLOW,
            )

    # How a request travels

    def request(self, method: str, path: str, **options: Any) -> Json:
        """One call; the answer's JSON object, empty for 204. `options` are those of httpx."""
        with self._errors_named():
            response = self._http.request(method, path, **options)
        self._check(response)
        if response.status_code == httpx.codes.NO_CONTENT:
            return {}
        answer = _json(response)
        if answer is None:
            raise self._not_ours(response)
        return answer

    @contextmanager
    def stream(self, path: str, params: Params) -> Iterator[Download]:
        """A GET whose answer is read piece by piece, never whole in memory."""
        with self.streamed("GET", path, params=params) as answer:
            yield answer

    @contextmanager
    def streamed(self, method: str, path: str, **options: Any) -> Iterator[Download]:
        """One call whose answer is read piece by piece. `options` are those of httpx."""
        with (
            self._errors_named(),
            self._http.stream(method, path, timeout=SLOW, **options) as response,
        ):
            if not response.is_success:
                response.read()
                self._check(response)
            count = response.headers.get("X-Row-Count", "")
            rows = int(count) if count.isdecimal() else None
            yield Download(rows, response.iter_bytes(), response.headers)

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Turn what the network throws into Unreachable, which names the server."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise Unreachable(
                f"no answer from {self.server} in time ({type(error).__name__})",
                detail=f"it may be busy: try again. The limit is {self.timeout:g} s for each wait",
            ) from error
        except httpx.RequestError as error:
            raise Unreachable(
                f"cannot reach {self.server}: {error or type(error).__name__}",
                detail="is it running? set AGNES_SERVER or run `agnes login --server URL`",
            ) from error

    def _check(self, response: httpx.Response) -> None:
        """Raise what the answer says went wrong; nothing for a success."""
        if response.is_success:
            return
        body = _json(response)
        if body is None or not isinstance(body.get("error"), str):
            raise self._not_ours(response)
        message, detail = body["error"], str(body.get("detail") or "")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            wait = response.headers.get("Retry-After", "")
            seconds = int(wait) if wait.isdecimal() else 1
            detail = detail or f"try again in {seconds} s"
            raise TooMany(message, retry_after=seconds, detail=detail)
        raise _error_class(response.status_code)(message, detail=detail)

    def _not_ours(self, response: httpx.Response) -> AgnesError:
        """The error for an answer that no Agnes Console would give, such as a proxy's page."""
        if response.is_redirect:
            target = shorten(response.headers.get("Location", ""))
            return BadRequest(
                f"{self.server} sends requests on to {target}",
                detail="set AGNES_SERVER to the address that answers itself",
            )
        kind = _error_class(response.status_code) if response.is_error else AgnesError
        if response.status_code == httpx.codes.BAD_GATEWAY:  # of a proxy: the console is not there
            kind = Unavailable
        start = response.text.strip()[:200]
        said = f": {shorten(start)}" if start else " and nothing else"
        return kind(
            f"{self.server} answered {response.status_code} {response.reason_phrase}{said}",
            detail="that is not the answer of an Agnes Console; check AGNES_SERVER",
        )


class Events:
    """Events of the audit log below `base`. `params` are the server's own, by their own names."""

    def __init__(self, client: Client, base: str) -> None:
        self._client = client
        self._base = base

    def list(self, params: Params | None = None) -> Json:
        """One page, newest first: `{rows, next_cursor, filter}`."""
        return self._client.request("GET", self._base, params=params)

    def show(self, event: str) -> Json:
        """One row: its columns, and in `linked` what it is about: `{kind, record, records}`."""
        return self._client.request("GET", path_of(self._base, event))

    def export(self, format: str, params: Params | None = None) -> AbstractContextManager[Download]:
        """Every row of the filter as `csv`, `json` (one row a line) or `parquet`, streamed."""
        return self._client.stream(f"{self._base}/export", {**(params or {}), "format": format})


class Activity(Events):
    """The whole audit log, with the instance's pulse."""

    def health(self) -> Json:
        """The pulse: `{status, fields, sentence}`."""
        return self._client.request("GET", f"{self._base}/health")

    def sync(self, params: Params | None = None) -> Json:
        """Table syncs, newest first: `{rows}`."""
        return self._client.request("GET", f"{self._base}/sync", params=params)

    def kpis(self, params: Params | None = None) -> Json:
        return self._client.request("GET", f"{_OBSERVED}/kpis", params=params)

    def facets(self, params: Params | None = None) -> Json:
        return self._client.request("GET", f"{_OBSERVED}/facets", params=params)

    def histogram(self, params: Params | None = None) -> Json:
        return self._client.request("GET", f"{_OBSERVED}/histogram", params=params)


class Collection:
    """The rows of `/api/admin/<noun>`: list, show, create, update, delete."""

    def __init__(self, client: Client, noun: str) -> None:
        self._client = client
        self._base = f"/api/admin/{noun}"

    def list(self, *, limit: int | None = None, offset: int = 0, **filters: Any) -> Json:
        """`{rows, total, limit, offset, next_offset}`; pages until `limit` rows or all."""
        return self._pages(self._base, limit=limit, offset=offset, filters=filters)

    def show(self, key: str) -> Json:
        return self._client.request("GET", path_of(self._base, key))

    def create(self, **fields: Any) -> Json:
        """The new row. Fields that are None are left out."""
        return self._client.request("POST", self._base, json=_given(fields))

    def update(self, key: str, **fields: Any) -> Json:
        """The changed row. Fields that are None stay as they are."""
        return self._client.request("PATCH", path_of(self._base, key), json=_given(fields))

    def delete(self, key: str) -> Json:
        """Delete, deactivate or revoke, whichever the noun means by it; what it says of that."""
        return self._client.request("DELETE", path_of(self._base, key), timeout=SLOW)

    def _pages(self, path: str, *, limit: int | None, offset: int, filters: Params) -> Json:
        rows: list[Any] = []
        following: int | None = offset
        total = 0
        while following is not None and (limit is None or len(rows) < limit):
            size = PAGE if limit is None else min(PAGE, limit - len(rows))
            params = {**_given(filters), "limit": size, "offset": following}
            page = self._client.request("GET", path, params=params)
            rows += page["rows"]
            total = page["total"]
            following = page.get("next_offset") if page["rows"] else None
        shown = len(rows) if limit is None else limit
        return {
            "rows": rows,
            "total": total,
            "limit": shown,
            "offset": offset,
            "next_offset": following,
        }


class Groups(Collection):
    """Groups, and who is in them."""

    def members(self, group: str, *, limit: int | None = None, offset: int = 0) -> Json:
        path = path_of(self._base, group, "members")
        return self._pages(path, limit=limit, offset=offset, filters={})

    def add_member(self, group: str, user: str) -> Json:
        path = path_of(self._base, group, "members")
        return self._client.request("POST", path, json={"user_id": user})

    def remove_member(self, group: str, user: str) -> None:
        self._client.request("DELETE", path_of(self._base, group, "members", user))


def path_of(base: str, *parts: str) -> str:
    """`base` and `parts` as one path. A part is one segment, whatever a person typed."""
    for part in parts:
        if part in ("", ".", ".."):
            raise NotFound(f"no id is written {shorten(part)}")
    return "/".join([base, *(quote(part, safe="") for part in parts)])


def _given(fields: Params) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _json(response: httpx.Response) -> Json | None:
    # Not orjson: it refuses a whole page for half a surrogate pair in one of its texts.
    try:
        answer = json.loads(response.content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _error_class(status: int) -> type[AgnesError]:
    other = BadRequest if httpx.codes.is_client_error(status) else AgnesError
    return _BY_STATUS.get(status, other)
