"""What a handler's method takes, sends and may raise, read from its source.

A method is followed into the functions of ours that it names, so an error raised three calls down
is an answer of the endpoint; so is one that a docstring on the way says it `Raises`, where who
raises it is chosen only when it runs. What cannot be told from the text is left out: nothing is
run.
"""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tornado.web import HTTPError, RequestHandler

from console import handler as base
from console.export import FORMATS
from console.openapi.scope import ROOMS, UNKNOWN, Method, Of, Scope, pieces_of, tree_of
from schema.errors import AgnesError

# Questions are expressions: what they refuse is a parameter, and that is 400 everywhere.
_NOT_READ = (
    *("console.handler", "console.instance", "console.metrics", "console.queries"),
    *("console.settings", "schema.store", "schema.table", "schema.policy", "schema.bind"),
)
_ENDLESS = 14  # calls deep
_RAISES = re.compile(r"\b[Rr]aises ([^.]+)")


@dataclass
class Number:
    """A parameter read as a whole number."""

    default: Any
    low: Any
    high: Any


@dataclass
class Told:
    """Everything that the source of one method tells."""

    parameters: list[str] = field(default_factory=list)
    numbers: dict[str, Number] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    defaults: dict[str, Any] = field(default_factory=dict)
    is_strict: bool = False  # it says which parameters it takes
    fields: dict[str, Any] | None = None  # of the JSON body
    need: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    media: set[str] = field(default_factory=set)
    keys: list[list[str]] = field(default_factory=list)  # of each JSON object that is sent
    actions: list[str] = field(default_factory=list)
    is_whole: bool = False  # it is sent at once, so that Tornado tells its ETag


def told(cls: type[RequestHandler], method: str) -> Told:
    """What `cls` says of `method` (GET, POST, …)."""
    reader = _Reader(cls)
    names = [method.lower()]
    names += [name for name in ("prepare", "data_received") if _own(cls, name)]
    for name in names:
        reader.follow(getattr(cls, name), cls, {}, 0)
    return reader.told


def _said(function: Any) -> Iterator[type[AgnesError]]:
    """The errors that its docstring names."""
    named = {name for text in _RAISES.findall(function.__doc__ or "") for name in _names(text)}
    if named:
        yield from (error for error in below(AgnesError) if error.__name__ in named)


def _names(text: str) -> list[str]:
    return re.findall(r"\b[A-Z][A-Za-z]+", text)


def below(error: type[AgnesError]) -> Iterator[type[AgnesError]]:
    """All kinds of it, in the order of their names."""
    for one in sorted(error.__subclasses__(), key=lambda one: one.__name__):
        yield one
        yield from below(one)


def _own(cls: type[RequestHandler], name: str) -> bool:
    return getattr(cls, name) not in (getattr(base.Handler, name), getattr(RequestHandler, name))


class _Reader:
    def __init__(self, cls: type[RequestHandler]) -> None:
        self.cls, self.told = cls, Told()
        self._seen: set[Any] = set()

    def follow(
        self, function: Any, owner: type | None, bound: Mapping[str, Any], depth: int
    ) -> None:
        """Read `function`, a method of `owner`, called with `bound` arguments."""
        function = inspect.unwrap(getattr(function, "__func__", function))
        tree = tree_of(function) if isinstance(function, types.FunctionType) else None
        key = (function, owner, tuple(sorted((name, repr(one)) for name, one in bound.items())))
        if tree is None or depth > _ENDLESS or key in self._seen:
            return
        self._seen.add(key)
        self.told.statuses |= {error.status for error in _said(function)}
        _Reading(self, function, owner, bound, depth).all_of(tree)


class _Reading(Scope):
    """One function, read once."""

    def __init__(
        self, reader: _Reader, function: Any, owner: type | None, bound: Any, depth: int
    ) -> None:
        super().__init__(function, owner, bound)
        self.reader, self.told, self.depth = reader, reader.told, depth

    def all_of(self, tree: ast.AST) -> None:
        pieces = pieces_of(tree)
        for node in pieces.assigned:
            self.assign(node)
        for call in pieces.calls:
            self._call(call)
        for name in pieces.named:
            self._named(name, {})
        for name in pieces.raised:
            self._raised(self.value(name))

    # -- what it says

    def _call(self, node: ast.Call) -> None:
        called = self.value(node.func)
        function = called.function if isinstance(called, Method) else called
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if function in (base.integer, base.flag, base.cursor):
            self._argument(function, node)
        elif function is HTTPError and node.args:
            status = self.value(node.args[0])
            self.told.statuses |= {status} if isinstance(status, int) else set()
        elif self._raised(function) or self._raised(getattr(function, "__self__", None)):
            pass
        elif name in _SAYS and self._is_handler(node.func):
            _SAYS[name](self, node)
        elif name == "get" and len(node.args) == 2:
            self._default(node)
        if getattr(function, "__name__", "") in ("entry", "was_read"):
            self._acts(node)
        self._named(node.func, self._bound(function, node))

    def _raised(self, error: Any) -> bool:
        found = isinstance(error, type) and issubclass(error, AgnesError)
        if found:
            self.told.statuses.add(error.status)
        return found

    def _is_handler(self, node: ast.expr) -> bool:
        whole = self.value(node.value) if isinstance(node, ast.Attribute) else UNKNOWN
        return isinstance(whole, Of) and issubclass(whole.kind, RequestHandler)

    def _bound(self, function: Any, node: ast.Call) -> dict[str, Any]:
        """Arguments whose values are known, by the names that `function` has for them; only where
        a handler is among them, since nothing else takes or sends."""
        if not isinstance(function, types.FunctionType):
            return {}
        names = list(inspect.signature(function).parameters)
        called = self.value(node.func)
        if isinstance(called, Method):
            names = names[1:]
        if not (isinstance(called, Method) and issubclass(called.owner, RequestHandler)):
            passed = [self.value(one) for one in node.args]
            if not any(
                isinstance(one, Of) and issubclass(one.kind, RequestHandler) for one in passed
            ):
                return {}
        given = dict(zip(names, node.args, strict=False))
        given |= {one.arg: one.value for one in node.keywords if one.arg}
        values = {name: self.value(one) for name, one in given.items()}
        return {name: one for name, one in values.items() if _tells(one)}

    def _named(self, node: ast.expr, bound: Mapping[str, Any]) -> None:
        """Follow what is called, or handed on to be called."""
        found = self.value(node)
        owner = None
        if isinstance(found, Method):
            owner, found = found.owner, found.function
        if isinstance(found, type) and issubclass(found, AgnesError):
            return
        if isinstance(found, type) and not issubclass(found, RequestHandler):
            owner, found = found, vars(found).get("__init__")
        module = getattr(found, "__module__", None) or ""
        if module.partition(".")[0] in ROOMS and not module.startswith(_NOT_READ):
            if getattr(found, "__name__", "") == "format_of" and module == "console.api.streamed":
                self.told.media |= {kind.partition(";")[0] for _, kind, _ in FORMATS.values()}
            self.reader.follow(found, owner, bound, self.depth + 1)

    def _argument(self, function: Any, node: ast.Call) -> None:
        values = [self.value(one) for one in node.args[1:]]
        if function is base.flag and values and isinstance(values[0], str):
            self.told.flags.add(values[0])
        elif function is base.integer and isinstance(values[0], str):
            self.told.numbers[values[0]] = Number(*(values[1:] + [UNKNOWN] * 3)[:3])

    def _default(self, node: ast.Call) -> None:
        name, value = (self.value(one) for one in node.args)
        if isinstance(name, str) and isinstance(value, str) and value:
            self.told.defaults.setdefault(name, value)

    def _query(self, node: ast.Call) -> None:
        names = self.value(node.args[0])
        self.told.is_strict = True
        if names is not UNKNOWN:
            new = [name for name in names if name not in self.told.parameters]
            self.told.parameters += new

    def _body(self, node: ast.Call) -> None:
        fields = self.value(node.args[0])
        need = next((self.value(one.value) for one in node.keywords if one.arg == "need"), ())
        known = {} if fields is UNKNOWN or isinstance(fields, Of) else dict(fields)
        self.told.fields = {**(self.told.fields or {}), **known}
        self.told.need += [] if need is UNKNOWN else list(need)
        self.told.statuses.add(400)

    def _send(self, node: ast.Call) -> None:
        given = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "status")]
        self.told.statuses |= _numbers(given[0]) if given else {200}
        self.told.media.add("application/json")
        self.told.is_whole = True
        sent = node.args[0]
        if isinstance(sent, ast.Dict):
            keys = [one.value for one in sent.keys if isinstance(one, ast.Constant)]
            self.told.keys.append([key for key in keys if isinstance(key, str)])
        else:
            self.told.keys.append([])

    def _nothing(self, node: ast.Call) -> None:
        self.told.statuses.add(204)

    def _finish(self, node: ast.Call) -> None:
        self.told.is_whole |= bool(node.args)

    def _status(self, node: ast.Call) -> None:
        self.told.statuses |= _numbers(node.args[0])

    def _header(self, node: ast.Call) -> None:
        if len(node.args) == 2 and self.value(node.args[0]) == "Content-Type":
            kind = self.value(node.args[1])
            self.told.media.add(kind.partition(";")[0] if isinstance(kind, str) else "*/*")

    def _acts(self, node: ast.Call) -> None:
        for one in node.args[1:2]:
            action = self.value(one)
            if isinstance(action, str) and action not in self.told.actions:
                self.told.actions.append(action)


_SAYS: Mapping[str, Callable[[_Reading, ast.Call], None]] = {
    "query": _Reading._query,
    "body": _Reading._body,
    "send": _Reading._send,
    "nothing": _Reading._nothing,
    "finish": _Reading._finish,
    "set_status": _Reading._status,
    "set_header": _Reading._header,
}


def _tells(value: Any) -> bool:
    """Is it worth handing on to what is called?"""
    return isinstance(value, str | int | tuple | list | dict | Of) and value is not UNKNOWN


def _numbers(node: ast.expr) -> set[int]:
    """The whole numbers in an expression such as `201 if new else 200`."""
    parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    return {
        one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, int)
    }
