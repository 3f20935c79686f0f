"""Reading Claude Code transcripts: one tolerant, streaming normaliser for all who need it."""
