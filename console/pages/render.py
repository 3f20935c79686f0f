"""Templates to HTML. Everything is escaped unless a template was written by us and says so."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from console.figures import duration, lasted, number, percent, rounded, span
from schema.errors import AgnesError
from schema.policy import Principal

STATIC = Path(__file__).parent / "static"

_AGES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))

ENVIRONMENT = Environment(
    loader=PackageLoader("console.pages", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@cache
def asset(name: str) -> str:
    """The address of a file of ours; its version is in it, so that browsers may keep it for
    ever."""
    version = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{name}?v={version}"


_JOINED: dict[str, str] = {}


@cache
def joined(name: str, files: tuple[str, ...]) -> str:
    """The address of several scripts of ours as one: twenty requests would cost 150 ms."""
    text = "\n".join((STATIC / file).read_text(encoding="utf-8") for file in files)
    _JOINED[name] = text
    return f"/assets/joined/{name}.js?v={hashlib.sha256(text.encode()).hexdigest()[:12]}"


def of_joined(name: str) -> str | None:
    """What `joined` has made under this name, if any page has asked for it."""
    return _JOINED.get(name)


@cache
def inline(name: str) -> Markup:
    """A file of ours as part of the page."""
    return Markup((STATIC / name).read_text(encoding="utf-8"))


def iso(at: datetime) -> str:
    return at.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(at: datetime, now: datetime) -> str:
    """A time of today as a time, an older one with its day; always UTC."""
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%d %b %H:%M:%S")


def json(value: Any) -> str:
    """A value as it is written in JSON; a template escapes it like any text."""
    return orjson.dumps(value).decode()


def age(seconds: float) -> str:
    """How long ago, or for what is below 0 in how long; `times.js` keeps such texts right."""
    size = abs(round(seconds))
    unit, name = next((one for one in _AGES if size >= one[0]), _AGES[-1])
    text = f"{size // unit} {name}"
    return f"in {text}" if seconds < 0 else f"{text} ago"


def ago(at: datetime, now: datetime) -> Markup:
    """The age of a moment, with the moment itself."""
    seconds = round((now - at).total_seconds())
    return Markup('<time datetime="{0}" title="{0}" data-age="{1}">{2}</time>').format(
        iso(at), seconds, age(seconds)
    )


ENVIRONMENT.globals |= {"asset": asset, "inline": inline, "joined": joined}
ENVIRONMENT.filters |= {
    "number": number,
    "percent": percent,
    "duration": duration,
    "iso": iso,
    "span": span,
    "rounded": rounded,
    "lasted": lasted,
    "clock": clock,
    "ago": ago,
    "json": json,
}


def render(template: str, /, **context: Any) -> str:
    return ENVIRONMENT.get_template(template).render(**context)


def error_page(error: AgnesError, viewer: Principal | None = None) -> str:
    """One page for everything that ends a visit: what happened, what to do next; for an admin who
    views as somebody the way out of that."""
    return render("error.html", error=error, viewer=viewer)
