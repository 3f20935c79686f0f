"""One file from an address of http or https, into a file here: only from hosts that may be asked,
of bounded size, in bounded time. It follows few redirects, each judged as the first address was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from console.syncing import addresses
from console.syncing.addresses import Lookup, Refused
from console.syncing.failed import LIMIT, REFUSED, SOURCE, Deadline, Failed

_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_ASKED = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, identity",
    "User-Agent": "agnes-console",
}
_WAITS = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True)
class Asked:
    """What is asked. `known` is what the last answer said of itself; `headers`: seconds until the
    first byte of a body; `most`: bytes of the body, decompressed."""

    url: str
    target: Path
    most: int
    known: dict[str, Any] = field(default_factory=dict)
    allowed: Sequence[str] = ()
    headers: float = 20.0
    lookup: Lookup | None = None


@dataclass(frozen=True)
class Fetched:
    """`told`: what the answer says of itself, for the next time; `kind`: its media type."""

    told: dict[str, Any]
    kind: str


def fetch(asked: Asked, deadline: Deadline) -> Fetched | None:
    """None where nothing has changed since. Raises Failed."""
    url = asked.url
    for _ in range(_REDIRECTS + 1):
        with httpx.Client(
            transport=_Pinned(asked), follow_redirects=False, timeout=_WAITS, trust_env=False
        ) as client:
            try:
                found = _one(client, url, asked, deadline)
            except Refused as error:
                raise Failed(REFUSED, f"{addresses.shown(url)}: {error}") from None
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                said = str(error) or type(error).__name__
                raise Failed(SOURCE, f"{addresses.shown(url)}: {said}") from None
        if not isinstance(found, str):
            return found
        url = found
    raise Failed(SOURCE, f"{addresses.shown(asked.url)} leads on more than {_REDIRECTS} times")


def _one(client: httpx.Client, url: str, asked: Asked, deadline: Deadline) -> Fetched | str | None:
    """One request: what was fetched, or where to ask instead."""
    addresses.parsed(url)
    request = client.build_request("GET", url, headers={**_ASKED, **_conditions(asked)})
    with deadline.within(asked.headers, f"no answer within {asked.headers:g} s"):
        answer = client.send(request, stream=True)
    try:
        status = answer.status_code
        if status == httpx.codes.NOT_MODIFIED and asked.known:
            return None
        if status in _MOVED and "Location" in answer.headers:
            return _led(url, answer.headers["Location"])
        if status != httpx.codes.OK:
            raise Failed(SOURCE, f"it answered {status} {answer.reason_phrase}".strip())
        sha256 = _keep(answer, asked)
    finally:
        answer.close()
    if asked.known.get("sha256") == sha256:
        return None
    told = {"url": asked.url, "sha256": sha256}
    for name, header in (("etag", "ETag"), ("last_modified", "Last-Modified")):
        if header in answer.headers:
            told[name] = answer.headers[header][:500]
    return Fetched(told, answer.headers.get("Content-Type", "").partition(";")[0].strip().lower())


def _conditions(asked: Asked) -> dict[str, str]:
    names = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
    return {header: asked.known[name] for name, header in names.items() if name in asked.known}


def _led(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        safer = urlsplit(url).scheme == "http" or urlsplit(target).scheme == "https"
    except ValueError:
        raise Refused("it leads to what is no address") from None
    if not safer:
        raise Refused("it leads from https to http")
    return target


def _keep(answer: httpx.Response, asked: Asked) -> str:
    size, digest = 0, hashlib.sha256()
    too_large = Failed(LIMIT, f"it has more than {asked.most >> 20} MB")
    if int(answer.headers.get("Content-Length") or 0) > asked.most:
        raise too_large
    with asked.target.open("wb") as file:
        for piece in answer.iter_bytes():
            size += len(piece)
            if size > asked.most:
                raise too_large
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


class _Pinned(httpx.BaseTransport):
    """Connects to an address that was judged, whatever its name means by then. The name stays what
    the certificate is held against."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        # SSL_CERT_FILE of the operator counts, proxies of the environment do not: these would look
        # the name up again.
        self._inner = httpx.HTTPTransport(verify=httpx.create_ssl_context(), trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host, port = addresses.parsed(str(request.url))
        failed: httpx.TransportError | None = None
        for address in self._judged(host, port, str(request.url)):
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return self._inner.handle_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or httpx.ConnectError("it has no address")

    def _judged(self, host: str, port: int, url: str) -> Sequence[str]:
        if addresses.is_named(host, url, self._asked.allowed):
            return (self._asked.lookup or addresses.look_up)(host, port)
        return addresses.resolved(host, port, lookup=self._asked.lookup)

    def close(self) -> None:
        self._inner.close()
