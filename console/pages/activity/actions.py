"""What can be done with what is filtered: take it along as a file, a notebook, a command; start
again.

Every link holds the window as times, so that what leaves is what the page shows, however much later
somebody follows it.
"""

from __future__ import annotations

from typing import Any

from console.as_command import address, command, held
from console.pages import takeaway
from console.pages.activity import views
from console.pages.activity.reading import Reading


def read(reading: Reading) -> dict[str, Any]:
    """`exports`, `notebook` and `copies`, unless the filter could not be read; `has_default`:
    whether the bare address is a view of the reader's, so that starting again needs another."""
    found: dict[str, Any] = {
        "exports": (),
        "has_default": _has_default(reading) if reading.beat else None,
    }
    if reading.asked is None:
        return found
    params = held(reading.state.given, reading.asked)
    listed = params | ({"sort": reading.state.sort} if reading.state.sort else {})
    noun, api = ("me", "/api/me") if reading.own else ("admin", "/api/admin")
    return {
        **found,
        "exports": takeaway.exports(f"{api}/activity/export", params),
        "notebook": address(f"{reading.path}/notebook", params),
        "copies": takeaway.copies(command(f"{noun} activity", listed), f"{api}/activity", listed),
    }


def _has_default(reading: Reading) -> bool:
    # Else the menu of views has read them; a beat does not ask for that.
    page = views.page_name(own=reading.own)
    mine = views.of(reading.reader.instance, reading.caller.me.user_id, page)
    return any(view.is_default for view in mine)
