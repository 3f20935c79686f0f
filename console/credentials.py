"""Which server, and as whom: what `agnes login` remembers and what the environment says.

The one place that knows the file of tokens, so that terminal and notebooks find the same sign-in.
It never talks to a server, and it never prints a token.

The file is `credentials.json` in the user's configuration folder (`AGNES_CONFIG_DIR` names
another), readable by its owner only:

    {"default": "https://agnes.example", "servers": {"https://agnes.example": {"token": …, …}}}
"""

from __future__ import annotations

import ipaddress
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from schema.errors import AgnesError, BadParameter

DEFAULT_SERVER = "http://127.0.0.1:8000"


class BadCredentialsFile(AgnesError):
    """The file of tokens is there and cannot be read."""

    title = "Unreadable credentials"


@dataclass(frozen=True)
class Login:
    """One remembered sign-in. `expires_at` is the server's text, or None for a token that stays."""

    server: str
    token: str = field(repr=False)
    email: str = ""
    expires_at: str | None = None


@dataclass(frozen=True)
class Credentials:
    """Everything the file holds. `default` is the server used when none is named."""

    default: str | None = None
    logins: Mapping[str, Login] = field(default_factory=dict)


def path() -> Path:
    """Where the file is, whether or not it exists."""
    named = os.environ.get("AGNES_CONFIG_DIR")
    if named:
        return Path(named).expanduser() / "credentials.json"
    from platformdirs import user_config_path

    return user_config_path("agnes") / "credentials.json"


def load() -> Credentials:
    """The file's content; empty when there is no file. Raises BadCredentialsFile."""
    file = path()
    try:
        return _parsed(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Credentials()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadCredentialsFile(
            f"cannot read {file}: {error}", detail="remove the file, then run `agnes login` again"
        ) from error


def save(login: Login) -> Path:
    """Remember `login` and make its server the default. Other servers' sign-ins stay."""
    known = load()
    return _write(Credentials(login.server, {**known.logins, login.server: login}))


def forget(server: str) -> bool:
    """Drop the sign-in for `server`; says whether there was one."""
    known = load()
    rest = {name: login for name, login in known.logins.items() if name != server}
    if len(rest) == len(known.logins):
        return False
    default = next(iter(rest), None) if known.default == server else known.default
    _write(Credentials(default, rest))
    return True


def current(server: str | None = None, token: str | None = None) -> tuple[str, str | None]:
    """(server, token) to use: what is given, else the environment, else the file, else the default.

    A remembered token is only ever used for the server that issued it.
    """
    if server:
        address = address_of(server, name="server")
    elif os.environ.get("AGNES_SERVER"):
        address = address_of(os.environ["AGNES_SERVER"], name="AGNES_SERVER")
    else:
        address = load().default or DEFAULT_SERVER
    token = token or os.environ.get("AGNES_TOKEN", "").strip()
    if token:
        return address, token
    login = load().logins.get(address)
    return address, login.token if login else None


def address_of(text: str, *, name: str) -> str:
    """`text` as a server's address, without a slash at its end. BadParameter names `name`."""
    allowed = "give an address such as http://127.0.0.1:8000 or https://agnes.example"
    try:
        parts = urlsplit(text.strip())
        # Reading the port is what checks it.
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise BadParameter(name, text, allowed) from error
    if parts.scheme not in ("http", "https") or not named or parts.query or parts.fragment:
        raise BadParameter(name, text, allowed)
    if parts.username is not None:
        raise BadParameter(name, "…", "leave name and password out of it; use `agnes login`")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def is_this_machine(server: str) -> bool:
    """Whether `server` is a loopback address: no proxy lies between, nobody listens."""
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name, even one that begins like such an address


def _parsed(content: object) -> Credentials:
    if not isinstance(content, dict):
        raise TypeError("it must hold one JSON object")
    logins = {
        server: Login(
            server=server,
            token=str(entry["token"]),
            email=str(entry.get("email") or ""),
            expires_at=entry.get("expires_at"),
        )
        for server, entry in content.get("servers", {}).items()
    }
    return Credentials(content.get("default"), logins)


def _write(content: Credentials) -> Path:
    file = path()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    entries = {
        login.server: {
            "token": login.token,
            "email": login.email,
            "expires_at": login.expires_at,
        }
        for login in content.logins.values()
    }
    text = json.dumps({"default": content.default, "servers": entries}, indent=2)
    # mkstemp makes the file 0600 from its first moment; the rename keeps that mode even where an
    # older file was open to others.
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".credentials-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text + "\n")
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return file


def headers(token: str | None) -> dict[str, str]:
    """What every request says of itself: who asks, and what it belongs to. Raises BadParameter."""
    said = {"User-Agent": "agnes-client", "Accept": "application/json"}
    if token:
        said["Authorization"] = f"Bearer {_printable('token', token, shown='…')}"
    correlation = os.environ.get("AGNES_CORRELATION_ID", "").strip()
    if correlation:
        said["X-Correlation-ID"] = _printable("AGNES_CORRELATION_ID", correlation)
    return said


def _printable(name: str, value: str, *, shown: str | None = None) -> str:
    """`value`, which must fit in a header: a line break in it would start another header."""
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise BadParameter(name, shown or value, "only printable ASCII without spaces")
    return value
