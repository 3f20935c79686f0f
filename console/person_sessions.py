"""The sessions of one person: a page of them, and the files of all. Blocks."""

from __future__ import annotations

from console.queries import transcripts as queries
from console.sessions import Reader, Row
from console.transcript.transcript_files import Packed, packed
from ingest.session_files import Target
from schema.bind import Text
from schema.policy import Seen
from schema.tables import SESSION_FILES


def page(reader: Reader, owner: str, *, limit: int, offset: int) -> Row:
    """As far as the reader may see them, the newest first."""
    rows = reader.ask(queries.sessions_of, reader.seen, Text(owner), limit, offset)
    (counted,) = reader.ask(queries.sessions_counted, reader.seen, Text(owner))
    return listed(rows, int(counted["total"]), limit, offset)


def listed(rows: list[Row], total: int, limit: int, offset: int) -> Row:
    """The envelope of a list."""
    after = offset + limit
    return {
        "rows": rows,
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": after if after < total else None,
        "pagination": {"limit": limit, "offset": offset, "total": total},
    }


def files(reader: Reader, owner: str) -> tuple[list[Packed], int]:
    """What a zip of all of them holds, subagents' files too, and how many files are missing."""
    rows = reader.ask(queries.files_of, Seen(SESSION_FILES, reader.principal), Text(owner))
    targets = [(Target(row["session_file"], row["parent"]), row["uploaded_at"]) for row in rows]
    return packed(reader.instance.settings.folder, targets, owner=owner)
