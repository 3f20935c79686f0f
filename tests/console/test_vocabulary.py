"""The words of the audit log: each result that the code can write has a class, each action stands
in the specification's list, and Python and the database class them alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.handler import failure
from console.queries.vocabulary import (
    CLIENT_KINDS,
    DENIED,
    ERROR_PREFIX,
    OTHER,
    RESULT_CLASSES,
    SOURCES,
    SUCCESS,
    class_of,
    with_derived,
)
from schema import errors
from schema.errors import AgnesError
from schema.tables import AUDIT_LOG

ROOT = Path(__file__).resolve().parents[2]

# The list of actions, as the specification gives it. A name that ends in `*` or `:` is a family.
SPEC_ACTIONS = """
auth.login auth.login_failed auth.logout token.create token.revoke
user.create user.update user.deactivate user_groups.* user_group_members.*
resource_grants.add resource_grants.remove registry.create registry.update registry.delete
instance_config.update instance_templates.set sync.trigger sync.table script_runner.tick
session.upload session.transcript_view session_download session_bulk_download
data.download data.access_check query.local query.internal query.hybrid query.remote
catalog.list catalog.schema catalog.sample snapshot.estimate snapshot.create manifest.fetch
run_session_processor: run_job: usage.ask usage.export usage.reprocess usage.prune usage.summary
audit.prune admin.user_activity_read feedback.report feedback.update feedback.merge
feedback.unmerge feedback.delete views.save views.delete audit.reveal_raw audit.rollback
access.read jobs.read job.cancel view_as.start view_as.stop marketplace.import
telegram.link telegram.unlink backup.create backup.restore
activity.read telemetry.read sessions.read feedback.read
"""
# Ours beyond that list: a token can be renamed, and each change of something writes a row; so does
# who fetches a backup.
ACTIONS = (
    *SPEC_ACTIONS.split(),
    "backup.download",
    "token.update",
    "user.sign_in_link",
    "scripts.*",
)


def code() -> list[tuple[Path, ast.Module]]:
    files = [path for room in ("console", "ingest") for path in sorted((ROOT / room).rglob("*.py"))]
    return [(path, ast.parse(path.read_text())) for path in files]


def constants(node: ast.expr | None) -> Iterator[str | None]:
    """The literals that an expression can come to: itself, or the branches of an if-else."""
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str)):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def named(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def written_results() -> dict[str | None, str]:
    """Literal result -> where. Looked for as the argument `result`, as the assignment to a name
    `result`, and as the `result` of the row of a sign-in that failed."""
    found: dict[str | None, str] = {}
    for path, tree in code():
        for node in ast.walk(tree):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call):
                values = [word.value for word in node.keywords if word.arg == "result"]
                if named(node) == "failed":
                    values += node.args[2:3]
            elif isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "result" for target in node.targets
            ):
                values = [node.value]
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                options = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                values = [text for name, text in options if name.arg == "result" and text]
            for value in values:
                for text in constants(value):
                    found[text] = f"{path.relative_to(ROOT)}:{value.lineno}"
    return found


def written_actions() -> dict[str, str]:
    """Literal action -> where: second argument of `entry` and of what wraps it, `actions` of a
    handler, constants named READ."""
    found: dict[str, str] = {}
    for path, tree in code():
        for node in ast.walk(tree):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call) and named(node) in ("entry", "_entry"):
                values = [node.args[1]]
            elif isinstance(node, ast.Call):
                values = [word.value for word in node.keywords if word.arg == "action"]
            elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "actions":
                values = list(node.value.values) if isinstance(node.value, ast.Dict) else []
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "READ":
                values = [node.value]
            for value in values:
                for text in constants(value):
                    if text is not None:
                        found[text] = f"{path.relative_to(ROOT)}:{value.lineno}"
    return found


def listed(action: str) -> bool:
    families = tuple(name.removesuffix("*") for name in ACTIONS if name[-1] in "*:")
    return action in ACTIONS or action.startswith(families)


def test_every_literal_result_has_a_class_by_intent() -> None:
    found = written_results()
    assert {"success", "denied", "invalid_password", "deactivated", "blocked"} <= found.keys()
    for result, place in found.items():
        known = result is None or result in (*SUCCESS, *DENIED, *OTHER)
        assert known or str(result).startswith(f"{ERROR_PREFIX}."), f"{result} at {place}"


def every_error() -> list[type[AgnesError]]:
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, AgnesError)
    ]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_failure_of_the_tree_has_a_class(kind: type[AgnesError]) -> None:
    result = failure(kind.__new__(kind))
    assert class_of(result) == ("denied" if kind is errors.Forbidden else "error")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("success", "success"),
        ("ok", "success"),
        ("error", "error"),
        ("error.timeout", "error"),
        ("errors", "error"),
        ("denied", "denied"),
        ("blocked", "denied"),
        ("invalid_password", "denied"),
        ("deactivated", "denied"),
        ("skipped", "other"),
        ("Success", "other"),
        ("", "other"),
        (None, "none"),
    ],
)
def test_a_result_has_the_class_of_the_specification(result: str | None, expected: str) -> None:
    assert class_of(result) == expected
    assert expected in RESULT_CLASSES


def test_every_literal_action_is_in_the_list() -> None:
    found = written_actions()
    assert {"auth.login", "user.create", "session.upload", "activity.read"} <= found.keys()
    strangers = {action: place for action, place in found.items() if not listed(action)}
    assert strangers == {}


results = st.none() | st.text(max_size=20) | st.sampled_from([*SUCCESS, *DENIED, *OTHER, "error.x"])


def derived(*rows: dict[str, str | None]) -> list[dict[str, str]]:
    """What the database makes of these rows."""
    columns = {name: [row.get(name) for row in rows] for name in AUDIT_LOG.columns if name != "id"}
    table = ibis.memtable({**columns, "id": list(range(len(rows)))}, schema=_schema())
    found: list[dict[str, str]] = (
        ibis.duckdb.connect().to_pyarrow(with_derived(table).order_by("id")).to_pylist()
    )
    return found


def _schema() -> ibis.Schema:
    names = {name: "string" for name in AUDIT_LOG.columns if name != "id"}
    return ibis.schema({**names, "id": "int64"})


@settings(max_examples=20)
@given(st.lists(results, min_size=1, max_size=20))
def test_python_and_the_database_class_alike(drawn: list[str | None]) -> None:
    rows = derived(*({"action": "a", "result": result} for result in drawn))
    assert [row["result_class"] for row in rows] == [class_of(result) for result in drawn]


@pytest.mark.parametrize(
    ("kind", "action", "user", "expected"),
    [
        *((kind, "run_job:x", "u-1", kind) for kind in CLIENT_KINDS),
        *((kind, "user.create", None, kind) for kind in CLIENT_KINDS),
        (None, "run_job:rollups", "u-1", "scheduler"),
        (None, "run_session_processor:usage", None, "scheduler"),
        ("", "run_job:x", None, "scheduler"),
        (None, "marketplace.sync_all", "u-1", "scheduler"),
        (None, "marketplace.sync_all_but_one", "u-1", "other"),
        (None, "rerun_job", None, "system"),
        (None, "sync.table", None, "system"),
        ("", "sync.table", "u-1", "other"),
        (None, "user.create", "u-1", "other"),
    ],
)
def test_the_source_of_a_row(
    kind: str | None, action: str, user: str | None, expected: str
) -> None:
    (row,) = derived({"client_kind": kind, "action": action, "user_id": user})
    assert row["source"] == expected
    assert expected in SOURCES
