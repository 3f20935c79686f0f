"""`/admin/jobs` as a browser without scripts meets it, with a stand-in for the processes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import nbformat
import orjson
import pytest

from console.audit import RecentReads, new_id, now
from console.jobs.dispatcher import Dispatcher
from console.jobs.failed_cell import LONGEST, failed_cell
from console.jobs.kept import FIGURES, LINKS, LOG, NOTEBOOK, PAGE, Place
from ingest.pipeline import PROCESSORS
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, JOB_RUNS, SESSION_FILES, SESSION_PROCESSOR_STATE
from schema.transaction import Rows, Transaction
from tests.console.jobs.jobs_place import Puppet
from tests.whole_server import WholeServer

PATH, ACT = "/admin/jobs", "/admin/jobs/act"
LIVE = {"Accept": "text/x-notice"}
HOSTILE = '<img src=x onerror="alert(1)">'
JOB = "sync_tables"
BOOK: Any = nbformat  # ships half of its types


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("jobs") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: WholeServer) -> str:
    return server.person("boss", is_admin=True)


@pytest.fixture
def puppet(server: WholeServer) -> Iterator[Puppet]:
    """An open dispatcher that runs nothing, and tables without what other tests have left."""

    def clean(transaction: Transaction) -> None:
        for table in (JOB_RUNS, AUDIT_LOG, SESSION_FILES, SESSION_PROCESSOR_STATE):
            column = table.key[0]
            found = transaction.read(rows_of(table).select(column))
            transaction.delete_among(table, column, [row[column] for row in found])

    instance = server.instance
    instance.store.write(clean).result()
    instance.recent_reads = RecentReads()
    puppet = Puppet(instance)

    async def prepare() -> None:
        instance.jobs = Dispatcher(instance, puppet)
        await instance.jobs.open(server.address)

    asyncio.run_coroutine_threadsafe(prepare(), server._loop).result(10)
    yield puppet
    asyncio.run_coroutine_threadsafe(instance.jobs.close(), server._loop).result(10)


@pytest.fixture
def browser(server: WholeServer, admin: str, puppet: Puppet) -> Iterator[httpx.Client]:
    """A signed-in browser that has opened the page, with `_xsrf` from its form."""
    with server.client(cookies=server.cookie(admin)) as browser:
        yield browser


def show(browser: httpx.Client, query: str = "", status: int = 200) -> str:
    answer = browser.get(PATH + query)
    assert answer.status_code == status, answer.text
    return answer.text.partition("<main")[2].partition("</main>")[0]


def press(browser: httpx.Client, query: str = "", **given: str) -> httpx.Response:
    """Press a button of the page at `query`, as a browser without scripts does."""
    found = re.search(r'name="_xsrf" value="([^"]+)"', show(browser, query))
    assert found
    headers = {"Referer": f"{browser.base_url}{PATH[1:]}{query}"}
    return browser.post(ACT, data={"_xsrf": found[1], **given}, headers=headers)


def rows(server: WholeServer, table: Table, **equal: Any) -> list[dict[str, Any]]:
    server.instance.store.write(lambda transaction: None).result()  # nobody waits for some rows
    found = server.instance.store.read(rows_of(table)).to_pylist()
    found = [row for row in found if all(row[name] == part for name, part in equal.items())]
    return sorted(found, key=lambda row: str(row["id"]))


def put(server: WholeServer, job: str = JOB, status: str = "ok", **more: Any) -> str:
    at = now() - timedelta(minutes=3)
    row = {
        "id": new_id(),
        "job_name": job,
        "status": status,
        "attempt": 1,
        "trigger": "schedule",
        "queued_at": at,
        "started_at": at,
        "finished_at": at + timedelta(seconds=12),
        "correlation_id": new_id(),
    }
    server.instance.store.write(Rows(JOB_RUNS, [{**row, **more}])).result()
    return str(row["id"])


def put_aside(server: WholeServer, error: str = "RecursionError") -> str:
    key, owner = f"{new_id()}/s.jsonl", new_id()
    file = {"session_file": key, "user_id": owner, "bytes": 1, "sha256": "f" * 64}
    state = {
        "processor_name": "usage",
        "processor_version": PROCESSORS["usage"].version,
        "session_file": key,
        "user_id": owner,
        "file_hash": "f" * 64,
        "attempts": 3,
        "error": error,
        "processed_at": now(),
    }
    server.instance.store.write(
        Rows(SESSION_FILES, [{**file, "uploaded_at": now(), "first_uploaded_at": now()}]),
        Rows(SESSION_PROCESSOR_STATE, [state]),
    ).result()
    return key


def keep(server: WholeServer, run: str, *cells: Any) -> Place:
    place = Place(server.instance.settings.folder, JOB, run)
    (place.kept / FIGURES).mkdir(parents=True)
    BOOK.write(BOOK.v4.new_notebook(cells=list(cells)), place.kept / NOTEBOOK)
    for name in (PAGE, LOG, f"{FIGURES}/01.png"):
        (place.kept / name).write_text("x")
    return place


def broken_cell(said: str = "KeyError: 'a'") -> Any:
    traceback = ["\x1b[31mKeyError\x1b[0m", said]
    error = BOOK.v4.new_output("error", ename="KeyError", evalue="a", traceback=traceback)
    return BOOK.v4.new_code_cell("figures['a']", outputs=[error])


def until(server: WholeServer, run: str, *statuses: str) -> dict[str, Any]:
    late = time.monotonic() + 10
    while (row := rows(server, JOB_RUNS, id=run)[0])["status"] not in statuses:
        assert time.monotonic() < late, row
        time.sleep(0.01)
    return row


def test_the_first_paint_holds_every_job_and_its_runs(
    server: WholeServer, browser: httpx.Client
) -> None:
    run = put(server)
    page = show(browser)
    assert re.findall(r'data-job="([^"]+)"', page) == list(server.instance.jobs.jobs)
    assert re.findall(r'data-run="([^"]+)"', page) == [run]
    assert "every 15 min" in page
    assert "12.0 s" in page
    assert 'aria-label="Last 1 runs: 1 ok"' in page
    assert "1 of 9 jobs are well" in " ".join(page.split())


def test_the_sentence_names_what_failed_last(server: WholeServer, browser: httpx.Client) -> None:
    assert "No job has run yet" in show(browser)
    put(server, status="failed", queued_at=now() - timedelta(hours=1))
    put(server, "rollups", "failed")
    page = show(browser).partition('data-region="schedule"')[0]
    assert "2 of 9 jobs failed their last run" in page
    assert "<u>rollups</u>" in page
    put(server, "rollups", "ok", queued_at=now())
    page = show(browser).partition('data-region="schedule"')[0]
    assert "1 of 9 jobs failed its last run" in page
    assert "<u>rollups</u>" not in page
    for job in server.instance.jobs.jobs:
        put(server, job, "ok", queued_at=now())
    assert "All 9 jobs are well" in show(browser)


def test_the_bars_are_the_last_ten_runs_that_are_over(
    server: WholeServer, browser: httpx.Client
) -> None:
    begin = now() - timedelta(hours=1)
    kinds = ["failed", "failed", "ok", "failed", *["ok"] * 8, "skipped"]
    for k, status in enumerate(kinds):
        put(server, status=status, queued_at=begin + timedelta(seconds=k))
    assert 'aria-label="Last 10 runs: 1 failed, 9 ok"' in show(browser)


def test_the_page_asks_again_when_something_can_have_changed(
    server: WholeServer, browser: httpx.Client
) -> None:
    def after() -> int:
        return int(re.findall(r'data-again="(\d+)"', show(browser))[0])

    jobs = server.instance.jobs.jobs.values()
    beats = [beat - now() for job in jobs if (beat := job.after(now()))]
    assert abs(after() / 1000 - min(beats).total_seconds() - 1.5) < 2
    press(browser, run=JOB)
    assert after() == 2000


def test_runs_are_filtered_and_paged_by_the_address(
    server: WholeServer, browser: httpx.Client
) -> None:
    def listed(query: str) -> list[str]:
        return re.findall(r'data-run="([^"]+)"', show(browser, query))

    begin = now() - timedelta(hours=1)
    made = [
        put(server, status="failed" if k == 3 else "ok", queued_at=begin + timedelta(seconds=k))
        for k in range(30)
    ]
    other = put(server, "prune", queued_at=begin - timedelta(hours=1))
    assert listed("") == made[:4:-1]
    assert listed("?offset=25") == [*made[4::-1], other]
    assert 'href="?offset=25" rel="next"' in show(browser)
    assert listed("?job=prune") == [other]
    assert listed("?status=failed") == [made[3]]
    assert "job:rollups" in show(browser, "?job=rollups")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?status=bad", 400, "queued, running, ok, failed, cancelled, skipped"),
        ("?offset=-1", 400, "a whole number from 0"),
        ("?jbo=prune", 400, "job"),
        ("?job=no-such", 404, "process_sessions"),
        ("?run=no-such", 404, "no run"),
    ],
)
def test_a_wrong_address_says_what_is_allowed_and_still_shows_the_jobs(
    browser: httpx.Client, query: str, status: int, said: str
) -> None:
    page = show(browser, query, status)
    alert = page.partition('role="alert"')[2].partition("</section>")[0]
    assert said in alert
    assert "data-job=" in page


def test_a_run_shows_what_it_was_given_what_failed_and_what_it_left(
    server: WholeServer, browser: httpx.Client, admin: str
) -> None:
    run = put(
        server,
        status="failed",
        trigger="retry",
        attempt=2,
        requested_by=admin,
        parameters='{"patience": 7}',
        error="cell 2 failed: KeyError: 'a'",
    )
    keep(server, run, broken_cell())
    page = show(browser, f"?run={run}")
    files = f"/api/admin/jobs/runs/{run}"
    assert "retried by boss@example.org · attempt 2" in page
    assert "patience = 7" in page
    assert "cell 2 failed: KeyError: &#39;a&#39;" in page
    assert "figures[&#39;a&#39;]</pre>" in page
    for name in ("notebook", "log", "figures/01.png"):
        assert f'href="{files}/{name}"' in page
        assert browser.get(f"{files}/{name}").status_code == 200
    assert f'<iframe class="panel book" src="{files}/html" sandbox="{LINKS}" ' in page
    (row,) = rows(server, JOB_RUNS)
    assert f"/admin/activity?correlation_id={row['correlation_id']}&amp;since=" in page
    assert 'name="retry"' in page
    assert "data-job=" not in page


def test_a_run_that_goes_on_shows_its_log_and_can_be_cancelled(
    server: WholeServer, browser: httpx.Client, puppet: Puppet
) -> None:
    press(browser, run=JOB)
    (row,) = rows(server, JOB_RUNS)
    until(server, row["id"], "running")
    work = Place(server.instance.settings.folder, JOB, row["id"]).work
    work.mkdir(parents=True)
    (work / LOG).write_text("\n\n".join(f"step {k}" for k in range(20)))
    page = show(browser, f"?run={row['id']}")
    assert "step 19" in page
    assert "step 7\n" not in page
    assert 'name="cancel"' in page
    assert "stands here once the run is over" in page
    press(browser, cancel=row["id"])
    assert until(server, row["id"], "cancelled")
    assert "cancelled" in show(browser, f"?run={row['id']}")


def test_a_button_works_without_scripts_and_comes_back_to_where_it_stood(
    server: WholeServer, browser: httpx.Client, admin: str
) -> None:
    answer = press(browser, "?job=prune&status=ok", run=JOB)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin/jobs?job=prune&status=ok"
    (run,) = rows(server, JOB_RUNS)
    assert (run["job_name"], run["trigger"], run["requested_by"]) == (JOB, "asked", admin)
    (said,) = rows(server, AUDIT_LOG, action=f"run_job:{JOB}")
    assert (said["client_kind"], said["result"], said["user_id"]) == ("web", "success", admin)
    answer = browser.post(ACT, data={"_xsrf": browser.cookies["_xsrf"], "run": "prune"})
    assert answer.headers["Location"] == PATH


def test_a_form_of_another_site_does_nothing(server: WholeServer, browser: httpx.Client) -> None:
    assert re.match("_xsrf=.*; SameSite=Lax", browser.get(PATH).headers["Set-Cookie"])
    for given in ({}, {"_xsrf": "guessed"}):
        answer = browser.post(ACT, data={"run": JOB, **given})
        assert answer.status_code == 403
        assert "XSRF" in answer.text
    assert rows(server, JOB_RUNS) == []


def test_retry_begins_a_run_with_the_same_parameters(
    server: WholeServer, browser: httpx.Client
) -> None:
    old = put(server, status="failed", parameters='{"patience": 7}')
    answer = press(browser, f"?run={old}", retry=old)
    assert answer.headers["Location"] == f"{PATH}?run={old}"
    new = rows(server, JOB_RUNS)[-1]
    assert (new["trigger"], new["attempt"]) == ("retry", 2)
    assert orjson.loads(new["parameters"])["patience"] == 7


def test_a_refusal_is_a_page_or_a_notice_and_stands_in_the_log(
    server: WholeServer, browser: httpx.Client
) -> None:
    press(browser, run=JOB)
    answer = press(browser, run=JOB)
    assert answer.status_code == 409
    assert answer.text.startswith("<!doctype html>")
    assert "has a run that is not over" in answer.text
    given = {"_xsrf": browser.cookies["_xsrf"], "run": JOB}
    answer = browser.post(ACT, data=given, headers=LIVE)
    assert answer.status_code == 409
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith('<div class="notice" role="alert">')
    results = [row["result"] for row in rows(server, AUDIT_LOG, action=f"run_job:{JOB}")]
    assert "error.conflict" in results


@pytest.mark.parametrize("given", [{}, {"run": JOB, "cancel": "x"}, {"do": "run"}])
def test_a_form_that_does_not_say_one_thing_is_refused(
    server: WholeServer, browser: httpx.Client, given: dict[str, str]
) -> None:
    answer = press(browser, **given)
    assert answer.status_code == 400
    assert "run, cancel, retry, again" in answer.text
    assert rows(server, JOB_RUNS) == []


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({"run": "no-such"}, "run_job:no-such"),
        ({"cancel": "no-such"}, "job.cancel"),
        ({"again": "no-such"}, "usage.reprocess"),
    ],
)
def test_what_is_not_there_cannot_be_asked_for(
    server: WholeServer, browser: httpx.Client, given: dict[str, str], action: str
) -> None:
    assert press(browser, **given).status_code == 404
    (said,) = rows(server, AUDIT_LOG, action=action)
    assert said["result"] == "error.not_found"


def test_a_file_set_aside_is_shown_and_tried_again_on_demand(
    server: WholeServer, browser: httpx.Client
) -> None:
    assert "None. A transcript" in show(browser)
    key = put_aside(server)
    page = show(browser)
    assert f'data-set-aside="{key}"' in page
    assert "set aside <b>1</b>" in page
    row = page.partition("data-set-aside=")[2].partition("</tr>")[0]
    assert ">usage</td>" in row
    assert "RecursionError" in row
    press(browser, again=key)
    assert "data-set-aside=" not in show(browser)
    (said,) = rows(server, AUDIT_LOG, action="usage.reprocess")
    assert said["resource"] == key


def test_hostile_texts_stay_texts(server: WholeServer, browser: httpx.Client) -> None:
    note = orjson.dumps({"note": HOSTILE}).decode()
    run = put(server, HOSTILE, "failed", error=HOSTILE, parameters=note, trigger=HOSTILE)
    put_aside(server, HOSTILE)
    for query in ("", f"?run={run}"):
        page = show(browser, query)
        assert "<img" not in page
        assert "&lt;img src=x" in page


def test_opening_the_page_is_written_once_with_what_was_asked(
    server: WholeServer, browser: httpx.Client
) -> None:
    for _ in range(3):
        show(browser, "?job=prune")
    (said,) = rows(server, AUDIT_LOG, action="jobs.read")
    assert '"job":"prune"' in said["params"]


def test_the_failed_cell_is_the_one_with_an_error(server: WholeServer, puppet: Puppet) -> None:
    run = put(server)
    place = keep(server, run, BOOK.v4.new_code_cell("1 + 1"), broken_cell("x" * 2 * LONGEST))
    cell = failed_cell(place)
    assert cell is not None
    assert cell.source == "figures['a']"
    assert cell.traceback == "x" * LONGEST
    (place.kept / NOTEBOOK).write_text("no JSON")
    assert failed_cell(place) is None
    assert failed_cell(Place(place.data, JOB, "never-kept")) is None


def test_who_is_no_admin_presses_nothing(server: WholeServer, puppet: Puppet) -> None:
    token = server.token(server.person("analyst", "activity"))
    with server.client(token) as analyst:
        assert analyst.get(PATH).status_code == 403
        assert analyst.post(ACT, data={"run": JOB}).status_code == 403
    assert (rows(server, JOB_RUNS), puppet.orders) == ([], [])
    assert [row["result"] for row in rows(server, AUDIT_LOG, action=f"run_job:{JOB}")] == ["denied"]


def test_a_run_is_asked_for_with_parameters_and_a_wrong_one_is_named(
    server: WholeServer, browser: httpx.Client
) -> None:
    page = show(browser, f"?ask={JOB}")
    default = server.instance.jobs.jobs[JOB].parameters["patience"]
    assert f'name="p.patience" value="{default}"' in page
    refused = press(browser, f"?ask={JOB}", **{"run": JOB, "p.patience": "long"})
    assert refused.status_code == 400
    assert "atience=&#39;long&#39; is not allowed: a whole number" in refused.text
    assert rows(server, JOB_RUNS) == []
    press(browser, f"?ask={JOB}", **{"run": JOB, "p.patience": "7"})
    (run,) = rows(server, JOB_RUNS)
    assert orjson.loads(run["parameters"])["patience"] == 7


def test_two_runs_are_compared_and_their_text_stays_text(
    server: WholeServer, browser: httpx.Client
) -> None:
    ids = [put(server, parameters=f'{{"patience": {number}}}') for number in (6, 7)]
    for run, text in zip(ids, ("4 tables", HOSTILE), strict=True):
        out = BOOK.v4.new_output("stream", name="stdout", text=text)
        keep(server, run, BOOK.v4.new_code_cell("print(1)", outputs=[out], execution_count=1))
    page = show(browser, f"?run={ids[1]}&with={ids[0]}")
    assert f'data-compared="{ids[0]}"' in page
    assert "1 of 1 cells say something else" in page
    assert HOSTILE not in page
    assert "&lt;img src=x" in page
    show(browser, f"?run={ids[1]}&with={put(server, 'rollups')}", status=400)
    show(browser, f"?with={ids[0]}", status=400)
    assert "Durations of the last 2 runs" in show(browser, f"?job={JOB}")
