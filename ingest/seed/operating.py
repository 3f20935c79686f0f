"""What those who run the instance do: read the four surfaces, look into sessions, change people,
tables, settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.seed.recipe import CHANGE, READ, WELL, Fill, Recipe, Row, Said, Scene, recipe
from ingest.seed.words import BROWSED, DATA, GROUPS

_SURFACES = ("activity", "telemetry", "sessions", "feedback")
_FILTERS: tuple[Row, ...] = (
    {"since_minutes": 1440},
    {"since_minutes": 60, "result_class": "error"},
    {"since_minutes": 10080, "action_prefix": "query."},
    {"since_minutes": 1440, "source": "scheduler"},
    {"since_minutes": 43200, "q": "timeout"},
)
_ROLES = ({"is_admin": False}, {"is_admin": True})


def _read(scene: Scene) -> Iterator[Said]:
    for endpoint, filter in zip(scene.pick(BROWSED), scene.pick(_FILTERS), strict=True):
        yield None, {"endpoint": endpoint, "filter": filter}, None


def _counted(what: str, median: float) -> Fill:
    """An action on no object that says how many rows it touched."""

    def fill(scene: Scene) -> Iterator[Said]:
        for count, filter in zip(scene.amounts(median), scene.pick(_FILTERS), strict=True):
            yield None, {what: count, "filter": filter}, None

    return fill


def _session(scene: Scene) -> Iterator[Said]:
    for (file, size), reason in zip(
        scene.uploaded(), scene.pick(("support case", "follow-up", None)), strict=True
    ):
        params: Row = {"session_file": file, "filename": file.partition("/")[2], "bytes": size}
        yield f"session:{file}", {**params, **({"reason": reason} if reason else {})}, None


def _sessions(scene: Scene) -> Iterator[Said]:
    for at, count in zip(scene.people(), scene.amounts(18), strict=True):
        id = scene.crowd.ids[at]
        yield f"user:{id}", {"user_id": id, "files": count, "bytes": count * 61_000}, None


def _person_read(scene: Scene) -> Iterator[Said]:
    for at in scene.people():
        id = scene.crowd.ids[at]
        yield f"user:{id}", {"user_id": id, "endpoint": f"/api/admin/users/{id}/activity"}, None


def _person(old: Row | None, new: Row) -> Fill:
    """A change of an account: what it was, what it became."""

    def fill(scene: Scene) -> Iterator[Said]:
        crowd = scene.crowd
        for at in scene.people():
            who: Row = {"id": crowd.ids[at], "email": crowd.emails[at], "name": crowd.names[at]}
            before = None if old is None else {**who, **old}
            yield f"user:{crowd.ids[at]}", {**who, **new}, before

    return fill


def _group(*, changed: bool) -> Fill:
    def fill(scene: Scene) -> Iterator[Said]:
        for id, group in zip(scene.fresh, scene.pick(GROUPS), strict=True):
            now: Row = {"id": id, "name": group.name, "description": group.about}
            before = {**now, "description": "to be decided"} if changed else None
            yield f"group:{id}", now, before

    return fill


def _member(*, removed: bool) -> Fill:
    def fill(scene: Scene) -> Iterator[Said]:
        for id, group, at in zip(scene.fresh, scene.pick(GROUPS), scene.people(), strict=True):
            who = {"user_id": scene.crowd.ids[at], "email": scene.crowd.emails[at]}
            pair: Row = {"group_id": id, "group_name": group.name, **who}
            yield f"group:{id}", pair, pair if removed else None

    return fill


def _grant(*, removed: bool) -> Fill:
    def fill(scene: Scene) -> Iterator[Said]:
        for id, group, data in zip(scene.fresh, scene.pick(GROUPS), scene.pick(DATA), strict=True):
            what = {"resource_type": "table", "resource_id": data.id}
            grant: Row = {"id": id, "group_name": group.name, **what}
            yield f"grant:{id}", grant, grant if removed else None

    return fill


def _registry(old: Row | None, new: Row | None) -> Fill:
    """A change of a registered table; `old` or `new` None: it was not there, it is no more."""

    def fill(scene: Scene) -> Iterator[Said]:
        for data in scene.pick(DATA):
            row: Row = {"id": data.id, "name": data.id, "source_type": data.source}
            before = None if old is None else {**row, **old}
            yield f"table:{data.id}", {**row, **(new or {})}, before

    return fill


def _setting(scene: Scene) -> Iterator[Said]:
    keys = scene.pick(("AGNES_AUDIT_RETENTION_DAYS", "AGNES_QUERY_SECONDS", "AGNES_JOB_RUNS_KEPT"))
    numbers = scene.rng.integers(1, 24, (scene.n, 2)).tolist()
    for key, (old, new) in zip(keys, numbers, strict=True):
        before, after = ({"key": key, "value": str(number * 30)} for number in (old, new))
        yield f"config:{key}", after, before


def _template(scene: Scene) -> Iterator[Said]:
    for name, words in zip(
        scene.pick(("agent", "workspace")), scene.amounts(300, 0.4), strict=True
    ):
        body = "You work with the company's governed data. Ask the catalog before you guess."
        before = {"name": name, "body": "Ask the catalog first."}
        yield f"template:{name}", {"name": name, "body": body, "words": words}, before


def _object(kind: str, params: Row, before: Row | None = None) -> Fill:
    """An action on one object of `kind` of which only the id differs."""

    def fill(scene: Scene) -> Iterator[Said]:
        for id in scene.fresh:
            yield (
                f"{kind}:{id}",
                {"id": id, **params},
                None if before is None else {"id": id, **before},
            )

    return fill


def _admin(
    action: str, fill: Fill, often: float, milliseconds: float = 7, *, changes: bool = True
) -> Recipe:
    ends = CHANGE if changes else READ
    return recipe(action, fill, (milliseconds, 0.5), ends, None, (0, 0, 0, often))


_GRANTED = (0.4, 0.2, 6.0, 0)  # a few who are no admins hold a grant
_TABLE: Row = {"schedule": "hourly", "sync_mode": "incremental", "query_mode": "local"}

RECIPES: tuple[Recipe, ...] = (
    *(
        recipe(f"{name}.read", _read, (22, 0.7), WELL, None, (*_GRANTED[:3], often))
        for name, often in zip(_SURFACES, (16, 6, 8, 4), strict=True)
    ),
    recipe("session.transcript_view", _session, (14, 0.6), READ, None, (0, 0, 1, 4), sessions=True),
    recipe("session_download", _session, (60, 0.7), READ, None, (0, 0, 0.2, 1), sessions=True),
    recipe("session_bulk_download", _sessions, (900, 0.6), WELL, None, (0, 0, 0, 0.2)),
    _admin("admin.user_activity_read", _person_read, 2, 18, changes=False),
    _admin("access.read", _counted("grants", 9), 1.5, changes=False),
    _admin("jobs.read", _counted("runs", 60), 2.5, 15, changes=False),
    _admin("usage.summary", _counted("sessions", 400), 0.6, 80, changes=False),
    _admin("usage.export", _counted("row_count", 9000), 0.4, 900, changes=False),
    _admin("usage.reprocess", _counted("sessions", 700), 0.1, 4000),
    _admin("audit.reveal_raw", _object("event", {"reason": "support case"}), 0.4, changes=False),
    _admin("audit.rollback", _object("event", {"restored_from": "resource_grants.remove"}), 0.1),
    _admin("view_as.start", _person_read, 0.3, changes=False),
    _admin("view_as.stop", _person_read, 0.3, changes=False),
    _admin("job.cancel", _object("run", {"status": "cancelled"}, {"status": "running"}), 0.2),
    _admin("user.create", _person(None, {"is_admin": False}), 0.8),
    _admin("user.update", _person(_ROLES[0], _ROLES[1]), 0.9),
    _admin("user.deactivate", _person({"is_active": True}, {"is_active": False}), 0.2),
    _admin("user_groups.create", _group(changed=False), 0.3),
    _admin("user_groups.update", _group(changed=True), 0.2),
    _admin("user_groups.delete", _group(changed=True), 0.1),
    _admin("user_group_members.add", _member(removed=False), 1.2),
    _admin("user_group_members.remove", _member(removed=True), 0.5),
    _admin("resource_grants.add", _grant(removed=False), 1.0),
    _admin("resource_grants.remove", _grant(removed=True), 0.4),
    _admin("registry.create", _registry(None, _TABLE), 0.4),
    _admin("registry.update", _registry({**_TABLE, "schedule": "daily"}, _TABLE), 0.7),
    _admin("registry.delete", _registry(_TABLE, None), 0.1),
    _admin("instance_config.update", _setting, 0.5),
    _admin("instance_templates.set", _template, 0.3),
    _admin("marketplace.import", _counted("items", 40), 0.3, 2200),
    _admin("telegram.link", _object("chat", {"chat": "operations"}), 0.1),
    _admin("telegram.unlink", _object("chat", {}, {"chat": "operations"}), 0.05),
    _admin("backup.restore", _object("backup", {"tables": 31}), 0.03, 30_000),
)
