"""What the server is asked before a report is sent: its terms, and whether others reported the
same. What it said last of its terms is kept, and shown with its age where nobody can ask."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.ledger import data_folder
from console.cli.report_preview import Known, Terms
from console.cli.report_queue import offline
from schema.errors import AgnesError, NotFound

if TYPE_CHECKING:
    from console.client import Client

PATIENCE = 10.0  # seconds for each wait of these two questions

Json = dict[str, Any]


def terms(client: Client) -> Terms | AgnesError:
    """The server's own words, kept for later; the error, where it cannot be reached."""
    try:
        answer = client.request("GET", "/api/feedback/terms", timeout=PATIENCE)
    except AgnesError as error:
        if not offline(error):
            raise
        return error
    _keep(client.server, answer)
    return Terms(answer)


def kept_terms(server: str) -> Terms:
    """What it said last, and when."""
    entry = _entries().get(server)
    if not isinstance(entry, dict) or not isinstance(entry.get("terms"), dict):
        return Terms(None, "this server was not asked yet")
    return Terms(entry["terms"], f"{_age(entry.get('at'))}")


def known(client: Client, fingerprint: str) -> Known:
    """What is known of a fingerprint. Without an answer nothing is claimed."""
    params = {"fingerprint": fingerprint}
    try:
        answer = client.request("GET", "/api/feedback/known", params=params, timeout=PATIENCE)
    except NotFound:
        return Known(None)
    except AgnesError as error:
        if not offline(error):
            raise
        return Known(None, asked=False)
    return Known(answer)


def _age(at: object) -> str:
    try:
        when = datetime.fromisoformat(str(at))
        days = (datetime.now(UTC) - when).days
    except (ValueError, TypeError):
        return "at an unknown time"
    ago = "today" if days < 1 else "yesterday" if days < 2 else f"{days:,} days ago"
    return f"{ago}, {when:%Y-%m-%d %H:%MZ}"


def _keep(server: str, answer: Json) -> None:
    entries = _entries()
    entries[server] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "terms": answer}
    try:
        handle, temporary = tempfile.mkstemp(dir=_file().parent, prefix=".terms-")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(entries, out)
        os.replace(temporary, _file())
    except OSError:
        pass  # a full disk takes no report away


def _entries() -> Json:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file() -> Path:
    return data_folder() / "terms.json"
