"""What can be done with what is filtered: take it along as a file, a command, a request; start
again.

Every link holds the window as times, so that what leaves is what the page shows, however much later
somebody follows it.
"""

from __future__ import annotations

from typing import Any

from console.as_command import SESSION_FLAGS, SESSION_OPTIONS, command
from console.pages import takeaway
from console.pages.sessions.reading import Reading
from console.session_filter import WINDOW, ends

_API = "/api/admin/sessions"


def read(reading: Reading) -> dict[str, Any] | None:
    """`exports` and `copies`; None where the filter could not be read."""
    if not reading.is_known:
        return None
    since, until = (f"{at.isoformat()}Z" for at in ends(reading.filter))
    given = {name: text for name, text in reading.state.given.items() if name not in WINDOW}
    params = {**given, "since": since, "until": until}
    if reading.state.sort:
        params["sort"] = reading.state.sort
    typed = command("admin sessions list", params, SESSION_OPTIONS, SESSION_FLAGS)
    return {
        "exports": takeaway.exports(f"{_API}/export", params),
        "copies": takeaway.copies(typed, f"{_API}/list", params),
    }
