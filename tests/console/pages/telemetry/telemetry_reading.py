"""A reading of the Telemetry page without a browser: what its parts are given for an address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from console.audit import Caller
from console.pages.telemetry import TelemetryPage
from console.pages.telemetry.reading import Reading
from schema.policy import Principal
from tests.console.access_world import World


def reading(world: World, asked: Mapping[str, str], who: Principal | None = None) -> Reading:
    page, person = TelemetryPage(), who or Principal(world.admin_id, is_admin=True)
    begun = page.begun(world.instance, Caller(person), beat=False)
    return asyncio.run(page.filtered(page.stated(begun, urlencode(asked))))


def asks(url: str) -> dict[str, str]:
    """The parameters of a link of the page."""
    return dict(parse_qsl(url.partition("?")[2]))
