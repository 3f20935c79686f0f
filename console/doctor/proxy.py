"""The way from a browser to the console: what the settings say of it, and, asked through it, what
a proxy makes of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from console.credentials import is_this_machine
from console.doctor.patient import Diagnosis, Patient

_APART = 5.0  # seconds by which two clocks may differ
_PATIENCE = 20.0
_UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}
_NGINX = "proxy_set_header"


def proxy(patient: Patient) -> Diagnosis:
    """A public address of https needs a trusted proxy or secure cookies, and its host among those
    from which websockets are taken."""
    settings = patient.settings
    if settings is None:
        return Diagnosis("proxy", "ok", "the proxy is looked at where the settings are known")
    for one in settings.trusted_proxies:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            mend = "Give addresses or networks, as AGNES_TRUSTED_PROXIES=10.0.0.5,10.1.0.0/16"
            message = f"AGNES_TRUSTED_PROXIES names {one}, which is no address"
            return Diagnosis("proxy", "severe", message, mend)
    if not settings.public_url:
        return Diagnosis("proxy", "ok", "AGNES_PUBLIC_URL names no address: links are local ones")
    address = urlsplit(settings.public_url)
    host = address.netloc if address.port else f"{address.hostname}"
    wanted = {host, f"{address.hostname}:{address.port or _port(address.scheme)}"}
    if address.scheme == "https" and not (settings.trusted_proxies or settings.secure_cookies):
        mend = "Set AGNES_TRUSTED_PROXIES to the proxy's address, or AGNES_SECURE_COOKIES=1."
        message = f"people come over {settings.public_url}, but no proxy is trusted"
        return Diagnosis("proxy", "warning", message, mend)
    if not is_this_machine(settings.public_url) and not wanted & set(settings.origins):
        mend = f"Set AGNES_ORIGINS={host}; without it pages stand still."
        message = f"websockets from {host} are refused: AGNES_ORIGINS does not name it"
        return Diagnosis("proxy", "warning", message, mend)
    return Diagnosis("proxy", "ok", f"people come over {settings.public_url}")


def through(
    url: str,
    *,
    transport: httpx.BaseTransport | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Diagnosis]:
    """Ask the console under the address that people use, and say what became of the request on its
    way. Never raises for what the network does."""
    base = url.rstrip("/")
    tls = urlsplit(base).scheme == "https"
    with httpx.Client(base_url=base, transport=transport, timeout=_PATIENCE) as client:
        try:
            answer = client.get("/api/reach", headers=_UPGRADE)
            login = client.get("/login")
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            mend = "Is the name right, the certificate valid, the console behind it running?"
            return [Diagnosis("reached", "severe", f"no answer from {base}: {what}", mend)]
    try:
        seen = answer.raise_for_status().json()
        seen["tls"]
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
        message = f"{base} answers {answer.status_code}, and not as a console does"
        mend = "Hand on every path of this address to the console."
        return [Diagnosis("reached", "severe", message, mend)]
    return [
        Diagnosis("reached", "ok", f"a console answers at {base}"),
        _forwarded(seen, base),
        _scheme(seen, tls=tls),
        _websocket(seen),
        _host(seen, base),
        _cookies(login, tls=tls),
        _clocks(answer, clock()),
    ]


def _forwarded(seen: dict[str, Any], base: str) -> Diagnosis:
    if seen["trusted"]:
        return Diagnosis("forwarded", "ok", f"you come from {seen['client_ip']}, as it is told")
    if seen["forwarded"]:
        mend = "Set AGNES_TRUSTED_PROXIES to the address of the proxy."
        message = "the proxy says who asks, but it is not trusted: the log has its own address"
        return Diagnosis("forwarded", "warning", message, mend)
    if is_this_machine(base):
        return Diagnosis("forwarded", "ok", "asked directly, without a proxy")
    mend = f"nginx: {_NGINX} X-Forwarded-For $remote_addr; — or there is no proxy, and all is well."
    message = "no X-Forwarded-For arrives: behind a proxy the log would have its address"
    return Diagnosis("forwarded", "warning", message, mend)


def _scheme(seen: dict[str, Any], *, tls: bool) -> Diagnosis:
    if tls and not seen["tls"]:
        mend = f"nginx: {_NGINX} X-Forwarded-Proto $scheme; and trust it (AGNES_TRUSTED_PROXIES)."
        return Diagnosis("scheme", "severe", "the console does not know that you use https", mend)
    if not tls and seen["tls"]:
        return Diagnosis("scheme", "ok", "the console believes in TLS: AGNES_SECURE_COOKIES is 1")
    return Diagnosis("scheme", "ok", "https, and the console knows" if tls else "plain http")


def _websocket(seen: dict[str, Any]) -> Diagnosis:
    if seen["upgrade"].lower() == "websocket":
        return Diagnosis("websocket", "ok", "a request for a websocket arrives as one")
    mend = (
        f"nginx: proxy_http_version 1.1; {_NGINX} Upgrade $http_upgrade; "
        f'{_NGINX} Connection "upgrade";'
    )
    message = "the proxy takes the Upgrade header away: pages stay still"
    return Diagnosis("websocket", "severe", message, mend)


def _host(seen: dict[str, Any], base: str) -> Diagnosis:
    wanted = urlsplit(base).netloc
    if seen["host"] != wanted:
        mend = f"nginx: {_NGINX} Host $host;"
        message = f"the console is asked for {seen['host']}, not for {wanted}"
        return Diagnosis("origin", "severe", message, mend)
    if not seen["origin_allowed"]:
        mend = f"Set AGNES_ORIGINS={wanted}"
        return Diagnosis("origin", "severe", f"websockets from {wanted} are refused", mend)
    return Diagnosis("origin", "ok", f"websockets from {wanted} are taken")


def _cookies(login: httpx.Response, *, tls: bool) -> Diagnosis:
    """The XSRF cookie is set as the others will be."""
    given = login.headers.get_list("set-cookie")
    if not any(cookie.startswith("_xsrf=") for cookie in given):
        mend = "Let the proxy hand on Set-Cookie, and keep no answer of the console."
        return Diagnosis("cookies", "severe", "no XSRF cookie arrives with /login", mend)
    if tls and not all("secure" in cookie.lower() for cookie in given):
        mend = "Set AGNES_SECURE_COOKIES=1, or trust the proxy that says https."
        return Diagnosis("cookies", "warning", "cookies come without Secure over https", mend)
    return Diagnosis("cookies", "ok", "cookies arrive" + (", for TLS only" if tls else ""))


def _clocks(answer: httpx.Response, here: datetime) -> Diagnosis:
    try:
        there = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return Diagnosis("clocks", "ok", "the answer has no time to compare with")
    apart = (there - here).total_seconds()
    if abs(apart) > _APART:
        which = "ahead of" if apart > 0 else "behind"
        mend = "Let NTP keep both (timedatectl set-ntp true)."
        message = f"the server's clock is {abs(apart):,.0f} s {which} this machine's"
        return Diagnosis("clocks", "warning", message, mend)
    return Diagnosis("clocks", "ok", "the server's clock and this machine's agree")


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
