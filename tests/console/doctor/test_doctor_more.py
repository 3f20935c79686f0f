"""What `agnes doctor` says of the configuration, backups, schedules and the way through a proxy."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from console import doctor
from console.audit import new_id
from console.backups import shelf
from console.doctor import Diagnosis, Patient
from console.doctor.proxy import through
from console.settings import Settings
from schema.store import Store
from schema.tables import JOB_RUNS
from schema.transaction import Rows
from tests.console.jobs.jobs_place import notebooks
from tests.server_process import agnes
from tests.whole_server import WholeServer

NOW = datetime(2026, 3, 4, 12)
SEEN = {
    "host": "agnes.example",
    "tls": True,
    "client_ip": "192.0.2.7",
    "forwarded": True,
    "trusted": True,
    "upgrade": "websocket",
    "origin_allowed": True,
}


def patient(folder: Path, **given: str) -> Patient:
    settings = Settings(given, AGNES_DATA_DIR=str(folder))
    return Patient(
        folder, folder / "agnes.duckdb", clock=lambda: NOW, settings=settings, environ=given
    )


def test_a_variable_that_is_no_setting_is_told_with_the_nearest(tmp_path: Path) -> None:
    assert doctor.configuration(patient(tmp_path, AGNES_JOBS="0")).level == "ok"
    strange = {"AGNES_TELEGRAM_TOKEN": "x", "AGNES_TEST_CORPUS": "/x", "AGNES_SERVER": "http://a"}
    found = doctor.configuration(patient(tmp_path, **strange))
    assert (found.level, found.message) == (
        "warning",
        "AGNES_TELEGRAM_TOKEN is no setting; did you mean AGNES_TELEGRAM_BOT_TOKEN?",
    )


def test_a_value_that_cannot_be_read_is_told_by_the_command_too(tmp_path: Path) -> None:
    done = agnes("doctor", "--data-dir", tmp_path, "--json", settings={"AGNES_THREADS": "many"})
    assert done.returncode == 1
    (found,) = [one for one in json.loads(done.stdout) if one["check"] == "configuration"]
    assert found["level"] == "severe"
    assert "AGNES_THREADS='many': use a whole number" in found["message"]


def test_a_secret_that_cannot_be_read_is_not_shown(tmp_path: Path) -> None:
    environ = {"AGNES_SOURCES": "warehouse=mysql://reader:hunter2@db.example.org/sales"}
    place = Patient(tmp_path, tmp_path / "agnes.duckdb", environ=environ)
    found = doctor.configuration(place)
    assert found.level == "severe"
    assert found.message.startswith("AGNES_SOURCES=***: use ")
    assert "hunter2" not in str(found)


def test_a_backup_that_is_late_or_missing_is_told(tmp_path: Path) -> None:
    place = tmp_path / "backups"
    assert doctor.backups(patient(tmp_path)).level == "ok"  # none is asked for
    asked = patient(tmp_path, AGNES_BACKUP_DIR=str(place))
    key = tmp_path / "cookie.key"
    key.touch()
    os.utime(key, (NOW.timestamp(), NOW.timestamp()))
    assert doctor.backups(asked).level == "ok"  # the first day has not passed
    old = (NOW - timedelta(hours=27)).timestamp()
    os.utime(key, (old, old))
    assert doctor.backups(asked).level == "warning"
    place.mkdir()
    for hours, level in ((27, "warning"), (25, "ok")):
        newest = place / shelf.name_of(NOW - timedelta(hours=hours))
        newest.touch(mode=0o600)
        found = doctor.backups(asked)
        assert (found.level, bool(found.mend)) == (level, level != "ok")
    newest.chmod(0o644)
    assert doctor.backups(asked).level == "severe"


def test_jobs_that_cannot_run_or_fail_each_time_are_told(tmp_path: Path) -> None:
    assert doctor.schedules(patient(tmp_path)).level == "ok"
    one = '[bad]\ntitle = "B"\nnotebook = "b.ipynb"\nevery_seconds = 60\ntimeout_seconds = 9\n'
    books = Path(notebooks(tmp_path / "notebooks", one))
    (books / "b.ipynb").touch()
    here = patient(tmp_path, AGNES_NOTEBOOKS=str(books))
    assert doctor.schedules(here).level == "ok"
    store = Store(here.database, threads=1)
    try:
        at = NOW - timedelta(hours=1)
        runs = [
            {"id": new_id(), "job_name": job, "status": status, "queued_at": at}
            for job, states in (("bad", ["failed"] * 3), ("so-so", ["failed", "ok", "failed"]))
            for status in states
        ]
        store.write(Rows(JOB_RUNS, runs)).result()
        found = doctor.schedules(replace(here, store=store))
        assert (found.level, found.message) == ("warning", "the last 3 runs failed: bad")
    finally:
        store.close()
    (books / "b.ipynb").unlink()
    assert doctor.schedules(here).level == "severe"
    (books / "schedule.toml").write_text("[x]\ntitle = 1\n")
    assert doctor.schedules(here).level == "severe"


@pytest.mark.parametrize(
    ("given", "level", "names"),
    [
        ({"AGNES_PUBLIC_URL": "https://agnes.example"}, "warning", "AGNES_TRUSTED_PROXIES"),
        (
            {"AGNES_PUBLIC_URL": "https://agnes.example", "AGNES_SECURE_COOKIES": "1"},
            "warning",
            "AGNES_ORIGINS=agnes.example",
        ),
        ({"AGNES_TRUSTED_PROXIES": "10.0.0.5,proxy"}, "severe", "addresses or networks"),
        (
            {
                "AGNES_PUBLIC_URL": "https://agnes.example",
                "AGNES_TRUSTED_PROXIES": "10.0.0.0/8",
                "AGNES_ORIGINS": "agnes.example",
            },
            "ok",
            "",
        ),
    ],
)
def test_settings_of_the_proxy_that_do_not_go_together_are_told(
    tmp_path: Path, given: dict[str, str], level: str, names: str
) -> None:
    found = doctor.proxy(patient(tmp_path, **given))
    assert found.level == level
    assert names in found.mend


# The way, from outside


def _same(at: datetime) -> datetime:
    return at


def asked(seen: dict[str, Any], cookie: str = "_xsrf=2|a; Secure; Path=/") -> dict[str, Diagnosis]:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"date": format_datetime(datetime.now(UTC), usegmt=True), "set-cookie": cookie}
        if request.url.path == "/login":
            return httpx.Response(200, headers=headers)
        assert request.headers["upgrade"] == "websocket"
        return httpx.Response(200, headers=headers, json=seen)

    found = through("https://agnes.example/", transport=httpx.MockTransport(answer))
    assert all(one.message and (one.mend or one.level == "ok") for one in found)
    return {one.check: one for one in found}


def test_a_way_without_fault_has_no_complaint() -> None:
    found = asked(SEEN)
    assert [one.level for one in found.values()] == ["ok"] * 7


@pytest.mark.parametrize(
    ("wrong", "check", "level"),
    [
        ({"upgrade": ""}, "websocket", "severe"),
        ({"tls": False}, "scheme", "severe"),
        ({"host": "127.0.0.1:8000"}, "origin", "severe"),
        ({"origin_allowed": False}, "origin", "severe"),
        ({"trusted": False}, "forwarded", "warning"),
        ({"trusted": False, "forwarded": False}, "forwarded", "warning"),
    ],
)
def test_what_a_proxy_takes_away_is_told(wrong: dict[str, Any], check: str, level: str) -> None:
    found = asked(SEEN | wrong)
    assert {name for name, one in found.items() if one.level != "ok"} == {check}
    assert found[check].level == level


def test_cookies_and_clocks_are_looked_at() -> None:
    assert asked(SEEN, cookie="_xsrf=2|a; Path=/")["cookies"].level == "warning"
    assert asked(SEEN, cookie="other=1")["cookies"].level == "severe"

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"date": "Wed, 04 Mar 2026 12:00:00 GMT"}, json=SEEN)

    transport = httpx.MockTransport(answer)
    for seconds, level in ((3, "ok"), (60, "warning")):
        at = datetime(2026, 3, 4, 12, 0, tzinfo=UTC) + timedelta(seconds=seconds)
        found = through("https://agnes.example", transport=transport, clock=partial(_same, at))
        assert found[-1].level == level


@pytest.mark.parametrize("status", [404, 502])
def test_something_else_at_that_address_is_told(status: int) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, text="<html>"))
    (found,) = through("https://agnes.example", transport=transport)
    assert (found.level, str(status) in found.message) == ("severe", True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("way") / "data") as server:
        yield server


def test_the_way_to_a_real_console_is_asked_by_the_command(server: WholeServer) -> None:
    done = agnes("doctor", "--url", server.address, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {one["level"] for one in json.loads(done.stdout)} == {"ok"}
    (found,) = json.loads(agnes("doctor", "--url", "http://127.0.0.1:9", "--json").stdout)
    assert (found["check"], found["level"]) == ("reached", "severe")
