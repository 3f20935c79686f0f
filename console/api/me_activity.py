"""`/api/me/activity`: the part of the audit log that is about oneself, asked for like the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.activity import Reader
from console.api.activity import AuditHandler, Export, One, Timeline
from console.identity.rights import SIGNED_IN, Right


class _Own(AuditHandler):
    """Whoever asks is anybody here: `policy.visible` then leaves their own rows, whatever the
    filter asks for, an admin's too."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}

    @property
    def reader(self) -> Reader:
        return Reader(self.instance, self.caller.me.as_anybody())


class MyTimeline(_Own, Timeline):
    endpoint = "me"


class MyExport(_Own, Export):
    endpoint = "me/export"


class MyEvent(_Own, One):
    pass


ROUTES = [
    (r"/api/me/activity", MyTimeline),
    (r"/api/me/activity/export", MyExport),
    (r"/api/me/activity/([A-Za-z0-9._-]{1,64})", MyEvent),
]
