"""What analysts and their agents do: sign in, look around, query, download, take snapshots, push
sessions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.seed.recipe import (
    CHANGE,
    NEEDLE,
    READ,
    WELL,
    Ends,
    Fill,
    Recipe,
    Row,
    Said,
    Scene,
    failed,
    recipe,
)
from ingest.seed.words import DATA, INTERNAL, OWN_SQL, RARE, REASONS, REFUSALS, SQL, VALUES

PREVIEW = 200  # characters of a query that are kept
_MONTHS = tuple(f"2026-{month:02d}-01" for month in range(1, 13))
_ASKED: Ends = (
    ("success", 0.93),
    ("error.bad_request", 0.03),
    ("denied", 0.02),
    ("error.timeout", 0.01),
    ("error.too_large", 0.006),
    ("blocked", 0.004),
)
_ALLOWED: Ends = (("success", 0.88), ("denied", 0.12))
_REFUSED: Ends = (("invalid_password", 0.9), ("deactivated", 0.05), ("blocked", 0.05))
_SENT: Ends = (("success", 0.96), ("error.bad_request", 0.02), (None, 0.02))


def _query(scene: Scene) -> Iterator[Said]:
    tables, others = scene.pick(DATA), scene.pick(DATA)
    texts, values, days = scene.pick(SQL), scene.pick(VALUES), scene.pick(_MONTHS)
    numbers, rows, scanned = scene.amounts(40), scene.amounts(60, 1.8), scene.amounts(4e6, 2.0)
    refusals = scene.pick(REFUSALS)
    for at, result in enumerate(scene.results):
        table = RARE if scene.links[at] == NEEDLE else tables[at]
        words = {
            "t": table.id,
            "l": table.label,
            "m": table.measure,
            "d": table.day,
            "s": table.source,
        }
        more = {"t2": others[at].id, "n": numbers[at], "day": days[at], "v": values[at]}
        named = [table.id, others[at].id] if "{t2}" in texts[at] else [table.id]
        params: Row = {
            "sql_preview": texts[at].format(**words, **more)[:PREVIEW],
            "tables": named,
            "is_admin": bool(scene.crowd.admin[scene.actors[at]]),
        }
        if not failed(result):
            params |= {"rows_returned": rows[at], "bytes_scanned": scanned[at]}
        elif result in ("denied", "blocked"):
            params["reason"] = refusals[at].format(**words)
        else:
            params["error"] = REASONS[result or ""].format(**words)
        yield f"table:{table.id}", params, None


def _own_query(scene: Scene) -> Iterator[Said]:
    texts, rows = scene.pick(OWN_SQL), scene.amounts(15)
    for at, result in enumerate(scene.results):
        params: Row = {
            "sql_preview": texts[at],
            "tables": [name for name in INTERNAL if name in texts[at]],
            "is_admin": bool(scene.crowd.admin[scene.actors[at]]),
        }
        if failed(result):
            params["reason"] = "only SELECT is allowed"
        else:
            params |= {"rows_returned": rows[at], "bytes_scanned": rows[at] * 4096}
        yield "table:" + params["tables"][0], params, None


def _catalog(scene: Scene) -> Iterator[Said]:
    for count in scene.amounts(14, 0.3):
        yield None, {"tables": min(count, len(DATA)), "endpoint": "/api/v2/catalog"}, None


def _table(what: str) -> Fill:
    def fill(scene: Scene) -> Iterator[Said]:
        for data, count, result in zip(
            scene.pick(DATA), scene.amounts(9, 0.4), scene.results, strict=True
        ):
            params = {"table": data.id, "source": data.source, what: count}
            if result == "denied":
                params["reason"] = f"no grant on table {data.id}"
            elif failed(result):
                params["error"] = f"there is no table {data.id} any more"
            yield f"table:{data.id}", params, None

    return fill


def _download(scene: Scene) -> Iterator[Said]:
    shares = scene.rng.random(scene.n).tolist()
    for data, share, result in zip(scene.pick(DATA), shares, scene.results, strict=True):
        sent = 0 if failed(result) else int(data.rows * 38 * (0.7 + 0.3 * share))
        params: Row = {"table": data.id, "format": "parquet", "bytes": sent}
        if share < 0.2:
            params["range"] = "bytes=0-"
        yield f"table:{data.id}", params, None


def _snapshot(scene: Scene) -> Iterator[Said]:
    days, shares = scene.pick(_MONTHS), scene.rng.random(scene.n).tolist()
    for data, day, share, result in zip(scene.pick(DATA), days, shares, scene.results, strict=True):
        rows = int(data.rows * share * 0.3) + 1
        params: Row = {"table": data.id, "where": f"{data.day} >= DATE '{day}'"}
        params["columns"] = [data.label, data.measure]
        if failed(result):
            params["error"] = REASONS["error.source_unavailable"].format(s=data.source)
        else:
            params |= {"rows": rows, "bytes": rows * 52}
        yield f"table:{data.id}", params, None


def _manifest(scene: Scene) -> Iterator[Said]:
    for new in scene.amounts(3):
        params: Row = {"tables": len(DATA), "changed": min(new, len(DATA))}
        yield None, {**params, "endpoint": "/api/sync/manifest"}, None


def _access(scene: Scene) -> Iterator[Said]:
    for data, result in zip(scene.pick(DATA), scene.results, strict=True):
        params = {"resource_type": "table", "resource_id": data.id, "allowed": result == "success"}
        yield f"table:{data.id}", params, None


def _login(scene: Scene) -> Iterator[Said]:
    ways = scene.pick(("password", "password", "password", "link"))
    for actor, way in zip(scene.actors, ways, strict=True):
        yield (
            f"user:{scene.crowd.ids[actor]}",
            {"method": way, "email": scene.crowd.emails[actor]},
            None,
        )


def _login_failed(scene: Scene) -> Iterator[Said]:
    people, crowd = scene.people(), scene.crowd
    for at, result in enumerate(scene.results):
        who = people[at]
        if result == "deactivated" and crowd.gone:
            who = crowd.gone[who % len(crowd.gone)]
        reasons = {"blocked": "too many attempts", "deactivated": "this account is switched off"}
        reason = reasons.get(result or "", "e-mail or password is wrong")
        yield None, {"method": "password", "email": crowd.emails[who], "reason": reason}, None


def _logout(scene: Scene) -> Iterator[Said]:
    for actor in scene.actors:
        yield f"user:{scene.crowd.ids[actor]}", None, None


def _token(scene: Scene) -> Iterator[Said]:
    names = scene.pick(("laptop", "notebook", "ci", "dashboard"))
    kinds, days = scene.pick(("cli", "agent", "external")), scene.pick((30, 90, 365))
    for at, id in enumerate(scene.fresh):
        owner = scene.crowd.ids[scene.actors[at]]
        params = {
            "id": id,
            "name": names[at],
            "kind": kinds[at],
            "user_id": owner,
            "expires_days": days[at],
        }
        yield f"token:{id}", params, None


def _revoke(scene: Scene) -> Iterator[Said]:
    for said in _token(scene):
        yield said[0], said[1], {**(said[1] or {}), "revoked_at": None}


def _reported(scene: Scene) -> Iterator[Said]:
    for link in scene.links:
        yield scene.reported[link]


def _view(scene: Scene) -> Iterator[Said]:
    names = scene.pick(("Errors today", "My queries", "Slow syncs", "Agents only"))
    for id, name in zip(scene.fresh, names, strict=True):
        yield (
            f"view:{id}",
            {"id": id, "name": name, "page": "activity", "filter": {"result_class": "error"}},
            None,
        )


def _question(scene: Scene) -> Iterator[Said]:
    for rows in scene.amounts(12):
        params = {"question": "Which tools fail most often this week?", "sql_preview": OWN_SQL[1]}
        yield None, {**params, "tables": ["agnes_telemetry"], "rows_returned": rows}, None


def _upload(scene: Scene) -> Iterator[Said]:
    for link in scene.links:
        file, size = scene.sessions[link]
        yield f"session:{file}", {"filename": file.partition("/")[2], "bytes": size}, None


UPLOAD = Recipe("session.upload", _upload, (40, 0.6))
# What happened to reports is settled before the log is written.
REPORTED = tuple(
    Recipe(action, _reported, (14, 0.4))
    for action in ("feedback.report", "feedback.update", "feedback.merge")
)
_DOWN = "error.unavailable"

RECIPES = (
    recipe("query.local", _query, (180, 1.1), _ASKED, _DOWN, (30, 34, 12, 6)),
    recipe("query.internal", _own_query, (60, 0.8), READ, None, (5, 6, 3, 6)),
    recipe("query.hybrid", _query, (900, 0.9), _ASKED, _DOWN, (3, 4, 0.5, 0.5)),
    recipe("query.remote", _query, (2500, 0.9), _SENT, "error.timeout", (3, 4, 0.5, 0.5)),
    recipe("catalog.list", _catalog, (25, 0.5), READ, None, (8, 8, 12, 4)),
    recipe("catalog.schema", _table("columns"), (12, 0.5), READ, None, (8, 12, 4, 3)),
    recipe("catalog.sample", _table("rows_returned"), (40, 0.7), READ, None, (5, 6, 4, 2)),
    recipe("data.download", _download, (700, 1.0), READ, _DOWN, (3, 1, 5, 1)),
    recipe("data.access_check", _access, (5, 0.4), _ALLOWED, None, (5, 5, 5, 3)),
    recipe("snapshot.estimate", _snapshot, (60, 0.6), READ, None, (2, 2, 0, 0.5)),
    recipe("snapshot.create", _snapshot, (4000, 0.8), CHANGE, _DOWN, (1.5, 1.5, 0, 0.3)),
    recipe("manifest.fetch", _manifest, (15, 0.5), WELL, None, (5, 8, 2, 1)),
    recipe("auth.login", _login, (190, 0.2), WELL, None, (2, 0.5, 8, 4)),
    recipe(
        "auth.login_failed",
        _login_failed,
        (190, 0.2),
        _REFUSED,
        None,
        (0.9, 0.2, 2, 0.6),
        anonymous=True,
    ),
    recipe("auth.logout", _logout, (4, 0.3), WELL, None, (0.5, 0.1, 2, 1)),
    recipe("token.create", _token, (6, 0.3), CHANGE, None, (0.2, 0.4, 0.1, 1)),
    recipe("token.revoke", _revoke, (6, 0.3), CHANGE, None, (0.1, 0.1, 0.1, 0.6)),
    recipe("views.save", _view, (6, 0.3), CHANGE, None, (0.1, 0.1, 0.3, 1)),
    recipe("views.delete", _view, (5, 0.3), WELL, None, (0.05, 0.05, 0.1, 0.3)),
    recipe("usage.ask", _question, (3800, 0.5), _SENT, "error.unavailable", (0, 0, 0, 1)),
)
