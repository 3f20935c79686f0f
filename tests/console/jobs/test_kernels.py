"""Real kernels, as few as possible: a run from the request to what is kept of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import psutil
import pytest

from schema.tables import JOB_RUNS
from tests.console.access_world import World
from tests.console.jobs.jobs_place import notebooks

SCHEDULE = """
[good]
title = "Good & <well>"
notebook = "good.ipynb"
every_seconds = 0
timeout_seconds = 60
parameters = { count = 2 }
[bad]
title = "Bad"
notebook = "bad.ipynb"
every_seconds = 0
timeout_seconds = 60
[slow]
title = "Slow"
notebook = "slow.ipynb"
every_seconds = 0
timeout_seconds = 60
[late]
title = "Late"
notebook = "slow.ipynb"
every_seconds = 0
timeout_seconds = 4
[absent]
title = "Absent"
notebook = "absent.ipynb"
every_seconds = 0
timeout_seconds = 60
"""
GOOD = [
    "import os, sys\npassed = os.environ['AGNES_TOKEN']\nprint('count is', count)",
    "print(passed)\nprint(passed, file=sys.stderr)\npassed",
    "for piece in (passed[:20], passed[20:]):\n    print(piece, end='', flush=True)",
    "from IPython.display import HTML, SVG, display\n"
    "display(HTML(f'<b>{passed}</b><script>1</script>'), {'text/plain': passed}, raw=False)\n"
    "SVG(f'<svg xmlns=\"http://www.w3.org/2000/svg\"><desc>{passed}</desc></svg>')",
    "from IPython.display import Image\n"
    "Image(bytes.fromhex('89504e470d0a1a0a') + bytes(16), format='png')",
    "os.write(1, passed.encode())\nprint(sorted(os.environ))",
    "from console.client import connect\n"
    "with connect() as server:\n"
    "    assert server.request('POST', '/api/sync/trigger', json={'due': True})['ok']",
]
BAD = ["import os", "raise ValueError('no ' + os.environ['AGNES_TOKEN'])", "print('not reached')"]
SLOW = ["import time\nprint('it sleeps', flush=True)\ntime.sleep(600)"]
PATIENCE = 120.0
PASSES: list[str] = []  # all that were issued


def write_book(path: Path, *cells: str) -> None:
    form: Any = nbformat  # ships half of its types
    first = form.v4.new_code_cell("count = 1", metadata={"tags": ["parameters"]})
    rest = [form.v4.new_code_cell(cell) for cell in cells]
    path.write_text(form.writes(form.v4.new_notebook(cells=[first, *rest])))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("kernels")
    named = notebooks(folder / "notebooks", SCHEDULE)
    for name, cells in (("good", GOOD), ("bad", BAD), ("slow", SLOW)):
        write_book(folder / "notebooks" / f"{name}.ipynb", *cells)
    with World(folder / "data", AGNES_NOTEBOOKS=named, AGNES_JOB_CONCURRENCY="2") as world:
        issue = world.instance.gate.passes.issue

        def noted(*args: Any, **options: Any) -> str:
            PASSES.append(issue(*args, **options))
            return PASSES[-1]

        world.instance.gate.passes.issue = noted  # type: ignore[method-assign]
        opening = world.instance.jobs.open(world.address)
        asyncio.run_coroutine_threadsafe(opening, world._loop).result(PATIENCE)
        yield world


def ask(world: World, job: str, **parameters: Any) -> str:
    answer = world.admin.post(f"/api/admin/jobs/{job}/run", json={"parameters": parameters})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


def row(world: World, run: str) -> dict[str, Any]:
    found: dict[str, Any] = world.admin.get(f"/api/admin/jobs/runs/{run}").raise_for_status().json()
    return found


def over(world: World, run: str) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while (found := row(world, run))["status"] in ("queued", "running"):
        assert time.monotonic() < until, world.admin.get(f"/api/admin/jobs/runs/{run}/log").text
        time.sleep(0.1)
    return found


def file(world: World, run: str, name: str) -> httpx.Response:
    return world.admin.get(f"/api/admin/jobs/runs/{run}/{name}")


def everything_kept(world: World) -> dict[Path, bytes]:
    folder = world.settings.folder / "jobs"
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leaks(world: World) -> list[Path]:
    """Files in which a pass stands."""
    return [
        path
        for path, content in everything_kept(world).items()
        if any(secret.encode() in content for secret in PASSES)
    ]


def test_a_run_is_kept_whole_and_without_its_pass(world: World) -> None:
    found = over(world, ask(world, "good", count=5))
    assert (found["status"], found["error"]) == ("ok", None)
    assert found["files"] == {
        "notebook": True,
        "html": True,
        "log": True,
        "figures": ["01.svg", "02.png"],
    }
    book = file(world, found["id"], "notebook").json()
    said = "".join(str(cell.get("outputs")) for cell in book["cells"])
    assert "count is 5" in said
    assert PASSES[-1][20:] not in said  # it also came in two pieces
    listed = said[said.index("['AGNES_CORRELATION_ID'") :]
    assert "AGNES_RUN_ID" in listed
    assert "AGNES_DATA_DIR" not in listed  # nor any other setting of the server
    assert "AGNES_NOTEBOOKS" not in listed

    kept = everything_kept(world)
    assert len(kept) >= 5
    assert leaks(world) == []
    for path in kept:
        assert path.stat().st_mode & 0o077 == 0
    assert not [path for path in kept if "/." in str(path)]
    assert world.instance.gate.passes._known == {}


def test_the_page_of_a_run_runs_nothing_and_reaches_nobody(world: World) -> None:
    run = world.rows(JOB_RUNS, job_name="good")[0]["id"]
    page = file(world, run, "html")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    # Of all that a sandbox may allow, only that a link may be followed, outside of it.
    follow = "allow-popups allow-popups-to-escape-sandbox"
    assert policy.startswith(f"sandbox {follow}; default-src 'none'")
    assert "allow" not in policy.replace(follow, "")
    assert "script-src" not in policy
    assert "<title>Good &amp; &lt;well&gt; ·" in page.text
    assert "http" not in page.text.replace("http://www.w3.org/2000/svg", "").replace("http-eq", "")
    assert file(world, run, "log").headers["Content-Type"] == "text/plain; charset=utf-8"
    picture = file(world, run, "figures/01.svg")
    assert picture.headers["Content-Security-Policy"] == policy.replace(f" {follow}", "")
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert file(world, run, "figures/02.png").content.startswith(b"\x89PNG")
    assert file(world, run, "figures/03.png").status_code == 404
    book = file(world, run, "notebook")
    assert book.headers["Content-Disposition"] == f'attachment; filename="good-{run}.ipynb"'


def test_a_cell_that_fails_is_named_marked_and_kept(world: World) -> None:
    found = over(world, ask(world, "bad"))
    assert found["status"] == "failed"
    assert found["error"].startswith("cell 3 failed: ValueError: no ")
    assert PASSES[-1] not in found["error"]
    book = file(world, found["id"], "notebook").json()
    assert "papermill-error-cell-tag" in str(book["cells"][0]["metadata"])
    assert "not reached" not in str([cell.get("outputs") for cell in book["cells"]])
    assert "ValueError" in file(world, found["id"], "html").text
    assert world.last("run_job:bad")["params"]["cell"] == 3
    assert leaks(world) == []


def test_a_run_that_takes_too_long_is_stopped_and_kept(world: World) -> None:
    found = over(world, ask(world, "late"))
    assert (found["status"], found["error"]) == (
        "failed",
        "it took longer than 4 s and was stopped",
    )
    assert found["files"]["log"]


def test_what_runs_can_be_followed_and_cancelled(world: World) -> None:
    run = ask(world, "slow")
    until = time.monotonic() + PATIENCE
    while "it sleeps" not in file(world, run, "log").text:
        assert time.monotonic() < until
        time.sleep(0.1)
    kernels = [one for one in psutil.process_iter(["cmdline"]) if is_of(one, "console.jobs")]
    assert len(kernels) >= 2
    answer = world.admin.post(f"/api/admin/jobs/runs/{run}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
    found = over(world, run)
    assert (found["status"], found["error"]) == ("cancelled", None)
    assert "it sleeps" in file(world, run, "html").text
    assert psutil.wait_procs(kernels, timeout=20)[1] == []


def test_a_run_whose_process_is_killed_is_kept_as_far_as_it_came(world: World) -> None:
    run = ask(world, "slow")
    until = time.monotonic() + PATIENCE
    while "it sleeps" not in file(world, run, "log").text:
        assert time.monotonic() < until
        time.sleep(0.1)
    running = [one for one in psutil.process_iter(["cmdline"]) if is_of(one, run)]
    (process,) = [one for one in running if is_of(one, "console.jobs.child")]
    process.kill()
    found = over(world, run)
    assert (found["status"], found["error"]) == (
        "failed",
        "its process ended by itself with -9; see the log",
    )
    assert "it sleeps" in file(world, run, "html").text
    assert psutil.wait_procs(running, timeout=20)[1] == []
    assert leaks(world) == []


def test_a_notebook_that_is_not_there_is_named(world: World) -> None:
    found = over(world, ask(world, "absent"))
    assert found["status"] == "failed"
    assert "there is no notebook" in found["error"]
    assert "absent.ipynb" in found["error"]


SERVER = """
import asyncio, sys
from pathlib import Path
from console.jobs.kept import Place
from console.jobs.runner import Order, Processes
from console.jobs.schedule import Job

folder = Path(sys.argv[1])
job = Job("slow", "Slow", folder / "slow.ipynb", every=0)
order = Order("r1", job, {}, Place(folder / "data", "slow", "r1"), "http://127.0.0.1:1", "x")
asyncio.run(Processes().run(order, asyncio.Event()))
"""


def is_of(process: psutil.Process, word: str) -> bool:
    return any(word in part for part in process.info["cmdline"] or ())


def test_nothing_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    write_book(tmp_path / "slow.ipynb", *SLOW)
    log = tmp_path / "data" / "jobs" / "slow" / ".r1" / "log.txt"
    with subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)]) as server:
        until = time.monotonic() + PATIENCE
        while not log.exists() or "it sleeps" not in log.read_text():
            assert time.monotonic() < until
            time.sleep(0.1)
        below = psutil.Process(server.pid).children(recursive=True)
        assert len(below) >= 2  # papermill and the kernel
        os.kill(server.pid, signal.SIGKILL)
    assert psutil.wait_procs(below, timeout=20)[1] == []
