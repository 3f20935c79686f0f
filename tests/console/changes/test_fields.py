"""What a diff shows: the changed fields alone, no secret, and of other people no long text."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from console.audit import HIDDEN
from console.changes import undoing
from console.changes.fields import fields
from console.queries.changes import CREATIONS
from schema.policy import Principal

ME, OTHER = Principal("u-1", is_admin=True), Principal("u-2", is_admin=True)


def row(action: str, params: Any, before: Any = None, result: str | None = "success") -> Any:
    texts = [None if part is None else orjson.dumps(part).decode() for part in (params, before)]
    return {
        "id": "e-1",
        "user_id": "u-1",
        "action": action,
        "resource": None,
        "params": texts[0],
        "params_before": texts[1],
        "result": result,
    }


def shown(event: Any, reader: Principal = ME) -> dict[str, tuple[Any, Any]]:
    return {one["name"]: (one["before"], one["after"]) for one in fields(event, reader)}


@pytest.mark.parametrize(
    ("action", "params", "before", "expected"),
    [
        (
            "user_groups.update",
            {"id": "g", "name": "new", "changed": ["name"]},
            {"id": "g", "name": "old", "description": "d"},
            {"name": ("old", "new")},
        ),
        (
            "user_groups.update",  # to nothing: the log leaves None out of params
            {"id": "g", "name": "n", "changed": ["description"]},
            {"id": "g", "name": "n", "description": "d"},
            {"description": ("d", None)},
        ),
        (
            "user_groups.create",
            {"id": "g", "name": "n", "description": "d"},
            None,
            {
                "name": (None, "n"),
                "description": (None, "d"),
            },
        ),
        (
            "resource_grants.remove",
            {"id": "r", "group_id": "g", "resource_type": "table", "resource_id": "t"},
            {"id": "r", "group_id": "g", "resource_type": "table", "resource_id": "t"},
            {"group_id": ("g", None), "resource_type": ("table", None), "resource_id": ("t", None)},
        ),
        (
            "instance_config.update",
            {"key": "k", "value": 60},
            {"key": "k", "value": 30},
            {"value": ("30", "60")},
        ),
        (
            "user.update",
            {"id": "u", "is_admin": True, "changed": ["is_admin", "password"]},
            {"id": "u", "is_admin": False},
            {"is_admin": (False, True), "password": (HIDDEN, HIDDEN)},
        ),
        (
            "feedback.update",
            {"status": "triaged"},
            {"status": "open", "tags": "x"},
            {"status": ("open", "triaged")},
        ),
        ("activity.read", {"endpoint": "kpis"}, None, {}),
        ("user_groups.update", None, None, {}),
        ("user_groups.update", [1], "text", {}),
    ],
)
def test_a_diff_shows_the_changed_fields_alone(
    action: str, params: Any, before: Any, expected: Any
) -> None:
    assert shown(row(action, params, before)) == expected


def test_a_diff_masks_as_the_row_is_masked() -> None:
    old, new = "a" * 300, "a" * 299 + "b"
    event = row(
        "instance_templates.set", {"name": "init", "body": new}, {"name": "init", "body": old}
    )
    assert shown(event) == {"body": (old, new)}
    assert shown(event, OTHER) == {"body": ("a" * 127 + "…", "a" * 127 + "…")}
    asked = row("views.save", {"changed": ["sql"], "sql": "x = 'b'"}, {"sql": "x = 'a'"})
    assert shown(asked, OTHER) == {"sql": ("x = ?", "x = ?")}


@pytest.mark.parametrize(
    "event",
    [
        row("user.update", {"changed": ["api_key"], "api_key": "s3cret"}, {"api_key": "s3cret-0"}),
        row("job.cancel", {"options": {"token": "s3cret"}}, {"options": {"token": "s3cret-0"}}),
        row(
            "instance_config.update",
            {"key": "smtp_password", "value": "s3cret"},
            {"value": "s3cret-0"},
        ),
        row("feedback.update", {"tags": [{"secret": "s3cret"}]}, {"tags": []}),
    ],
)
def test_a_secret_that_stands_in_a_row_all_the_same_is_not_shown(event: Any) -> None:
    found = orjson.dumps(fields(event, ME)).decode()
    assert "s3cret" not in found
    assert HIDDEN in found


def test_the_list_of_changes_knows_what_was_made() -> None:
    made = {
        action for action, (_, became) in undoing.ROLLBACKS.items() if became == undoing.CREATED
    }
    assert set(CREATIONS) == {*made, undoing.ROLLBACK}
