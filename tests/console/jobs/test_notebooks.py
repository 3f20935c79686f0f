"""The notebooks of jobs: without outputs, with one cell of parameters, and true to what the server
answers. They are run as plain programs here; `test_kernels.py` starts the real thing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.dom import minidom

import pytest

from console import client
from console.jobs.chart import svg
from console.jobs.schedule import read
from console.settings import Settings

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))
Answers = Callable[[str, str, Any], Any]


def cells(path: Path, *, tagged: str | None = None) -> list[str]:
    """The code cells of a notebook, or only those with a tag."""
    book = json.loads(path.read_text(encoding="utf-8"))
    return [
        "".join(cell["source"])
        for cell in book["cells"]
        if cell["cell_type"] == "code"
        and (tagged is None or tagged in cell["metadata"].get("tags", []))
    ]


def values(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 (a notebook of ours)
    return {name: value for name, value in names.items() if name != "__builtins__"}


def test_no_notebook_holds_outputs() -> None:
    assert NOTEBOOKS
    command = [sys.executable, "-m", "nbstripout", "--verify", *map(str, NOTEBOOKS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_explains_itself_and_ends_with_what_must_hold(path: Path) -> None:
    book = json.loads(path.read_text(encoding="utf-8"))
    first, last = book["cells"][0], book["cells"][-1]
    assert first["cell_type"] == "markdown"
    assert "".join(first["source"]).startswith("# ")
    assert "assert " in "".join(last["source"])
    assert "hv." in "".join(cells(path))


def test_a_notebook_takes_what_the_schedule_offers() -> None:
    for name, job in read(Settings({})).items():
        (code,) = cells(job.notebook, tagged="parameters")
        assert values(code) == job.parameters, name


@pytest.mark.parametrize("rows", [[], [("$a & <b>$_{", 0)], [(f"day {n}", n) for n in range(99)]])
@pytest.mark.parametrize("kind", ["Bars", "Scatter"])
def test_a_chart_is_a_picture_without_scripts(kind: str, rows: list[tuple[str, int]]) -> None:
    import holoviews as hv

    picture = minidom.parseString(svg(getattr(hv, kind)(rows, "name", "number")))
    assert picture.documentElement is not None
    assert picture.documentElement.tagName == "svg"
    assert not picture.getElementsByTagName("script")
    texts: list[Any] = [node.firstChild for node in picture.getElementsByTagName("text")]
    shown = {text.data for text in texts}
    assert not rows or {"name", "number", rows[0][0]} <= shown


def test_a_heatmap_has_its_numbers_and_long_names_leave_it_room() -> None:
    import holoviews as hv

    cells = [("one", "x" * 300, 0), ("two", "x" * 300, 7), ("y" * 300, "b", 1200)]
    picture = svg(hv.HeatMap(cells, ["week", "kind"], "findings"))
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert {"one", "two", "7", "1,200", "week", "kind"} <= set(texts)
    assert "0" not in texts
    assert max(map(len, texts)) < 40


class Server:
    """What `console.client.connect` gives, as far as notebooks use it."""

    def __init__(self, answers: Iterator[Any]) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self._answers = answers

    def request(self, method: str, path: str, *, json: Any = None) -> Any:
        self.asked.append((method, path, json))
        return next(self._answers)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    """Run a notebook with these answers; what it asked."""

    def run(name: str, *answers: Any, **parameters: Any) -> Server:
        server = Server(iter(answers))

        @contextmanager
        def connect(*, timeout: float) -> Iterator[Server]:
            assert timeout in (600, 3500, 14400)
            yield server

        monkeypatch.setattr(client, "connect", connect)
        code = cells(FOLDER / "jobs" / f"{name}.ipynb")
        given = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
        values("\n".join([code[0], given, *code[1:]]))
        return server

    return run


def day(text: str) -> dict[str, Any]:
    return {"day": text, "tools": 3, "items": 1}


ROLLUPS = ("POST", "/api/jobs/rollups")


def test_rollups_goes_on_until_no_touched_day_is_left(play: Callable[..., Server]) -> None:
    first = {"days": [day("2026-01-01")], "remaining": 1}
    rest = {"days": [day("2026-01-02")], "remaining": 0}
    assert play("rollups", first, rest).asked == [(*ROLLUPS, {}), (*ROLLUPS, {})]
    assert play("rollups", {"days": [], "remaining": 0}).asked == [(*ROLLUPS, {})]


def test_rollups_counts_the_days_it_was_given(play: Callable[..., Server]) -> None:
    answer = {"days": [day("2026-01-01")], "remaining": 9}
    asked = play("rollups", answer, days=["2026-01-01"]).asked
    assert asked == [(*ROLLUPS, {"days": ["2026-01-01"]})]
    with pytest.raises(AssertionError, match="2026-02-01"):
        play("rollups", answer, days=["2026-01-01", "2026-02-01"])


def test_rollups_fails_when_days_are_left(play: Callable[..., Server]) -> None:
    with pytest.raises(AssertionError, match="2 days are still"):
        play("rollups", {"days": [], "remaining": 2})


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "skipped", "reason": "the retention is 0"},
        {"status": "ok", "retention_days": 90, "deleted": 5, "remaining": 100},
    ],
)
def test_prune_takes_both_answers(play: Callable[..., Server], answer: dict[str, Any]) -> None:
    asked = play("prune", {"usage": answer, "audit": answer}).asked
    assert asked == [("POST", "/api/jobs/prune", None)]


def test_prune_fails_where_the_server_does_not_say_why(play: Callable[..., Server]) -> None:
    with pytest.raises(AssertionError, match="usage"):
        play("prune", {"usage": {"status": "skipped", "reason": ""}})


def test_sync_tables_wants_an_outcome_for_each_table(play: Callable[..., Server]) -> None:
    asked = play("sync_tables", {"attempts": []}).asked
    assert asked == [("POST", "/api/sync/trigger", {"due": True})]
    good = {"table_id": "a", "status": "ok", "rows": 3, "duration_ms": 5, "error": None}
    asked = play("sync_tables", {"attempts": [good]}, tables=["a"]).asked
    assert asked == [("POST", "/api/sync/trigger", {"tables": ["a"]})]
    with pytest.raises(AssertionError):
        play("sync_tables", {"attempts": [good] * 2})
    bad = {**good, "table_id": "b", "status": "error", "error": "no such file"}
    with pytest.raises(AssertionError, match=r"1 of 2 tables failed: b \(no such file\)"):
        play("sync_tables", {"attempts": [good, bad]})


TAKEN = {
    "status": "ok",
    "name": "agnes-b.tar",
    "bytes": 9_000_000,
    "files": 4,
    "rows": 70,
    "tables": {"users": 60, "audit_log": 10},
    "seconds": 1.5,
    "moved": 0,
    "missing": [],
    "removed": ["agnes-a.tar"],
}


@pytest.mark.parametrize("answer", [TAKEN, {"status": "skipped", "reason": "no folder"}])
def test_backup_takes_both_answers(play: Callable[..., Server], answer: dict[str, Any]) -> None:
    assert play("backup", answer).asked == [("POST", "/api/jobs/backup", None)]


def test_backup_fails_where_nothing_was_written(play: Callable[..., Server]) -> None:
    with pytest.raises(AssertionError):
        play("backup", {**TAKEN, "rows": 0})
