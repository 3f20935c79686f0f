"""Two runs beside each other: what differs is told, line by line, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import orjson
import pytest

from console.jobs.compare import compare, lines
from console.jobs.kept import NOTEBOOK, Place
from console.jobs.schedule import Job
from console.pages.jobs import form
from schema.errors import BadParameter, BadRequest

BOOK: Any = nbformat.v4
ROW = {"job": "report", "parameters": {"week": "1"}, "duration_ms": 2000}


def cell(source: str, *outputs: Any, ran: int | None = 1) -> Any:
    return BOOK.new_code_cell(source, outputs=list(outputs), execution_count=ran)


def said(text: str) -> Any:
    return BOOK.new_output("stream", name="stdout", text=text)


def kept(folder: Path, run: str, *cells: Any) -> Place:
    place = Place(folder, "report", run)
    place.kept.mkdir(parents=True)
    book = BOOK.new_notebook(cells=[BOOK.new_markdown_cell("# R"), *cells])
    (place.kept / NOTEBOOK).write_bytes(orjson.dumps(book))
    return place


def test_only_what_differs_is_told(tmp_path: Path) -> None:
    many = [f"line {number}" for number in range(9)]
    failed = BOOK.new_output("error", ename="AssertionError", evalue="none", traceback=["x"])
    html = BOOK.new_output(
        "display_data", data={"text/html": "<table><tr><td>a &amp; b</td><td>4</td></tr></table>"}
    )
    svg = "<svg><path d='1'/><text x='1'>days</text></svg>"
    picture = BOOK.new_output("display_data", data={"image/svg+xml": svg})
    one = kept(
        tmp_path,
        "one",
        cell("week = '1'"),
        cell("print(x)", said("\n".join([*many, "4 sessions", "end"]))),
        cell("table\npicture", html, picture),
        cell("assert x\nassert y"),
    )
    other = kept(
        tmp_path,
        "other",
        cell("week = '2'"),
        cell("print(x)", said("\n".join([*many, "5 sessions", "end"]))),
        cell("table\npicture", html, picture),
        cell("assert x\nassert y", failed),
        cell("print('more')", ran=None),
    )
    then = {**ROW, "parameters": {"week": "2", "new": 1}, "duration_ms": 3000}
    found = compare(ROW, then, (one, other))
    assert found["duration_ms"] == {"one": 2000, "other": 3000, "change_pct": 50.0}
    assert found["parameters"] == [
        {"name": "week", "one": "1", "other": "2", "same": False},
        {"name": "new", "one": None, "other": 1, "same": False},
    ]
    assert found["asserts"] == {
        "one": {"held": 2, "failed": 0, "of": 2},
        "other": {"held": 0, "failed": 2, "of": 2},
    }
    assert [part["same"] for part in found["cells"]] == [True, False, True, False, True]
    assert [part["source_same"] for part in found["cells"]] == [False, True, True, True, False]
    assert found["cells"][1]["lines"] == [
        ["…", ""],
        [" ", "line 7"],
        [" ", "line 8"],
        ["-", "4 sessions"],
        ["+", "5 sessions"],
        [" ", "end"],
    ]
    assert found["cells"][3]["lines"] == [["+", "AssertionError: none"]]
    assert found["cells"][3]["states"] == ["ok", "failed"]


def test_a_run_without_a_notebook_is_compared_by_what_is_known(tmp_path: Path) -> None:
    found = compare(ROW, ROW, (kept(tmp_path, "one"), Place(tmp_path, "report", "gone")))
    assert (found["kept"], found["asserts"]["other"]) == ([True, False], None)
    assert found["duration_ms"]["change_pct"] == 0.0


def test_runs_of_two_jobs_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="report and prune"):
        compare(ROW, {**ROW, "job": "prune"}, ())


def test_a_huge_output_is_cut() -> None:
    found = lines("", "\n".join(["y" * 1000] * 9999))
    assert len(found) == 401
    assert found[-1] == ["+", "… 9599 more lines"]
    assert max(len(text) for _, text in found) == 400


# The form of a run with parameters


JOB = Job("j", "J", Path("j"), parameters={"days": [], "cap": 5, "share": 0.5, "on": True, "w": ""})


def test_a_form_holds_the_defaults_and_gives_back_what_differs() -> None:
    fields = form.fields(JOB)["fields"]
    assert [(one["kind"], one["value"]) for one in fields] == [
        ("json", "[]"),
        ("number", "5"),
        ("number", "0.5"),
        ("flag", "true"),
        ("text", ""),
    ]
    sent = {one["name"]: one["value"] for one in fields}
    assert form.given(JOB, sent) == {}
    changed = {**sent, "days": '["2026-01-31"]', "on": "false", "w": "2026"}
    assert form.given(JOB, changed) == {"days": ["2026-01-31"], "on": False, "w": "2026"}
    assert JOB.checked(form.given(JOB, changed))["cap"] == 5


@pytest.mark.parametrize(
    ("name", "text"), [("cap", "many"), ("cap", "1.5"), ("on", "1"), ("days", "{"), ("other", "1")]
)
def test_what_cannot_be_is_named(name: str, text: str) -> None:
    with pytest.raises(BadParameter, match=name):
        JOB.checked(form.given(JOB, {name: text}))
