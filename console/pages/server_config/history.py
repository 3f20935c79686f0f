"""What was changed of the settings or of a prompt, the newest first, each with its undoing."""

from __future__ import annotations

from typing import Any

from console import activity, links
from console.pages.activity import tab_changes
from console.pages.activity.panel import undo
from console.pages.activity.panel.event import names
from console.pages.server_config.reading import Reading
from console.queries import audit
from console.queries.audit_filter import AuditFilter, Term

MOST = 15
_ROLLBACK = "audit.rollback"


def read(reading: Reading) -> dict[str, Any]:
    """`rows`, each as the log's own tab has them; `older`: where older ones stand, if there are
    any; `undo`: what the undoing of the one that the address names would do."""
    about = reading.about
    kind = "instance_templates.set" if about.startswith("template:") else "instance_config.update"
    of = Term("resource", (about,)) if about else Term("resource_prefix", ("config:",))
    filter = AuditFilter(terms=(of, Term("action_in", (kind, _ROLLBACK))))
    newest = activity.order(None, None, None, reading.reader)
    page = activity.raw_page(reading.reader, audit.timeline, filter, newest, MOST + 1)
    rows, wanted, tried = page.rows[:MOST], reading.state.undo, None
    shown = tab_changes.shown(reading, rows)
    if any(row["id"] == wanted and not row["undone"] for row in shown):
        tried = undo.tried(reading.reader, reading.caller, wanted, names(reading.reader))
    every = f"{links.LOG}?action_prefix=instance_config.&since_minutes=43200&tab=changes"
    older = links.history(*about.split(":", 1)) if about else every
    return {
        "rows": shown,
        "older": older if len(page.rows) > MOST else None,
        "undo": tried,
    }
