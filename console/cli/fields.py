"""One row in the terminal: a field a line, JSON over several."""

from __future__ import annotations

import json
from typing import Any

from console.cli.output import dash, moment, say
from console.cli.text import json_text, plain, plain_lines


def show_fields(row: dict[str, Any], indent: str = "") -> None:
    """A row or a record, a field a line."""
    width = max((len(name) for name in row), default=0)
    for name, value in row.items():
        margin = f"{indent}{plain(name):<{width}}  "
        shown = moment(value) if name == "timestamp" or name.endswith("_at") else _pretty(value)
        say(margin + shown.replace("\n", "\n" + " " * len(margin)))


def _pretty(value: Any) -> str:
    """JSON that is kept as text, such as params, over several lines; anything else on one."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except ValueError:
            return plain(value)
    return (
        plain_lines(json_text(value)) if isinstance(value, dict | list) and value else dash(value)
    )
