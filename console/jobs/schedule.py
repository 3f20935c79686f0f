"""What runs when: the jobs of `notebooks/schedule.toml`, with the intervals that settings override.

It knows times and parameters, and nothing of runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from console import beats
from console.settings import Settings
from schema.errors import AgnesError, BadParameter

FILE = "schedule.toml"
APART = 20  # seconds between the beats of two jobs of the same interval
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 16 << 10  # bytes of a run's parameters
_KEYS = {
    *("title", "notebook", "every_seconds", "cron"),
    *("timeout_seconds", "asks", "parameters"),
}


class BadSchedule(AgnesError):
    """`schedule.toml` cannot be read; names the job and the key."""

    title = "Bad schedule"


@dataclass(frozen=True)
class Job:
    """One scheduled notebook. `every` is in seconds, 0 for never; where it is None `cron` says
    when. `phase` shifts the beat, in seconds, so that jobs do not start together. A script is a job
    with an `owner`, as whom it runs; it may also be a Python file, and have `memory_mb` at most."""

    name: str
    title: str
    notebook: Path
    every: int | None = None
    cron: str | None = None
    timeout: int = 1800
    asks: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    phase: int = 0
    owner: str | None = None
    memory_mb: int | None = None

    def trigger(self) -> Any:
        """APScheduler's trigger, None for never. The beat is fixed in time, whenever a server
        starts."""
        if self.every == 0:
            return None
        if self.every is not None:
            from apscheduler.triggers.interval import IntervalTrigger

            start = _EPOCH + timedelta(seconds=self.phase)
            return IntervalTrigger(seconds=self.every, start_date=start, timezone=UTC)
        return beats.cron(self.cron or "")

    def after(self, at: datetime) -> datetime | None:
        """The first beat at or after `at`; both naive UTC."""
        trigger = self.trigger()
        found = trigger and trigger.get_next_fire_time(None, at.replace(tzinfo=UTC))
        return found.astimezone(UTC).replace(tzinfo=None) if found else None

    def missed(self, last: datetime | None, at: datetime) -> bool:
        """Whether a beat lies between the last run and `at`. A job that never ran has missed
        nothing, but where asking costs nothing it is asked at once."""
        if last is None:
            return self.asks is not None and self.after(at) is not None
        beat = self.after(last)
        return beat is not None and beat <= at

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a run. Raises BadParameter that names the wrong one and the allowed."""
        allowed = ", ".join(self.parameters) or "no parameters"
        for name, value in given.items():
            if name not in self.parameters:
                error = BadParameter.unknown(name, self.parameters)
                error.detail = f"{self.name} takes {allowed}."
                raise error
            if not _alike(value, self.parameters[name]):
                kind = type(self.parameters[name]).__name__
                raise BadParameter(name, value, f"a {kind}", detail=f"{self.name} takes {allowed}.")
        size = len(orjson.dumps(given))
        if size > _LARGEST:
            raise BadParameter("parameters", f"{size} bytes", f"at most {_LARGEST} bytes of JSON")
        return {**self.parameters, **given}


def read(settings: Settings) -> dict[str, Job]:
    """Every job, in the file's order. Empty where this installation has no notebooks. Raises
    BadSchedule, and BadParameter for a folder that AGNES_NOTEBOOKS names in vain."""
    folder = notebooks(settings)
    try:
        told = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if settings.notebooks:
            raise BadParameter("AGNES_NOTEBOOKS", folder, f"a folder with {FILE}") from None
        return {}
    except (OSError, ValueError) as error:
        raise BadSchedule(f"cannot read {folder / FILE}: {error}") from error
    return {
        name: _job(name, keys, folder, APART * place, settings)
        for place, (name, keys) in enumerate(told.items())
    }


def notebooks(settings: Settings) -> Path:
    """The folder of notebooks: beside the packages, wherever these are, unless a setting names
    one."""
    if settings.notebooks:
        return Path(settings.notebooks).expanduser().resolve()
    return Path(__file__).resolve().parents[2] / "notebooks"


def _job(name: str, keys: Any, folder: Path, phase: int, settings: Settings) -> Job:
    if not isinstance(keys, dict) or keys.keys() - _KEYS:
        raise BadSchedule(f"{FILE}: {name}: known keys are {', '.join(sorted(_KEYS))}")
    if ("every_seconds" in keys) == ("cron" in keys):
        raise BadSchedule(f"{FILE}: {name}: give either every_seconds or cron")
    try:
        every = getattr(settings, f"scheduler_{name}_interval", None)
        cron = keys.get("cron") if every is None else None
        job = Job(
            name=name,
            title=keys["title"],
            notebook=folder / keys["notebook"],
            every=keys.get("every_seconds") if every is None else every,
            cron=cron,
            timeout=int(keys["timeout_seconds"]),
            asks=keys.get("asks"),
            parameters=keys.get("parameters", {}),
            phase=phase,
        )
        job.trigger()
    except KeyError as error:
        raise BadSchedule(f"{FILE}: {name}: {error.args[0]} is missing") from None
    except (TypeError, ValueError) as error:
        raise BadSchedule(f"{FILE}: {name}: {error}") from error
    return job


def _alike(value: Any, default: Any) -> bool:
    """Whether JSON's `value` can stand for `default`; a bool is no number."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, int | float if isinstance(default, float) else type(default))
