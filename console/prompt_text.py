"""The language of the two prompts: Jinja, as far as nothing in it can run away or reach around.

A prompt is a text with variables, conditions and loops over what it is given. Calls, arithmetic,
assignments, macros and imports are no part of it, so that a prompt costs no more than its length
times the lists it goes through; what comes out is bounded, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment

from schema.errors import BadRequest, TooLarge, shorten

LONGEST = 256 * 1024  # characters of what comes out
_DEEP = 2  # loops inside of each other
_NESTED = 40  # parts inside of each other; Python itself takes fewer than a hundred
_WORDS = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For),
    *(nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Tuple, nodes.List),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
    *(nodes.Filter, nodes.Test),
)
_FILTERS: tuple[str, ...] = (
    *("capitalize", "default", "first", "join", "last", "length", "lower", "sort", "title"),
    *("trim", "upper"),
)
_TESTS = ("defined", "undefined", "none", "in", "eq", "ne", "true", "false", "boolean", "string")
_LOOP = "loop"
_OF_LOOP = ("index", "index0", "first", "last", "length", "revindex")
_PARTS = 2000  # of expressions and blocks; a prompt is mostly text
_STEPS = 2_000_000  # parts that all loops together go through; about a second
_MANY, _LEFT = "_many", "_left"  # what bounds the loops, under names that no prompt can use


class BadTemplate(BadRequest):
    """What stands in a prompt and cannot be; names the line."""

    title = "Bad template"

    def __init__(self, line: int, why: str, *, detail: str = "") -> None:
        super().__init__(f"line {line}: {why}", detail=detail)
        self.line = line


class _Environment(SandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of what the prompt is given, or where a loop is; nothing of Python's own."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext) and attribute in _OF_LOOP:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping) or isinstance(argument, str):
            return self.getattr(obj, str(argument))
        return super().getitem(obj, argument)


def _environment() -> SandboxedEnvironment:
    made = _Environment(
        undefined=StrictUndefined,
        autoescape=False,  # it becomes a prompt; a page escapes it like any text
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals = {}
    made.filters = {name: made.filters[name] for name in _FILTERS} | {"join": _joined}
    made.filters[_MANY] = _many
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


def _joined(parts: Any, between: str = ", ", attribute: str | None = None) -> str:
    """Jinja's `join`, of at most so much. Raises TooLarge."""
    if isinstance(parts, str):
        raise TypeError("join puts the items of a list together")
    texts: list[str] = []
    size = 0
    for part in parts:
        text = str(part[attribute] if attribute else part)
        size += len(text) + len(between)
        if size > LONGEST:
            raise _too_long()
        texts.append(text)
    return between.join(texts)


@pass_context
def _many(context: Context, items: Any, parts: int) -> list[Any]:
    """The items of a loop with so many parts inside, as long as the prompt has steps left. Raises
    TypeError, TooLarge."""
    if isinstance(items, str):
        raise TypeError("a loop goes through a list, and this is a text")
    found, left = list(items), context.resolve(_LEFT)
    left[0] -= len(found) * parts
    if left[0] < 0:
        raise TooLarge("the prompt has too much to go through", detail="Loop over less.")
    return found


_ENVIRONMENT = _environment()


def _made(body: str) -> Template:
    """The template, with the loops of it counted."""
    tree = _ENVIRONMENT.parse(body)
    for loop in tree.find_all(nodes.For):
        parts = nodes.Const(1 + sum(1 for _ in loop.find_all(nodes.Node)))
        loop.iter = nodes.Filter(loop.iter, _MANY, [parts], [], None, None, lineno=loop.lineno)
    tree.set_environment(_ENVIRONMENT)
    return Template.from_code(_ENVIRONMENT, _ENVIRONMENT.compile(tree), {})


def checked(body: str, known: Mapping[str, Any]) -> None:
    """Raises BadTemplate for what is no prompt: syntax, parts that are no part of the language, and
    names that are not `known`."""
    try:
        tree = _ENVIRONMENT.parse(body)
    except TemplateSyntaxError as error:
        raise BadTemplate(error.lineno, error.message or "it cannot be read") from None
    except RecursionError:
        raise _nested(1) from None
    if sum(1 for _ in tree.find_all(nodes.Node)) > _PARTS:
        raise BadTemplate(1, f"it has more than {_PARTS} expressions and blocks")
    _check(tree, frozenset(known), 0, 0)


def rendered(body: str, values: Mapping[str, Any]) -> str:
    """The prompt with its values. Raises as `checked`, TooLarge for what has no end."""
    checked(body, values)
    try:
        return "".join(_bounded(_made(body).generate({**values, _LEFT: [_STEPS]})))
    except TemplateSyntaxError as error:
        raise BadTemplate(error.lineno, error.message or "it cannot be read") from None
    except (TemplateError, SecurityError, TypeError, ValueError, KeyError) as error:
        raise BadTemplate(_line(error), str(error) or type(error).__name__) from None


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LONGEST:
            raise _too_long()
        yield piece


def _too_long() -> TooLarge:
    return TooLarge(
        f"the prompt becomes longer than {LONGEST // 1024} Ki characters",
        detail="Leave something out, or loop over less.",
    )


def _nested(line: int) -> BadTemplate:
    return BadTemplate(line, "it is nested too deeply")


def _check(node: nodes.Node, names: frozenset[str], loops: int, deep: int) -> None:
    line = node.lineno
    if deep > _NESTED:
        raise _nested(line)
    if not isinstance(node, _WORDS):
        what = type(node).__name__.lower()
        raise BadTemplate(line, f"a prompt has no {what}", detail=_DETAIL)
    if isinstance(node, nodes.Name) and node.name not in names:
        known = ", ".join(sorted(names - {_LOOP}))
        raise BadTemplate(line, f"no variable {shorten(node.name)}", detail=f"There are: {known}.")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise BadTemplate(line, f"no attribute {shorten(node.attr)}")
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise BadTemplate(
            line, f"no filter {shorten(node.name)}", detail=f"There are: {', '.join(_FILTERS)}."
        )
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise BadTemplate(
            line, f"no test {shorten(node.name)}", detail=f"There are: {', '.join(_TESTS)}."
        )
    if not isinstance(node, nodes.For):
        for child in node.iter_child_nodes():
            _check(child, names, loops, deep + 1)
        return
    if node.recursive or loops == _DEEP:
        raise BadTemplate(line, f"at most {_DEEP} loops stand inside of each other")
    _check_loop(node, names, loops, deep + 1)


def _check_loop(node: nodes.For, names: frozenset[str], loops: int, deep: int) -> None:
    if not isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Filter | nodes.Getitem):
        raise BadTemplate(node.lineno, "a loop goes through one of the variables")
    _check(node.iter, names, loops, deep)
    inside = names | {_LOOP} | {one.name for one in _targets(node.target)}
    if node.test is not None:
        _check(node.test, inside, loops + 1, deep)
    for child in (*node.body, *node.else_):
        _check(child, inside, loops + 1, deep)


def _targets(node: nodes.Node) -> Iterator[nodes.Name]:
    if isinstance(node, nodes.Name):
        yield node
    else:
        yield from node.find_all(nodes.Name)


def _line(error: Exception) -> int:
    """The line of the template at which it failed."""
    at, found = error.__traceback__, 1
    while at is not None:
        if at.tb_frame.f_code.co_filename == "<template>":
            found = at.tb_lineno
        at = at.tb_next
    return found


_DETAIL = "It has variables, conditions, loops and filters; see the list beside it."
