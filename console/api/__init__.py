"""The HTTP API: thin handlers, one module a noun; `ROUTES` gathers them."""

from __future__ import annotations

from typing import Any

from console.api import (
    access,
    activity,
    catalog,
    changes,
    grants,
    groups,
    insights,
    jobs,
    login,
    marketplace,
    me_activity,
    me_sessions,
    observability,
    palette,
    processing,
    query,
    reports,
    saved_views,
    sessions,
    system,
    telemetry,
    text_search,
    tokens,
    transcripts,
    uploads,
    user_sessions,
    users,
    work,
)

ROUTES: list[tuple[str, Any]] = [
    *system.ROUTES,
    *login.ROUTES,
    *changes.ROUTES,  # before the row by its id, which would swallow them
    *activity.ROUTES,
    *me_activity.ROUTES,
    *observability.ROUTES,
    *insights.ROUTES,
    *saved_views.ROUTES,
    *palette.ROUTES,
    *uploads.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *grants.ROUTES,
    *tokens.ROUTES,
    *access.ROUTES,
    *jobs.ROUTES,
    *marketplace.ROUTES,
    *processing.ROUTES,
    *text_search.ROUTES,  # before a session by its name
    *sessions.ROUTES,
    *telemetry.ROUTES,
    *transcripts.ROUTES,
    *user_sessions.ROUTES,
    *me_sessions.ROUTES,
    *query.ROUTES,
    *catalog.ROUTES,
    *work.ROUTES,
    *reports.ROUTES,
]
