"""What a piece of a function's source stands for: a value, or a thing of which the type is known.

Names are looked up where the function would find them; types come from annotations. Only literals
are computed, and no function is called.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

ROOMS = ("console", "ingest", "schema")
UNKNOWN = object()


@cache
def tree_of(function: Callable[..., Any]) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None


@dataclass(frozen=True)
class Pieces:
    """What is looked at in a function."""

    calls: list[ast.Call]
    named: Sequence[ast.expr]
    assigned: Sequence[ast.AST]
    raised: Sequence[ast.expr]  # an error's class, as it is


@cache
def pieces_of(tree: ast.AST) -> Pieces:
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    # A name that is called, or of which a part is taken, tells nothing more by itself.
    inner = {id(node.func) for node in calls}
    inner |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    named = [
        node
        for node in nodes
        if isinstance(node, ast.Attribute | ast.Name)
        and isinstance(node.ctx, ast.Load)
        and id(node) not in inner
    ]
    assigned = [node for node in nodes if isinstance(node, ast.Assign | ast.NamedExpr)]
    raised = [node.exc for node in nodes if isinstance(node, ast.Raise) and node.exc is not None]
    return Pieces(calls, named, assigned, raised)


@cache
def hints(thing: Any) -> Mapping[str, Any]:
    try:
        found: dict[str, Any] = typing.get_type_hints(thing)
    except (NameError, TypeError, AttributeError):
        return {}
    return found


@dataclass(frozen=True)
class Of:
    """A value of which only the type is known."""

    kind: type


class _Names(dict[str, Any]):
    """Local names: bound arguments, and what the function assigns, found when asked for."""

    def __init__(self, bound: Mapping[str, Any], assigned: Mapping[str, ast.expr]) -> None:
        super().__init__(bound)
        self.assigned = dict(assigned)


@dataclass(frozen=True)
class Method:
    owner: type
    function: Any


class Scope:
    """The names of one function, a method of `owner` or none, called with `bound` arguments."""

    def __init__(self, function: Any, owner: type | None, bound: Mapping[str, Any]) -> None:
        self.function, self.owner, self.globals = function, owner, function.__globals__
        names = {name: Of(kind) for name, kind in hints(function).items() if _is_class(kind)}
        names.pop("return", None)
        if owner is not None:
            names["self"] = names["cls"] = Of(owner)
        closure = inspect.getclosurevars(function).nonlocals
        self.names = _Names({**closure, **names, **bound}, {})

    def assign(self, node: ast.AST) -> None:
        pairs: Iterator[tuple[ast.expr, ast.expr]] = iter(())
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = iter(zip(target.elts, value.elts, strict=False))
            else:
                pairs = iter([(target, value)])
        elif isinstance(node, ast.NamedExpr):
            pairs = iter([(node.target, node.value)])
        for target, value in pairs:
            if isinstance(target, ast.Name) and target.id not in self.names:
                self.names.assigned.setdefault(target.id, value)

    # -- what a piece of text stands for

    def value(self, node: ast.expr) -> Any:
        """The value of an expression, `Of` its type, or UNKNOWN."""
        if isinstance(node, ast.Await):
            return self.value(node.value)
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Call):
            return self._result(node)
        return self._evaluated(node)

    def _name(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in self.names.assigned:
            node = self.names.assigned.pop(name)
            self.names[name] = UNKNOWN  # while it is looked for
            self.names[name] = self.value(node)
            return self.names[name]
        return self.globals.get(name, getattr(builtins, name, UNKNOWN))

    def _attribute(self, node: ast.Attribute) -> Any:
        if _is_super(node.value):
            return self._above(node.attr)
        whole = self.value(node.value)
        if whole is UNKNOWN:
            return UNKNOWN
        if not isinstance(whole, Of):
            return getattr(whole, node.attr, UNKNOWN)
        found = inspect.getattr_static(whole.kind, node.attr, UNKNOWN)
        if isinstance(found, property):
            kind = hints(found.fget).get("return")
            return _of(kind)
        kind = hints(whole.kind).get(node.attr)
        if found is UNKNOWN or isinstance(found, types.MemberDescriptorType):
            return _of(kind)
        value = getattr(whole.kind, node.attr, UNKNOWN)
        if isinstance(value, types.FunctionType):
            return Method(whole.kind, value) if not isinstance(found, staticmethod) else value
        return value

    def _above(self, name: str) -> Any:
        here = inspect.getclosurevars(self.function).nonlocals.get("__class__")
        line = (self.owner or object).__mro__
        if here not in line:
            return UNKNOWN
        for cls in line[line.index(here) + 1 :]:
            if name in vars(cls) and self.owner is not None:
                return Method(self.owner, vars(cls)[name])
        return UNKNOWN

    def _result(self, node: ast.Call) -> Any:
        called = self.value(node.func)
        if isinstance(called, type):
            return Of(called)
        function = called.function if isinstance(called, Method) else called
        kind = hints(function).get("return") if callable(function) else None
        return _of(kind)

    def _evaluated(self, node: ast.expr) -> Any:
        """A literal, with the names in it: what a handler hands to `query` and `body`."""
        if any(isinstance(one, ast.Call | ast.Await | ast.Yield) for one in ast.walk(node)):
            return UNKNOWN
        known: dict[str, Any] = {}
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
                value = self._name(one.id)
                known[one.id] = value.kind if isinstance(value, Of) else value
        if any(value is UNKNOWN for name, value in known.items() if name not in _inner(node)):
            return UNKNOWN
        try:
            code = compile(ast.Expression(node), "<handler>", "eval")
            return eval(code, {**self.globals, **known})  # noqa: S307 (our own source)
        except Exception:  # noqa: BLE001 (it is not to be known, then)
            return UNKNOWN


def _of(kind: Any) -> Any:
    return Of(kind) if _is_class(kind) else UNKNOWN


def _is_class(kind: Any) -> bool:
    return isinstance(kind, type) and kind.__module__.partition(".")[0] in ROOMS


def _is_super(node: ast.expr) -> bool:
    call = node.func if isinstance(node, ast.Call) else None
    return isinstance(call, ast.Name) and call.id == "super"


def _inner(node: ast.expr) -> set[str]:
    """Names that a comprehension makes by itself."""
    return {
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
