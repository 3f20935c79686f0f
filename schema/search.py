"""What `q` looks through: the text of an audit row's column `search`, made once, when the row is
written.

Here, because both the console, which writes the log, and the seed, which makes up one, need the
same text.
"""

from __future__ import annotations


def search_text(action: str, resource: str | None, params: str | None) -> str:
    """Action, resource and params (JSON text), lower-cased, a line each."""
    return f"{action}\n{resource or ''}\n{params or ''}".lower()
