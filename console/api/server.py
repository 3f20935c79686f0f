"""`/api/admin/server`: how the server is doing; `/api/reach`: how a request came here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from console.handler import Handler
from console.health.facts import facts
from console.identity.rights import ADMIN, PUBLIC, Right

READ = "activity.read"  # what was slow is told from the log


class Server(Handler):
    rights: ClassVar[Mapping[str, Right]] = {"GET": ADMIN}
    actions: ClassVar[Mapping[str, str]] = {"GET": READ}

    async def get(self) -> None:
        self.query(())
        found = await self.instance.store.offload(facts, self.instance)
        await self.instance.was_read(self.caller, READ, {"endpoint": "server"})
        self.send(found)


class Reach(Handler):
    """What arrived of this one request, and nothing else: `agnes doctor --url` asks it through the
    proxy, to see what the proxy hands on."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    def get(self) -> None:
        self.query(())
        gate, headers = self.instance.gate, self.request.headers
        self.send(
            {
                "host": self.request.host,
                "tls": gate.is_tls(self.request),
                "client_ip": gate.client_ip(self.request),
                "forwarded": "X-Forwarded-For" in headers,
                "trusted": gate.client_ip(self.request) != self.request.remote_ip,
                "upgrade": headers.get("Upgrade", ""),
                "origin_allowed": self.request.host in self.instance.health.origins(),
            }
        )


ROUTES = [(r"/api/admin/server", Server), (r"/api/reach", Reach)]
