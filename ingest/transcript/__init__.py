"""Reading Claude Code transcripts: one tolerant, streaming normaliser for all who need it."""

from __future__ import annotations

from ingest.transcript.index import BadIndex, Index, Indexer, build
from ingest.transcript.pages import events, head
from ingest.transcript.reading import read

__all__ = ["BadIndex", "Index", "Indexer", "build", "events", "head", "read"]
