"""Old addresses, and addresses with a slash too many: sent on for ever, with all that was asked.
SPEC section 2.

A page that was opened as `/me/` would ask for its scripts in the wrong place: they are relative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tornado.web import RequestHandler

from console.handler import Handler
from console.identity.rights import PUBLIC, Right

# Where pages stood in older versions -> where they stand.
_OLD = {
    "/profile/sessions": "/me",
    "/activity-center": "/admin/activity",
    "/admin/usage": "/admin/telemetry",
    "/admin/scheduler-runs": "/admin/activity?source=scheduler",
}
MOVED = {
    **_OLD,
    **{f"{old}/": new for old, new in _OLD.items()},
    "/login/": "/login",
    "/logout/": "/logout",
}
_PERMANENT = 308  # the method stays as it is


class Moved(Handler):
    """Who asks is looked at where it leads."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    def get(self) -> None:
        send_on(self, MOVED[self.request.path])

    def head(self) -> None:
        self.get()


def send_on(handler: RequestHandler, to: str) -> None:
    """To `to`, an address of ours, with the query that came."""
    if handler.request.query:
        to += ("&" if "?" in to else "?") + handler.request.query
    handler.redirect(to, status=_PERMANENT)


ROUTES = [(path, Moved) for path in MOVED]
