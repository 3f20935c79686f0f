"""When something that recurs is due: `every 15m`, or five fields of cron in UTC. The one place
where a schedule of either form is read.

Whoever keeps the text keeps it as it was given; what it means is asked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schema.errors import BadParameter

FORMS = "`every <n>m`, `every <n>h`, `every <n>d`, or five fields of cron in UTC, as `30 5 * * 1`"
_EVERY = re.compile(r"every\s+([0-9]{1,6})\s*([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=366)
_DAYS = re.compile(r"(\*|[0-9])(?:-([0-9]))?(?:/([0-9]))?")
_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True)
class Beat:
    """One schedule. `every` apart from the last time, or what `cron` says."""

    every: timedelta | None = None
    cron: str | None = None

    def after(self, last: datetime) -> datetime | None:
        """When it is due again after `last`; both naive UTC. None for never."""
        if self.every is not None:
            return last + self.every
        found = cron(self.cron or "").get_next_fire_time(None, _next(last))
        return found.astimezone(UTC).replace(tzinfo=None) if found else None

    def due(self, last: datetime | None, at: datetime) -> bool:
        """Whether it is due at `at`. What was never done is due at once."""
        if last is None:
            return True
        beat = self.after(last)
        return beat is not None and beat <= at


def parse(text: str, *, name: str = "schedule") -> Beat:
    """Raises BadParameter under that name for what is no schedule."""
    said = " ".join(text.split())
    if found := _EVERY.fullmatch(said.lower()):
        every = int(found[1]) * _UNITS[found[2]]
        if not timedelta(minutes=1) <= every <= _LONGEST:
            raise BadParameter(name, text, "1 minute to 366 days")
        return Beat(every=every)
    try:
        cron(said)
    except ValueError:
        raise BadParameter(name, text, FORMS) from None
    beat = Beat(cron=said)
    if beat.after(datetime.now(UTC).replace(tzinfo=None)) is None:
        raise BadParameter(name, text, "a time that comes; this one never does")
    return beat


def cron(text: str) -> Any:
    """APScheduler's trigger of five fields, in UTC. Raises ValueError for anything else."""
    from apscheduler.triggers.cron import CronTrigger  # 60 ms, for whoever has a schedule

    fields = text.split()
    if len(fields) == 5:
        fields[4] = ",".join(map(_days, fields[4].split(",")))
    return CronTrigger.from_crontab(" ".join(fields), timezone=UTC)


def _days(part: str) -> str:
    """Days of the week by name: cron counts from Sunday, 0 or 7, and APScheduler from Monday."""
    found = _DAYS.fullmatch(part)
    if found is None:
        return part
    first, last, step = found[1], found[2], int(found[3] or 1)
    if first == "*":
        days = range(0, 7, step or 1) if found[3] else None
    else:
        until = int(last or (6 if found[3] else first))
        days = range(int(first), until + 1, step or 1)
    if days is None:
        return part
    if not step or not days or days[-1] > 7:
        raise ValueError(part)
    return ",".join(dict.fromkeys(_NAMES[day % 7] for day in days))


def _next(at: datetime) -> datetime:
    """Just after a moment, so that a beat at that moment is not found twice."""
    return at.replace(tzinfo=UTC) + timedelta(microseconds=1)
