"""Exports over HTTP: all rows of an expression, streamed in a format, with their number in a header
and in the audit row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import ibis.expr.types as ir
from tornado.iostream import StreamClosedError

from console.audit import entry, now
from console.export import FORMATS, Row
from console.handler import Handler
from schema.errors import BadParameter


def format_of(given: Mapping[str, str]) -> str:
    """`format`, checked; CSV without one. Raises BadParameter."""
    name = given.get("format", "csv")
    if name not in FORMATS:
        raise BadParameter("format", name, "one of " + ", ".join(FORMATS))
    return name


async def stream(
    handler: Handler,
    rows: ir.Table,
    columns: Collection[str],
    *,
    format: str,
    name: str,
    action: str,
    params: Mapping[str, Any],
    dress: Callable[[list[Row]], list[Row]],
) -> None:
    """Send all of `rows` as the file `name`, dressed batch by batch; write the audit row first."""
    write, content_type, ending = FORMATS[format]
    store = handler.instance.store
    with ExitStack() as open_rows:
        count, batches = await store.offload(open_rows.enter_context, store.snapshot(rows))
        said = {**params, "format": format, "row_count": count}
        await handler.instance.record(entry(handler.caller, action, params=said))
        handler.set_header("Content-Type", content_type)
        handler.set_header("X-Row-Count", str(count))
        file = f"{name}-{now():%Y%m%d-%H%M%S}.{ending}"
        handler.set_header("Content-Disposition", f'attachment; filename="{file}"')
        dressed = (dress(batch.to_pylist()) for batch in batches)
        await _send(handler, write(dressed, columns))


async def _send(handler: Handler, pieces: Iterator[bytes]) -> None:
    try:
        while (piece := await handler.instance.store.offload(next, pieces, None)) is not None:
            handler.write(piece)
            await handler.flush()
    except StreamClosedError:
        return  # the client left; the block that holds the rows is closed behind us
    handler.finish()
