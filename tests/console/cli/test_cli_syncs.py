"""`agnes admin activity syncs`."""

from __future__ import annotations

import json
from typing import Any

from tests.console.cli.stand_in import Run, Server, seen

SYNCS = "/api/admin/observability/syncs"
EVIL = "\x1b[2Jgone\nforged"
RAN = {"runs": 2, "ok": 2, "failed": 0}
CELLS = [
    None,
    RAN,
    {"runs": 2, "ok": 1, "failed": 1},
    {"runs": 2, "ok": 0, "failed": 2},
    {"runs": 1, "ok": 0, "failed": 0},
]
TABLE = {"table_id": "orders", "resource": "table:orders", "runs": 7, "ok": 3, "failed": 3}
GRID: dict[str, Any] = {
    "window_minutes": 60,
    "bucket_seconds": 7200,
    "buckets": ["2026-01-31T00:00:00Z", "2026-01-31T02:00:00Z"],
    "runs": 9,
    "ok": 3,
    "failed": 5,
    "tables": [
        {**TABLE, "rows": 12, "p50_duration_ms": None, "cells": CELLS},
        {**TABLE, "table_id": EVIL, "rows": None, "p50_duration_ms": 5, "cells": [RAN]},
    ],
    "other": {"tables": 2, "runs": 2, "ok": 0, "failed": 2},
    "failures": [
        {"id": "e1", "timestamp": "2026-01-31T09:05:00Z", "table_id": "orders", "error": EVIL},
        {"id": "e2", "timestamp": "2026-01-31T09:04:00Z", "table_id": None, "result": "error.x"},
    ],
}


def test_it_draws_the_grid_and_names_what_failed(run: Run, server: Server) -> None:
    server.on("GET", SYNCS, GRID)
    done = run("admin", "activity", "syncs", "--since", "24h", "--resource-prefix", "table:")
    assert done.exit_code == 0
    assert server.params == {"since_minutes": "1440", "resource_prefix": "table:"}
    shown = seen(done.stdout)
    assert ".o!x-" in shown
    assert "one sign for 2 h" in shown
    assert "error.x" in shown
    assert "e1" in shown
    assert "\nforged" not in shown
    assert "\x1b" not in done.stdout
    assert "the 2 newest of 5 failures" in done.stderr
    assert "2 more tables: 2 runs, 2 failed" in done.stderr


def test_json_is_what_the_server_said(run: Run, server: Server) -> None:
    server.on("GET", SYNCS, GRID)
    assert json.loads(run("admin", "activity", "syncs", "--json").stdout) == GRID


def test_an_empty_window_says_what_to_do(run: Run, server: Server) -> None:
    server.on("GET", SYNCS, {**GRID, "tables": [], "failures": []})
    assert "--since 7d" in run("admin", "activity", "syncs").stdout
