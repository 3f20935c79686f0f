"""Who else opened the reader's own transcripts, when, and why. SPEC section 8."""

from __future__ import annotations

from typing import Any

from console import links
from console.pages.person.reading import Reading
from console.transcript import transcript_looks

ROWS = 50


def read(reading: Reading) -> dict[str, Any]:
    """`rows` of all time, the newest first, each with `href`, its session's replay, where it was
    one; `total`, and the offsets `next` and `prev`."""
    offset = reading.state.offset
    rows, total = transcript_looks.views_of_mine(reading.reader, limit=ROWS, offset=offset)
    shown = [
        {**row, "href": links.replay(row["session_file"], own=True) if row["session_file"] else ""}
        for row in rows
    ]
    after = offset + ROWS
    return {
        "rows": shown,
        "total": total,
        "offset": offset,
        "next_offset": after if after < total else None,
        "prev": max(offset - ROWS, 0) if offset else None,
    }
