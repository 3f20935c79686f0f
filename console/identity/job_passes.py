"""Passes of running jobs: a kernel's right to fetch pending work and to commit what it finished.

A pass is no user's token: it opens only what asks for `rights.SERVICE`, ends with its run, and is
kept nowhere but in this process's memory, as a hash. A script's is its owner's for as long: it
opens what they may open at that moment.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.audit import now
from schema.policy import Principal

PREFIX = "agnes_job_"


@dataclass(frozen=True)
class Pass:
    """`run_id` is the run it was issued for; `owner` the id of the person whose it is, None for
    the scheduler's own."""

    run_id: str
    expires_at: datetime
    principal: Principal
    owner: str | None = None


class JobPasses:
    """Every pass that holds now."""

    def __init__(self) -> None:
        self._known: dict[str, Pass] = {}

    def issue(self, run_id: str, *, lifetime: timedelta, owner: str | None = None) -> str:
        """A new pass for a run; whoever holds the text acts as the scheduler, or as `owner`."""
        secret = PREFIX + secrets.token_urlsafe(32)
        principal = Principal(user_id="", kind="scheduler", service=True, name=f"job {run_id}")
        self._known[_digest(secret)] = Pass(run_id, now() + lifetime, principal, owner)
        return secret

    def find(self, secret: str) -> Pass | None:
        found = self._known.get(_digest(secret))
        return found if found is not None and found.expires_at > now() else None

    def end(self, run_id: str) -> None:
        """The run is over: its pass opens nothing any more."""
        self._known = {
            key: held
            for key, held in self._known.items()
            if held.run_id != run_id and held.expires_at > now()
        }


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
