"""What can be taken along of what is filtered: files, commands, requests. The template of all pages
is `parts/takeaway.html`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.as_command import address, curl

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


def exports(path: str, params: Mapping[str, str]) -> list[tuple[str, str]]:
    """Title and address of the export at `path` in each format."""
    return [(title, address(path, {"format": form, **params})) for form, title in FORMATS]


def copies(command: str, path: str, params: Mapping[str, str]) -> list[Copy]:
    """The same as a command of the terminal and as a request of the API."""
    url = address(path, params)
    return [
        Copy("agnes command", "Command copied", command, has_address=False),
        Copy("API call (curl)", "API call copied", curl(f"{HERE}{url}")),
        Copy("API address", "API address copied", url),
    ]
