"""The tab Usage: who uses the instance, and through what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console import usage
from console.audit import new_id
from console.pages.activity.reading import Reading
from console.pages.render import iso


def read(reading: Reading) -> dict[str, Any]:
    """The figures, and for each bucket the query that looks at nothing else."""
    found = usage.of_people(reading.reader, reading.filter)
    length = timedelta(seconds=found["bucket_seconds"]) - timedelta(milliseconds=1)
    for bucket in found["buckets"]:
        span = {"since": iso(bucket["ts"]), "until": iso(bucket["ts"] + length)}
        bucket["only"] = reading.state.url(**span, since_minutes=None)
    return {**found, "mark": new_id(), "accounts": reading.reader.instance.people.active()}
