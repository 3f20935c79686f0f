"""What can be done with what is filtered: take it along as a file, a command, a request."""

from __future__ import annotations

from typing import Any

from console.as_command import FEEDBACK_OPTIONS, command
from console.pages import takeaway
from console.pages.feedback.reading import Reading
from console.pages.render import iso
from console.queries.audit_grammar import WINDOW

_API = "/api/admin/feedback"


def read(reading: Reading) -> dict[str, Any] | None:
    """`exports` and `copies`; None where the filter could not be read. A window that counts back
    from now is written as times: what leaves is what the page shows."""
    if not reading.is_known:
        return None
    params = {name: text for name, text in reading.state.wanted.items() if name not in WINDOW}
    filter = reading.filter
    if filter.since is not None:
        params |= {"since": iso(filter.since), "until": iso(filter.until or reading.at)}
    elif filter.until is not None:
        params["until"] = iso(filter.until)
    if reading.state.sort:
        params["sort"] = reading.state.sort
    typed = command("admin feedback list", params, FEEDBACK_OPTIONS, {})
    return {
        "exports": takeaway.exports(f"{_API}/export", params),
        "copies": takeaway.copies(typed, _API, params),
    }
