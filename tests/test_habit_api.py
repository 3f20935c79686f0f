"""The API is described: `docs/API.md` and the OpenAPI document are written from the handlers.

`python -m tests.test_habit_api` writes both anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from console.api import ROUTES
from console.api.openapi import FILE
from console.openapi import words
from console.openapi.document import Endpoint, document, endpoints
from console.openapi.page import page

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "API.md"
VERSION = "1"  # of the API's shapes; adding keys is no new one
ANEW = "write it anew: python -m tests.test_habit_api"


def written() -> bytes:
    """The document as the code has it."""
    return orjson.dumps(document(ROUTES, VERSION), option=orjson.OPT_INDENT_2) + b"\n"


def one(name: str) -> Endpoint:
    return next(each for each in endpoints(ROUTES) if each.name == name)


def test_the_document_is_what_the_handlers_say() -> None:
    assert FILE.read_bytes() == written(), ANEW


def test_the_page_is_what_the_handlers_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(ROUTES), ANEW


def test_every_parameter_and_field_has_a_sentence() -> None:
    """A new one has its line in `console/openapi/words.py`."""
    silent = {
        f"{kind} {name} of {each.name}"
        for each in endpoints(ROUTES)
        for kind, names, said in (
            ("parameter", each.told.parameters, words.parameter),
            ("field", each.told.fields or (), words.FIELDS.get),
        )
        for name in names
        if not said(name)
    }
    assert silent == set()
    for text in (*words.PARAMETERS.values(), *words.FIELDS.values()):
        assert text.endswith("."), text


def test_every_endpoint_refuses_parameters_it_does_not_know() -> None:
    """`self.query(…)` says which there are; without it a misspelt one would be passed over."""
    loose = [each.name for each in endpoints(ROUTES) if not each.told.is_strict]
    assert loose == ["GET /healthz", "GET /readyz", "GET /metrics"]  # watchers add what they like


def test_no_endpoint_stands_twice() -> None:
    names = [each.name for each in endpoints(ROUTES)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("GET /api/me", {200, 401, 403}),
        ("POST /api/admin/users", {201, 400, 409}),
        ("DELETE /api/admin/users/{id}", {204, 404}),
        ("POST /api/admin/jobs/{name}/run", {202, 404, 409}),
        ("POST /api/feedback", {200, 201, 400, 413, 429}),
        ("PATCH /api/admin/tables/{id}", {200, 404, 409, 413, 502}),  # raised below a step
        ("POST /api/query", {200, 413, 429, 502, 503}),  # raised by whatever kind the table is of
        ("POST /api/v2/scan/estimate", {200, 404, 413, 429, 502, 503}),
        ("GET /api/v2/sample/{name}", {200, 404, 502, 503}),
        ("GET /api/me", {304}),  # Tornado tags what is sent at once
        ("GET /api/data/{table}/download", {206, 304, 416}),
    ],
)
def test_what_a_handler_may_answer_is_found(name: str, statuses: set[int]) -> None:
    assert statuses <= set(one(name).statuses)


def test_only_what_get_sends_at_once_may_be_unchanged() -> None:
    for name in (
        "POST /api/query",
        "GET /api/admin/activity/export",
        "DELETE /api/admin/users/{id}",
    ):
        assert 304 not in one(name).statuses


def test_ranges_fields_and_formats_are_found() -> None:
    timeline: dict[str, Any] = document(ROUTES, VERSION)["paths"]["/api/admin/activity"]["get"]
    given = {each["name"]: each["schema"] for each in timeline["parameters"] if "name" in each}
    assert given["limit"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert given["newer"]["type"] == "boolean"
    assert (timeline["x-rights"], timeline["x-audit"]) == ("grant activity", ["activity.read"])
    assert one("POST /api/admin/users").told.need == ["email"]
    assert "text/csv" in one("GET /api/admin/activity/export").gives
    assert one("POST /api/upload/sessions").takes == "multipart/form-data"


if __name__ == "__main__":
    FILE.write_bytes(written())
    PAGE.write_text(page(ROUTES), encoding="utf-8")
