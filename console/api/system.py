"""`/healthz`, `/readyz`, `/metrics`: for the machines that watch this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from console.handler import Handler
from console.identity.rights import PUBLIC, Right
from console.queries.pulse import scheduled_tables
from schema.errors import Forbidden, Unavailable


class Healthz(Handler):
    """The socket opens only when the store is ready, so an answer means ready."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    def get(self) -> None:
        self.send({"status": "ok"})


class Readyz(Handler):
    """A read goes through the whole way to the database and back."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    async def get(self) -> None:
        store = self.instance.store
        try:
            await store.offload(store.read, scheduled_tables())
        except Exception as error:
            raise Unavailable("the database does not answer") from error
        self.send({"status": "ok"})


class Metrics(Handler):
    """Prometheus. Loopback only, unless AGNES_METRICS_PUBLIC says otherwise."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    def get(self) -> None:
        address = self.instance.gate.client_ip(self.request) or ""
        if not self.instance.settings.metrics_public and address not in ("127.0.0.1", "::1"):
            raise Forbidden(
                "metrics are served to this machine only",
                detail="Set AGNES_METRICS_PUBLIC=1 to open them.",
            )
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest(self.instance.metrics.registry))


ROUTES = [(r"/healthz", Healthz), (r"/readyz", Readyz), (r"/metrics", Metrics)]
