"""What can be done with what is filtered: take it along as a file, a notebook, a command; start
again.

Every link holds the window as times, so that what leaves is what the page shows, however much later
somebody follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.as_command import address, command, curl, held
from console.pages.activity import views
from console.pages.activity.reading import Reading

HERE = "{here}"  # see static/shell/copy.js
FORMATS = (("csv", "CSV"), ("json", "JSON lines"), ("parquet", "Parquet"))


@dataclass(frozen=True)
class Copy:
    """Something to copy: its name in the menu, what it says once copied, the text. `has_address`:
    the browser puts this console's own address into it."""

    name: str
    done: str
    text: str
    has_address: bool = True

    @property
    def preview(self) -> str:
        return self.text.replace(HERE, "", 1) if self.has_address else self.text


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
    url = address(f"{api}/activity", listed)
    return {
        **found,
        "exports": [
            (title, address(f"{api}/activity/export", {"format": format, **params}))
            for format, title in FORMATS
        ],
        "notebook": address(f"{reading.path}/notebook", params),
        "copies": [
            Copy(
                "agnes command",
                "Command copied",
                command(f"{noun} activity", listed),
                has_address=False,
            ),
            Copy("API call (curl)", "API call copied", curl(f"{HERE}{url}")),
            Copy("API address", "API address copied", url),
        ],
    }


def _has_default(reading: Reading) -> bool:
    # Else the menu of views has read them; a beat does not ask for that.
    page = views.page_name(own=reading.own)
    mine = views.of(reading.reader.instance, reading.caller.me.user_id, page)
    return any(view.is_default for view in mine)
