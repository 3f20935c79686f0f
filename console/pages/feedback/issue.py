"""A report as a prefilled issue of a GitHub repository: a link, which a person follows and sends.

It holds what the reporter wrote and the environment; nothing of the session, and no name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from console.pages.replay.words import cleaned

LONGEST = 8000  # bytes of the address; servers refuse longer ones
_TITLE = 120
_FENCE = re.compile(r"`+")


def link(repository: str, report: Mapping[str, Any], address: str) -> str | None:
    """None where no repository is set. `address`: of the report on this console."""
    if not repository:
        return None
    message = cleaned(report["message"] or "").strip()
    title = message.partition("\n")[0][:_TITLE] or "A report"
    low, high = 0, len(message)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if len(_written(repository, title, _body(message, middle, report, address))) <= LONGEST:
            low = middle
        else:
            high = middle - 1
    found = _written(repository, title, _body(message, low, report, address))
    return found if len(found) <= LONGEST else _written(repository, title[:20], address)


def _written(repository: str, title: str, body: str) -> str:
    return f"{repository}/issues/new?" + urlencode({"title": title, "body": body}, quote_via=quote)


def _body(message: str, length: int, report: Mapping[str, Any], address: str) -> str:
    """In a fence longer than any in the message: nothing in it is a heading, a link or a name."""
    said = message[:length] + ("" if length >= len(message) else "\n[…]")
    runs = (len(run) for run in _FENCE.findall(said))
    fence = "`" * max(3, 1 + max(runs, default=0))
    about = [f"* {name}: `{_short(text)}`" for name, text in (report["environment"] or {}).items()]
    times = report["duplicates"] + 1
    reported = f"Reported {times:,} times" if times > 1 else "Reported once"
    return "\n".join(
        [
            f"{fence}text\n{said}\n{fence}",
            *about,
            f"{reported}, fingerprint `{report['fingerprint'][:12]}`.",
            f"Report: {address}",
        ]
    )


def _short(text: Any) -> str:
    return cleaned(str(text)).replace("`", "'").replace("\n", " ")[:80]
