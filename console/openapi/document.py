"""The API as an OpenAPI 3.1 document, made of `ROUTES`: nothing in it is written by hand.

Errors that every request may meet stand at each endpoint: 400 for what cannot be asked, 401 and 403
from the rights, 503 while the store takes nothing. The rest is what a handler itself may raise.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tornado.web import RequestHandler

from console.handler import Handler
from console.identity.rights import PUBLIC, SERVICE, SIGNED_IN, Right
from console.openapi import words
from console.openapi.scope import UNKNOWN
from console.openapi.source import Told, below, told
from schema import errors
from schema.errors import AgnesError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
JSON = "application/json"
_KINDS: Mapping[type, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list: {"type": "array", "items": {}},
    dict: {"type": "object"},
}
_STATUS = {
    200: "Done.",
    201: "Made; the answer is the row.",
    202: "Begun.",
    204: "Done; nothing to say.",
    206: "The bytes that were asked for.",
    304: "Unchanged since you took it.",
    416: "No such bytes.",
    429: "Too many requests; Retry-After says when to come again.",
    502: "A service outside does not answer.",
}
_VERBS = {"GET": "Read", "POST": "Make", "PUT": "Set", "PATCH": "Change", "DELETE": "Remove"}
ENVELOPE = {
    "type": "object",
    "required": ["ok", "title", "error", "detail"],
    "properties": {
        "ok": {"const": False},
        "title": {"type": "string", "description": "The kind of error."},
        "error": {"type": "string", "minLength": 1, "description": "What is wrong: names it."},
        "detail": {"type": "string", "description": "What to do next; may be empty."},
    },
}
ABOUT = (
    "Everything that the pages show and do, as JSON. Sign in with a token "
    "(`Authorization: Bearer …`) or with the browser's session; then a change also needs the XSRF "
    "token. Lists answer `{rows, total, limit, offset, next_offset}`, times are ISO 8601 in UTC, "
    "and every error is `{ok: false, title, error, detail}`. What GET answers in one piece "
    "has an ETag; asked again with `If-None-Match`, it is 304 while it is the same."
)


@dataclass(frozen=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str  # with {names}
    groups: Mapping[str, str]  # name in the path -> the regular expression it matches
    handler: type[Handler]
    right: Right
    told: Told

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def noun(self) -> str:
        """The module: endpoints over one noun stand together."""
        return self.handler.__module__.rpartition(".")[2]

    @property
    def words(self) -> str:
        """What it does: the method's docstring, else the class's own, else a verb."""
        text = getattr(self.handler, self.method.lower()).__doc__ or vars(self.handler).get(
            "__doc__"
        )
        return inspect.cleandoc(text) if text else f"{_VERBS[self.method]} {_plain(self.path)}."

    @property
    def actions(self) -> list[str]:
        """What stands in the audit log afterwards."""
        named = self.handler.actions.get(self.method)
        return sorted({*([named] if named else []), *self.told.actions})

    @property
    def statuses(self) -> list[int]:
        found = {status for status in self.told.statuses if status != 500}
        if not any(status < 300 for status in found - {206}):
            found.add(200)
        if self.has_etag:
            found.add(304)
        if self.told.is_strict or self.told.fields is not None or self.takes:
            found.add(400)
        if self.right != PUBLIC:
            found |= {401, 403, 503}
        elif self.method != "GET":
            found |= {403, 503}
        if self.groups:
            found.add(404)
        return sorted(found)

    @property
    def has_etag(self) -> bool:
        """Is its answer tagged by what it holds, without a word of the handler?"""
        return self.method == "GET" and self.told.is_whole

    @property
    def takes(self) -> str | None:
        """The media type of the body."""
        if self.told.fields is not None:
            return JSON
        return self.handler.takes.get(self.method)

    @property
    def gives(self) -> list[str]:
        """The media types of a good answer."""
        named = sorted(self.told.media - {"*/*"})
        return named or ["*/*"]


def endpoints(routes: Sequence[tuple[str, Any]]) -> list[Endpoint]:
    """All of them, in the order of the table."""
    return [
        Endpoint(
            method, *_path(pattern, handler), handler, handler.right(method), read(handler, method)
        )
        for pattern, handler in routes
        for method in METHODS
        if serves(handler, method)
    ]


def serves(handler: type[Handler], method: str) -> bool:
    return getattr(handler, method.lower()) is not RequestHandler._unimplemented_method


@cache
def read(handler: type[Handler], method: str) -> Told:
    return told(handler, method)


def document(routes: Sequence[tuple[str, Any]], version: str) -> dict[str, Any]:
    """The whole of it."""
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for one in endpoints(routes):
        paths.setdefault(one.path, {})[one.method.lower()] = operation(one)
        module = inspect.getmodule(one.handler)
        tags.setdefault(one.noun, inspect.cleandoc((module and module.__doc__) or one.noun))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Agnes Console", "version": version, "description": ABOUT},
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": paths,
        "components": {
            "schemas": {"Error": ENVELOPE},
            "parameters": {one["name"]: one for one in _shared(routes)},
            "responses": {str(status): _error(status) for status in _errors()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "agnes_session"},
            },
        },
    }


def operation(one: Endpoint) -> dict[str, Any]:
    text = one.words
    found: dict[str, Any] = {
        "tags": [one.noun],
        "operationId": operation_id(one),
        "summary": sentence(text),
        "description": text,
        "x-rights": str(one.right),
        "parameters": [*_in_path(one), *_in_query(one)],
        "responses": {str(status): _answer(one, status) for status in one.statuses},
    }
    if one.actions:
        found["x-audit"] = one.actions
    if one.takes:
        found["requestBody"] = _body(one)
    found["security"] = [] if one.right == PUBLIC else [{"token": []}, {"session": []}]
    return found


def operation_id(one: Endpoint) -> str:
    return f"{one.method.lower()}_" + re.sub(r"[^a-z0-9]+", "_", one.path.lower()).strip("_")


def sentence(text: str) -> str:
    """The first one, in one line."""
    line = " ".join(text.partition("\n\n")[0].split())
    found = re.match(r".+?[.!?](?= |$)", line)
    return found[0] if found else line


def who(right: Right) -> str:
    """Who may, in words."""
    if right == PUBLIC:
        return "everybody"
    if right == SIGNED_IN:
        return "whoever is signed in"
    if right == SERVICE:
        return "running jobs and admins"
    return f"admins and the {right}" if right.surface else "admins"


def _path(pattern: str, handler: type[Handler]) -> tuple[str, dict[str, str]]:
    """A pattern of a route -> the path with {names}, and what each name matches."""
    method = next(name for name in METHODS if serves(handler, name))
    names: Iterator[str] = iter(
        list(inspect.signature(getattr(handler, method.lower())).parameters)[1:]
    )
    groups: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        name = next(names)
        groups[name] = found[1]
        return "{" + name + "}"

    path = re.sub(r"\(((?:[^()\\]|\\.)*)\)", named, pattern.removesuffix("$"))
    return path.replace("\\.", "."), groups


def _in_path(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^(?:{group})$"},
        }
        for name, group in one.groups.items()
    ]


def _in_query(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {"$ref": f"#/components/parameters/{name}"}
        if _is_plain(one, name)
        else {**_named(name), "schema": kind(one, name)}
        for name in one.told.parameters
    ]


def _is_plain(one: Endpoint, name: str) -> bool:
    """Is it the same wherever it is taken?"""
    return not {name} & {*one.told.flags, *one.told.numbers, *one.told.defaults}


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words.parameter(name) or name}


def _shared(routes: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in endpoints(routes):
        for name in one.told.parameters:
            if _is_plain(one, name):
                yield {**_named(name), "schema": kind(one, name)}


def kind(one: Endpoint, name: str) -> dict[str, Any]:
    """The schema of a parameter."""
    if name in one.told.flags:
        return {"type": "boolean", "default": False}
    number = one.told.numbers.get(name)
    if number is None:
        default = one.told.defaults.get(name)
        given = {"default": default} if default is not None else {}
        return {"type": "string", **words.values(name), **given}
    parts = {"minimum": number.low, "maximum": number.high, "default": number.default}
    known = {name: part for name, part in parts.items() if part is not UNKNOWN}
    return {"type": "integer", **{key: part for key, part in known.items() if type(part) is int}}


def _body(one: Endpoint) -> dict[str, Any]:
    if one.takes != JSON:
        fields = {"file": {"type": "string", "format": "binary"}, "parent": {"type": "string"}}
        form = {"type": "object", "required": ["file"], "properties": fields}
        is_form = str(one.takes).startswith("multipart/")
        shape = form if is_form else {"type": "string", "format": "binary"}
        return {"required": True, "content": {str(one.takes): {"schema": shape}}}
    fields = one.told.fields or {}
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _field(name, types) for name, types in fields.items()},
    }
    if need := list(dict.fromkeys(one.told.need)):
        schema["required"] = need
    return {"required": bool(need), "content": {JSON: {"schema": schema}}}


def _field(name: str, types: Any) -> dict[str, Any]:
    kinds = types if isinstance(types, tuple) else (types,)
    shapes = [dict(_KINDS.get(one, {})) for one in kinds]
    shape = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    said = words.FIELDS.get(name)
    return {**shape, "description": said} if said else shape


def _answer(one: Endpoint, status: int) -> dict[str, Any]:
    if status == 304:
        return {"description": _STATUS[status]}
    if status >= 400:
        return {"$ref": f"#/components/responses/{status}"}
    found: dict[str, Any] = {"description": _STATUS[status]}
    if status != 204:
        found["content"] = {media: {"schema": _shape(one, media)} for media in one.gives}
    return found


def _shape(one: Endpoint, media: str) -> dict[str, Any]:
    """What a good answer certainly holds."""
    if media != JSON:
        return {}
    keys = one.told.keys
    always = [key for key in keys[0] if all(key in each for each in keys)] if keys else []
    return {"type": "object", "required": always} if always else {"type": "object"}


def _error(status: int) -> dict[str, Any]:
    about = _STATUS.get(status, f"{_errors().get(status, 'Error')}.")
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": about, "content": {JSON: {"schema": schema}}}


@cache
def _errors() -> dict[int, str]:
    """Every status that the tree of errors itself has, with its title."""
    found = {416: "No such range", 502: "Bad gateway"}
    tree: list[type[AgnesError]] = [AgnesError, *below(AgnesError)]
    for error in tree:
        if vars(errors).get(error.__name__) is error:
            found.setdefault(error.status, error.title)
    return dict(sorted(found.items()))


def _plain(path: str) -> str:
    last = [part for part in path.split("/") if part and not part.startswith("{")][-1]
    return "one of " + last if path.endswith("}") else last.replace("-", " ")
