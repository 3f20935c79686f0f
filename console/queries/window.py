"""Windows of time as people write them: `24h`, `7d`, an ISO time. Naive UTC inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from schema.errors import BadParameter

_SPAN = re.compile(r"(\d{1,6})(m|h|d|w)?\Z")
_UNITS = {"m": 1, "h": 60, "d": 1440, "w": 10_080}
MAX_MINUTES = 43_200  # 30 days
FIRST_YEAR, LAST_YEAR = 1970, 9998  # one can reckon with these: no window leaves the calendar


def moment(name: str, text: str) -> datetime:
    """An ISO-8601 time, with or without a zone, as naive UTC. A day alone is its midnight."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        at = at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise BadParameter(name, text, "an ISO time such as 2026-11-22T14:00:00Z") from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise BadParameter(name, text, f"a time from {FIRST_YEAR} to {LAST_YEAR}")
    return at


def since(name: str, text: str, now: datetime) -> datetime:
    """A span back from `now` (`30m`, `24h`, `7d`, `2w`, bare minutes) or an ISO time."""
    span = _SPAN.match(text)
    if span is None:
        return moment(name, text)
    minutes = int(span[1]) * _UNITS[span[2] or "m"]
    if not 1 <= minutes <= MAX_MINUTES:
        raise BadParameter(name, text, f"1 minute to {MAX_MINUTES // 1440} days, or an ISO time")
    return now - timedelta(minutes=minutes)
