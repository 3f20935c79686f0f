"""View as: an admin looks at pages and API with somebody else's eyes, for half an hour at most.

Who views as whom is kept by the credential they came with (a browser's session, a token), in this
process's memory only: a restart ends all of them. `Gate` asks here with every request; that nothing
is changed meanwhile decides `rights.require`. For the event loop only; it takes no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from console.audit import Caller, entry, now
from schema.policy import Principal, View
from schema.transaction import Rows

LASTS = timedelta(minutes=30)


@dataclass(frozen=True)
class Held:
    """`admin` is who began it, as they came; `user_id` whom they view as."""

    admin: Caller
    user_id: str
    view: View


class Views:
    """Every view that goes on. `ended` is told of those that ended by themselves, and why."""

    def __init__(self, *, lasts: timedelta = LASTS) -> None:
        self.lasts = lasts
        self.ended: Callable[[Held, str], None] = lambda held, why: None
        self._held: dict[str, Held] = {}

    def of(self, credential: str | None) -> Held | None:
        held = self._held.get(credential) if credential else None
        if held is not None and held.view.until <= now():
            self._over(held, "its time was over")
            return None
        return held

    def planned(self, admin: Caller, user_id: str) -> Held:
        """What `begin` is given once the log has it. It ends by itself."""
        me = admin.me
        view = View(me.user_id, me.name or me.email, now() + self.lasts)
        return Held(replace(admin, started=None), user_id, view)

    def begin(self, held: Held) -> None:
        self._held[_of(held)] = held
        wait = max(0.0, (held.view.until - now()).total_seconds())
        asyncio.get_running_loop().call_later(wait, self._over, held, "its time was over")

    def end(self, held: Held) -> None:
        """It was asked to end; whoever asked has written so."""
        if self._held.get(_of(held)) is held:
            del self._held[_of(held)]

    def seen(self, me: Principal, held: Held, target: Principal | None) -> Principal:
        """The eyes that `me` has: those of `target`, who must be active and no admin, as `me` must
        be one. Else it ends here."""
        if me.is_admin and target is not None and not target.is_admin:
            return replace(target, kind=me.kind, view=held.view)
        self._over(held, "whoever looked is no admin any more" if not me.is_admin else _GONE)
        return me

    def _over(self, held: Held, why: str) -> None:
        if self._held.get(_of(held)) is held:
            del self._held[_of(held)]
            self.ended(held, why)


_GONE = "the person was deactivated or became an admin"


def _of(held: Held) -> str:
    return held.admin.credential or ""


def row(held: Held, by: Caller, *, begins: bool = False, why: str | None = None) -> Rows:
    """The row of its begin or its end: written by the admin, about the person. `why` it ended by
    itself."""
    until = held.view.until if begins else None
    return entry(
        replace(by, principal=held.admin.me),
        "view_as.start" if begins else "view_as.stop",
        resource=f"user:{held.user_id}",
        params={"view_as": held.user_id, "until": until, "ended": why},
    )
