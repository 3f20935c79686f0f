"""Bind points: Ibis expressions whose values are filled in when the query runs.

Building and compiling an expression costs 2 to 12 ms, running it often less. So a question is
compiled once per
*shape* (which filters are set) and its values travel as the driver's parameters. The expression
stays the only source: `tests/schema/test_bind.py` proves that a bound question and its literal form
give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, runtime_checkable

import ibis
import sqlglot.expressions as sge

Value = str | int | float | datetime | list[str]


@ibis.udf.scalar.builtin(name="agnes_bind_text")  # type: ignore[untyped-decorator]
def _text(key: str) -> str: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="agnes_bind_time", signature=((ibis.dtype("string"),), "timestamp"))
def _time(key): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="agnes_bind_count")  # type: ignore[untyped-decorator]
def _count(key: str) -> int: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="agnes_bind_number")  # type: ignore[untyped-decorator]
def _number(key: str) -> float: ...  # type: ignore[empty-body]


_TEXTS = ((ibis.dtype("string"),), "array<string>")


@ibis.udf.scalar.builtin(name="agnes_bind_texts", signature=_TEXTS)
def _texts(key): ...  # type: ignore[no-untyped-def]


_POINTS: dict[type, Callable[[str], Any]] = {
    str: _text,
    datetime: _time,
    int: _count,
    float: _number,
    list: _texts,
}


def point(key: str, value: Value) -> Any:
    """A scalar expression of `value`'s type that stands for the parameter `key`."""
    return _POINTS[type(value)](key)


@runtime_checkable
class Bindable(Protocol):
    """An argument of a question that can be split into a shape and values."""

    def shape(self) -> Hashable:
        """What decides the text of the query: equal shapes, equal text."""

    def values(self) -> Mapping[str, Value]:
        """The values, by key; keys are stable within a shape."""

    def bound(self, prefix: str) -> Self:
        """The same argument with each value replaced by `point(prefix + key, value)`."""


@dataclass(frozen=True)
class At:
    """A moment as an argument of a question."""

    moment: datetime

    def shape(self) -> Hashable:
        return ()

    def values(self) -> Mapping[str, Value]:
        return {"at": self.moment}

    def bound(self, prefix: str) -> At:
        return At(point(prefix + "at", self.moment))


@dataclass(frozen=True)
class Text:
    """A text, such as a key, as an argument of a question."""

    text: Any

    def shape(self) -> Hashable:
        return ()

    def values(self) -> Mapping[str, Value]:
        return {"text": self.text}

    def bound(self, prefix: str) -> Text:
        return Text(point(prefix + "text", self.text))


@dataclass(frozen=True)
class Texts:
    """Some texts, such as keys, as an argument of a question: a column of them."""

    texts: Any

    def shape(self) -> Hashable:
        return ()

    def values(self) -> Mapping[str, Value]:
        return {"texts": list(self.texts)}

    def bound(self, prefix: str) -> Texts:
        return Texts(point(prefix + "texts", []))

    @property
    def column(self) -> Any:
        of = self.texts
        if isinstance(of, list | tuple):
            of = ibis.literal(list(of), type="array<string>")
        return of.unnest().name("value").as_table().value


def to_placeholders(tree: sge.Expression) -> sge.Expression:
    """Bind points of a compiled query -> the driver's named placeholders."""

    def swap(node: sge.Expression) -> sge.Expression:
        if isinstance(node, sge.Anonymous) and str(node.this).lower().startswith("agnes_bind_"):
            place = sge.Placeholder(this=node.expressions[0].this)
            texts = str(node.this).lower().endswith("_texts")  # of none the driver knows no type
            return sge.cast(place, "VARCHAR[]", dialect="duckdb") if texts else place
        return node

    return tree.transform(swap)
