"""A run with parameters of one's own: the form's fields, and what it sends as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from console.jobs.schedule import Job
from schema.errors import BadParameter

PREFIX = "p."  # of a field's name, before the parameter's
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list, as JSON",
    dict: "an object, as JSON",
}


def fields(job: Job) -> dict[str, Any]:
    """`{job, title, fields: [{name, kind, value, hint}]}`; `kind` is flag, number, text or json."""
    return {
        "job": job.name,
        "title": job.title,
        "fields": [_field(name, value) for name, value in job.parameters.items()],
    }


def _field(name: str, default: Any) -> dict[str, Any]:
    kind = _kind(default)
    shown = default if kind == "text" else orjson.dumps(default).decode()
    return {
        "name": name,
        "kind": kind,
        "value": shown,
        "hint": _KINDS[type(default)],
    }


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "flag"
    if isinstance(default, int | float):
        return "number"
    return "text" if isinstance(default, str) else "json"


def given(job: Job, sent: Mapping[str, str]) -> dict[str, Any]:
    """The values of a form, as far as they differ from the defaults. `sent`: by the parameter's
    name. Raises BadParameter for what cannot be read; whether it is allowed says `Job.checked`."""
    found = {}
    for name, text in sent.items():
        default = job.parameters.get(name, "")
        value: Any = text
        if _kind(default) != "text":
            try:
                value = orjson.loads(text)
            except ValueError:
                raise BadParameter(name, text, _KINDS[type(default)]) from None
        if name not in job.parameters or value != default or type(value) is not type(default):
            found[name] = value
    return found
