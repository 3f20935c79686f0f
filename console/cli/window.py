"""Times as a person types them: `30m`, `24h`, `7d`, bare minutes, or a point in time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from schema.errors import BadParameter

LONGEST = 43_200  # minutes that `since_minutes` of the log may count back
YEAR = 525_600  # and that of sessions and telemetry
MINUTES = {"": 1, "m": 1, "h": 60, "d": 1440}


def lower_bound(text: str, longest: int = LONGEST) -> dict[str, str]:
    """The server's parameter for `--since`: minutes counted back, at most `longest`, or a time. Or
    BadParameter."""
    counted = re.fullmatch(r"([0-9]{1,9})([mhd]?)", text.strip())
    if counted is None:
        return {"since": utc(text, option="--since", other="30m, 24h, 7d, or ")}
    minutes = int(counted[1]) * MINUTES[counted[2]]
    if not 1 <= minutes <= longest:
        days = longest // MINUTES["d"]
        raise BadParameter(
            "--since", text, f"1 minute to {days} days; for more give a time such as 2026-01-31"
        )
    return {"since_minutes": str(minutes)}


def utc(text: str, *, option: str, other: str = "") -> str:
    """A time in ISO form, as the server takes it; UTC if it names no zone. Or BadParameter."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError as error:
        allowed = f"give {other}a time such as 2026-01-31 or 2026-01-31T09:00Z"
        raise BadParameter(option, text, allowed) from error
    if when.tzinfo is not None:
        when = when.astimezone(UTC).replace(tzinfo=None)
    return when.isoformat() + "Z"
