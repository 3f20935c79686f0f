"""What is new at a source, ready to be read: files that are open, a fetched file, rows of another
database.

Each kind tells its `state`, so that the next attempt knows what it has seen.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa

from console.settings import Settings
from console.syncing import files
from console.syncing.definition import APPEND, FILES, SQL, Definition
from console.syncing.failed import SOURCE, Deadline, Failed
from console.syncing.fetch import Asked, fetch
from console.syncing.files import Found
from console.tables.connections import Connection
from schema.errors import AgnesError

State = dict[str, Any]


@dataclass(frozen=True)
class Last:
    """The version before: its file, columns as `[{name, type}]`, state, and whether it was made
    from the same source in the same way."""

    path: str
    columns: list[dict[str, str]]
    state: State
    is_same: bool


@dataclass(frozen=True)
class Order:
    """One attempt. `work` is a folder for this attempt alone; `memory`, `most` in bytes."""

    definition: Definition
    work: Path
    folders: tuple[Path, ...]
    hosts: tuple[str, ...]
    seconds: float
    memory: int
    most: int
    last: Last | None = None
    connection: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Order:
        last = told["last"]
        return cls(
            **{
                **told,
                "definition": Definition(**told["definition"]),
                "work": Path(told["work"]),
                "folders": tuple(map(Path, told["folders"])),
                "hosts": tuple(told["hosts"]),
                "last": Last(**last) if last else None,
            }
        )

    @property
    def appends(self) -> bool:
        return self.definition.sync_mode == APPEND

    @property
    def target(self) -> Path:
        return self.work / "new.parquet"


@dataclass(frozen=True)
class Fresh:
    """What is to be read: `files` of one format, or `batches`. `names`: place -> the file's name
    for people; `state`: for the next attempt; `met`: what went wrong with the batches; `stamps`:
    the files as they lie there, and how they were when they were opened."""

    state: State
    format: str = ""
    files: tuple[Found, ...] = ()
    batches: pa.RecordBatchReader | None = None
    names: dict[str, str] = field(default_factory=dict)
    met: list[Failed] = field(default_factory=list)
    stamps: dict[Found, tuple[int, int]] = field(default_factory=dict)

    def refuse_changed(self) -> None:
        """Raises Failed when a file was written while it was read."""
        for file, stamp in self.stamps.items():
            if file.stamp() != stamp:
                raise Failed(SOURCE, f"{file.path}: it was written while it was read")


def gathered(order: Order, deadline: Deadline) -> Fresh | None:
    """None where nothing is new. Raises Failed."""
    if order.definition.source_type == FILES:
        return _files(order)
    return _sql(order) if order.definition.source_type == SQL else _url(order, deadline)


# -- files


def _files(order: Order) -> Fresh | None:
    there = files.found(order.folders, _location(order), order.definition.format)
    seen = order.last.state.get("files", {}) if order.last else {}
    state: dict[str, State] = {}
    new = []
    stamps = {file: file.stamp() for file in there}
    for file in there:
        about = file.about()
        old = seen.get(file.path)
        sha256 = old["sha256"] if old and _untouched(old, about) else files.digest(file)
        state[file.path] = {**about, "sha256": sha256}
        if old is None or old["sha256"] != sha256:
            new.append(file)
    if order.appends and seen:
        if touched := [file.path for file in new if file.path in seen]:
            raise Failed(
                SOURCE,
                f"{touched[0]}: it was written since it was appended; append takes new files "
                "only, sync_mode=full reads all anew",
            )
        there, state = new, {**seen, **state}
    same = order.last is not None and (order.last.is_same or order.appends)
    if same and not new and state.keys() == seen.keys():
        return None
    opened = _opened(order, there, {"files": state})
    return replace(opened, stamps={file: stamps[file] for file in there})


def _untouched(old: State, about: State) -> bool:
    return bool(about["mtime"]) and all(old[name] == about[name] for name in about)


def _opened(order: Order, there: list[Found], state: State, kind: str = "") -> Fresh:
    if sum(os.fstat(file.number).st_size for file in there) > order.most:
        raise Failed("limit", f"the files have more than {order.most >> 20} MB")
    formats: dict[str, str] = {}
    for file in there:
        found = order.definition.format or files.format_of(file.path, kind)
        if found is None:
            raise Failed(SOURCE, f"{file.path}: say its format; its name does not")
        formats.setdefault(found, file.path)
    if len(formats) > 1:
        told = ", ".join(f"{path} is {one}" for one, path in formats.items())
        raise Failed(SOURCE, f"files of one table have one format: {told}; say which is meant")
    most, plain = order.most, []
    for number, file in enumerate(there):
        one = files.unpacked(file, order.work / f"{number}.plain", most)
        most -= os.fstat(one.number).st_size
        if most < 0:
            raise Failed("limit", f"the files have more than {order.most >> 20} MB once unpacked")
        plain.append(one)
    (format,) = formats
    names = {one.place: one.path for one in plain}
    return Fresh(state, format, tuple(plain), names=names)


# -- an address


def _url(order: Order, deadline: Deadline) -> Fresh | None:
    last, url = order.last, _location(order)
    known = last.state if last and (last.is_same or order.appends) else {}
    target = order.work / "body"
    asked = Asked(
        url=url,
        target=target,
        most=order.most,
        known=known if known.get("url") == url else {},
        allowed=order.hosts,
    )
    fetched = fetch(asked, deadline)
    if fetched is None:
        return None
    path = url.partition("?")[0].partition("#")[0]
    body = Found(path, os.open(target, os.O_RDONLY | os.O_CLOEXEC))
    return _opened(order, [body], fetched.told, fetched.kind)


def _location(order: Order) -> str:
    if order.definition.location is None:
        raise Failed(SOURCE, "it has no location")
    return order.definition.location


# -- another database


def _sql(order: Order) -> Fresh | None:
    from console.sources import sql  # 0.2 s, for who needs it

    definition = order.definition
    if order.connection is None:
        name = definition.connection
        raise Failed(SOURCE, f"AGNES_SOURCES names no connection {name}")
    one = Connection(**order.connection)
    settings = cast("Settings", SimpleNamespace(sources=(one,)))
    after = None
    if order.appends and definition.cursor_column and order.last:
        after = (definition.cursor_column, _cursor(order.last.state, definition.cursor_column))
    rows = sql.batches(
        settings, one.name, definition.statement or "", after=after, seconds=order.seconds
    )
    met: list[Failed] = []
    found = _met(rows, met)
    first = next(found, None)
    if met:
        raise met[0]
    while first is not None and first.num_rows == 0 and (more := next(found, None)) is not None:
        first = more
    if first is None or (after is not None and first.num_rows == 0):
        return None
    reader = pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], found))
    return Fresh({}, batches=reader, met=met)


def _met(rows: Iterator[pa.RecordBatch], met: list[Failed]) -> Iterator[pa.RecordBatch]:
    """The same rows. What goes wrong with them ends them and stands in `met`: the engine, which
    reads them, has no word for it."""
    try:
        yield from rows
    except AgnesError as error:
        met.append(_sql_failed(error))


def _sql_failed(error: AgnesError) -> Failed:
    reason = getattr(error, "reason", "")
    return Failed(SOURCE, f"{error.message}: {reason}" if reason else error.message)


def _cursor(state: State, column: str) -> Any:
    """The highest value seen. Raises Failed when it was that of another column."""
    told = state.get("cursor")
    if told is None:
        return None
    if told["column"] != column:
        raise Failed(
            SOURCE,
            f"cursor_column was {told['column']}, is {column}: sync once with sync_mode=full",
        )
    return told["value"]


def cursor_of(column: str, value: Any) -> State:
    """What the state keeps of the highest value: JSON has no times and no exact fractions."""
    if isinstance(value, datetime | date):
        value = value.isoformat()
    elif value is not None and not isinstance(value, int | float | str):
        value = str(value)
    return {"column": column, "value": value}
