"""The API as a page to read: `docs/API.md`, made of the same endpoints as the document."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from console.openapi import words
from console.openapi.document import ABOUT, JSON, Endpoint, endpoints, kind, who

HEAD = f"""# HTTP API

{ABOUT}

The same as OpenAPI 3.1 for programs: `GET /api/openapi.json`, from any console that runs.
Unknown and repeated parameters are refused with 400, which names the nearest known one. Every
endpoint that asks for a right answers 401 to strangers and 403 to whoever may not; 503 means that
nothing was written and that it may be tried again.

    curl -H "Authorization: Bearer $AGNES_TOKEN" "$AGNES_SERVER/api/me"

This page is written from the code (`python -m tests.test_habit_api`); a test compares them.
"""
_EVERYWHERE = {400, 401, 403, 503}


def page(routes: Sequence[tuple[str, Any]]) -> str:
    """The page as the code has it."""
    parts, noun = [HEAD], ""
    found = endpoints(routes)
    for one in found:
        if one.noun != noun:
            noun = one.noun
            parts.append(f"## {noun.replace('_', ' ')}\n\n{_about(one)}\n")
        parts.append(_endpoint(one))
    parts.append(_glossary(found))
    return "\n".join(parts)


def _about(one: Endpoint) -> str:
    module = inspect.getmodule(one.handler)
    return " ".join(((module and module.__doc__) or "").partition("\n\n")[0].split())


def _endpoint(one: Endpoint) -> str:
    lines = [f"### {one.name}", "", " ".join(one.words.split()), ""]
    lines.append(f"* For {who(one.right)}.")
    if one.told.parameters:
        lines.append(
            "* Parameters: " + ", ".join(_parameter(one, name) for name in one.told.parameters)
        )
    if one.takes and one.takes != JSON:
        lines.append(f"* Body: `{one.takes}`")
    elif one.told.fields:
        fields = (_field(one, name, types) for name, types in one.told.fields.items())
        lines.append("* Body: " + ", ".join(fields))
    said = {304} if one.has_etag else set()  # above, for all of them
    good = ", ".join(str(status) for status in one.statuses if status < 400 and status not in said)
    media = [] if one.statuses[0] == 204 else [f"`{media}`" for media in one.gives if media != JSON]
    lines.append(f"* Answers {good}" + (f" as {', '.join(media)}" if media else ""))
    more = [str(status) for status in one.statuses if status >= 400 and status not in _EVERYWHERE]
    if more:
        lines[-1] += f"; errors {', '.join(more)}"
    if one.actions:
        lines.append("* In the log: " + ", ".join(f"`{action}`" for action in one.actions))
    return "\n".join([*lines, ""])


def _parameter(one: Endpoint, name: str) -> str:
    schema = kind(one, name)
    said = ""
    if "minimum" in schema:
        most = f" to {schema['maximum']}" if schema.get("maximum", 10**9) < 10**9 else " or more"
        said = f" {schema['minimum']}{most}"
    if schema.get("default") not in (None, False):
        said += f" ({schema['default']})"
    return f"`{name}`{said}"


def _field(one: Endpoint, name: str, types: Any) -> str:
    kinds = types if isinstance(types, tuple) else (types,)
    names = " or ".join(each.__name__ for each in kinds)
    return f"`{name}` {names}" + (" (needed)" if name in one.told.need else "")


def _glossary(found: Sequence[Endpoint]) -> str:
    parameters = sorted({name for one in found for name in one.told.parameters})
    fields = sorted({name for one in found for name in one.told.fields or ()})
    lines = ["## What the parameters mean", "", "| parameter | meaning |", "| --- | --- |"]
    lines += [f"| `{name}` | {_cell(words.parameter(name))} |" for name in parameters]
    lines += ["", "## What the fields of a body mean", "", "| field | meaning |", "| --- | --- |"]
    lines += [f"| `{name}` | {_cell(words.FIELDS.get(name))} |" for name in fields]
    return "\n".join([*lines, ""])


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
