"""Which addresses the server may ask: public ones, and hosts that the operator named.

A name is looked up once, every address that it has is judged, and the connection is made to a
judged one: what the name means a moment later does not matter. SPEC section 18, issue 8.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from console.audit import is_secret
from schema.errors import BadParameter, shorten

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Sequence[str]]
ALLOWED = "an address of http or https that the server may ask"
_LONG = 2000
_SIGNATURE = re.compile(r"^sig$|signature", re.IGNORECASE)  # of addresses that let in who has them
_NUMBERS = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")
# What the library takes for global, at least in some versions: protocol assignments, relays, and an
# address where a provider answers a machine with its own credentials.
_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")
)
_INSIDE_IPV6 = tuple(
    ipaddress.IPv6Network(text)
    for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96")
)


class Refused(ValueError):
    """Why an address is not asked."""


def checked(text: str, *, allowed: Sequence[str] = ()) -> str:
    """The address, when its text may be registered. Raises BadParameter. What its name means is
    judged when it is asked."""
    try:
        host, _ = parsed(text)
        _refuse_secrets(text)
        if not is_named(host, text, allowed):
            literal(host)
    except Refused as error:
        raise BadParameter("location", shown(text), str(error)) from None
    return text


def _refuse_secrets(text: str) -> None:
    """Where an address leads to, it may be a signed one: nobody keeps that."""
    for name, _ in parse_qsl(urlsplit(text).query, keep_blank_values=True):
        if is_secret(name) or _SIGNATURE.search(name):
            raise Refused(f"no {shorten(name)} in it: the registry keeps no secrets")


def shown(text: str) -> str:
    """An address for messages: without what could be a secret in it."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text[:200]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:200]


def parsed(text: str) -> tuple[str, int]:
    """Host and port. Raises Refused for what is no plain address."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise Refused("only plain characters: write others as %XX, names of hosts as xn--")
    if len(text) > _LONG:
        raise Refused(f"at most {_LONG:,} characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Refused(f"no address: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise Refused("http:// or https://")
    if "@" in parts.netloc:
        raise Refused("no name or password in it: the registry keeps no secrets")
    host = parts.hostname or ""
    if not host or (":" not in host and not _NAME.fullmatch(host)) or "%" in host:
        raise Refused("a plain name of a host, or an IP address")
    return host, port or (443 if parts.scheme == "https" else 80)


def is_named(host: str, text: str, allowed: Sequence[str]) -> bool:
    """Whether the operator named this host, or this host and port."""
    _, port = parsed(text)
    host = host.rstrip(".").lower()
    return any(one.lower() in (host, f"{host}:{port}", f"[{host}]:{port}") for one in allowed)


def literal(host: str) -> Address | None:
    """The address that a host is written as, None for a name. Raises Refused for one that may not
    be asked, and for forms in which addresses are hidden: decimal, octal, hexadecimal, short."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        if _NUMBERS.fullmatch(host):
            raise Refused("an IP address is written as four decimal numbers") from None
        return None
    if not is_public(found):
        raise Refused(
            f"{found} is no public address; AGNES_SYNC_ALLOW_PRIVATE names hosts that may be asked"
        )
    return found


def is_public(found: Address) -> bool:
    """Whether an address is one that everybody on the internet means alike, and no machine's own
    services. An IPv6 address that holds an IPv4 one is judged by both."""
    if (
        any(found in network for network in _NOT_PUBLIC)
        or not found.is_global
        or found.is_multicast
        or found.is_reserved
    ):
        return False
    if isinstance(found, ipaddress.IPv6Address):
        return all(is_public(inner) for inner in _inner(found))
    return True


def _inner(found: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that it stands for."""
    inner = [one for one in (found.ipv4_mapped, found.sixtofour) if one is not None]
    inner += found.teredo or ()
    if any(found in network for network in _INSIDE_IPV6):
        inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return inner


def resolved(host: str, port: int, *, lookup: Lookup | None = None) -> list[str]:
    """Every address that a name has now, all of them judged. Raises Refused where one may not be
    asked."""
    if (written := literal(host)) is not None:
        return [str(written)]
    found = list((lookup or look_up)(host, port))
    for text in found:
        if not is_public(ipaddress.ip_address(text.partition("%")[0])):
            raise Refused(
                f"{host} is {text}, no public address; AGNES_SYNC_ALLOW_PRIVATE names hosts that "
                "may be asked"
            )
    return found


def look_up(host: str, port: int) -> list[str]:
    """Raises Refused for a name that has no address."""
    try:
        found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"{host} cannot be found: {getattr(error, 'strerror', error)}") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))
