"""The HTTP API: thin handlers, one module a noun; `ROUTES` gathers them."""

from __future__ import annotations

from typing import Any

from console.api import (
    access,
    activity,
    grants,
    groups,
    login,
    observability,
    system,
    tokens,
    uploads,
    users,
)

ROUTES: list[tuple[str, Any]] = [
    *system.ROUTES,
    *login.ROUTES,
    *activity.ROUTES,
    *observability.ROUTES,
    *uploads.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *grants.ROUTES,
    *tokens.ROUTES,
    *access.ROUTES,
]
