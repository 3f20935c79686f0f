"""What runs when: the schedule's file, the settings that override it, beats and missed beats."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.jobs.asks import ASKS
from console.jobs.schedule import BadSchedule, Job, read
from console.settings import Settings
from ingest.pipeline import PROCESSORS
from schema.errors import BadParameter
from tests.console.jobs.jobs_place import notebooks

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 3, 1, 12, 3, 30)


def jobs(folder: Path, schedule: str | None = None, **settings: str) -> dict[str, Job]:
    named = notebooks(folder) if schedule is None else notebooks(folder, schedule)
    return read(Settings({}, AGNES_NOTEBOOKS=named, **settings))


def test_the_schedule_that_is_installed_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = read(Settings({}))
    every = {name: job.every or job.cron for name, job in found.items()}
    assert every == {
        "process_sessions": 600,
        "failure_scan": 600,
        "rollups": 900,
        "sync_tables": 900,
        "prune": 86400,
        "weekly_report": "7 5 * * 1",
        "failure_review": "17 5 * * 1",
        "feedback_digest": "27 5 * * *",
        "backup": "47 3 * * *",
    }


def test_every_scheduled_notebook_is_there_and_every_ask_is_known() -> None:
    for job in read(Settings({})).values():
        assert job.notebook.is_file(), job.notebook
        assert job.asks is None or job.asks in ASKS


def test_processors_run_as_often_as_they_say() -> None:
    jobs = read(Settings({}))
    for processor, job in (("usage", "process_sessions"), ("failure_scan", "failure_scan")):
        assert jobs[job].every == 60 * PROCESSORS[processor].cadence_minutes


def test_every_interval_is_a_setting(tmp_path: Path) -> None:
    for name, job in read(Settings({})).items():
        setting = f"SCHEDULER_{name.upper()}_INTERVAL"
        changed = read(Settings({}, **{setting: "77"}))[name]
        assert (changed.every, changed.cron) == (77, None)
        never = read(Settings({}, **{setting: "0"}))[name]
        assert never.after(NOW) is None
        assert not never.missed(None, NOW)
        assert not never.missed(NOW - timedelta(days=9), NOW)
        assert job.after(NOW) is not None


@pytest.mark.parametrize("text", ["-1", "1.5", "often"])
def test_an_interval_that_is_none_is_named(text: str) -> None:
    with pytest.raises(BadParameter, match="SCHEDULER_PRUNE_INTERVAL"):
        Settings({}, SCHEDULER_PRUNE_INTERVAL=text)


def test_beats_do_not_depend_on_when_the_server_started(tmp_path: Path) -> None:
    tidy, sweep, nightly = jobs(tmp_path).values()
    assert tidy.after(NOW) == datetime(2026, 3, 1, 12, 10)
    assert tidy.after(datetime(2026, 3, 1, 12, 10)) == datetime(2026, 3, 1, 12, 10)
    assert sweep.after(NOW) == datetime(2026, 3, 1, 12, 10, 20)  # not together with the other
    assert nightly.after(NOW) == datetime(2026, 3, 2, 3, 15)


def test_no_two_jobs_beat_at_the_same_moment() -> None:
    for minute in range(0, 24 * 60, 5):
        at = NOW + timedelta(minutes=minute)
        beats = [job.after(at) for job in read(Settings({})).values()]
        assert len(set(beats)) == len(beats)


def test_a_beat_is_missed_when_no_run_followed_it(tmp_path: Path) -> None:
    tidy, _, nightly = jobs(tmp_path).values()
    assert not tidy.missed(datetime(2026, 3, 1, 12, 0, 0, 4000), NOW)  # the run of that beat
    assert tidy.missed(datetime(2026, 3, 1, 11, 59), NOW)
    assert tidy.missed(NOW - timedelta(days=400), NOW)
    assert nightly.missed(datetime(2026, 3, 1, 3, 14), NOW)
    assert not nightly.missed(datetime(2026, 3, 1, 3, 15, 1), NOW)


def test_a_job_that_never_ran_is_only_asked(tmp_path: Path) -> None:
    tidy, sweep, nightly = jobs(tmp_path).values()
    assert not tidy.missed(None, NOW)
    assert not nightly.missed(None, NOW)
    assert sweep.missed(None, NOW)  # it knows whether there is work: asking starts no kernel


@pytest.mark.parametrize(
    "given",
    [{}, {"days": 30}, {"deep": True}, {"names": ["a"]}, {"share": 1}, {"share": 0.25}],
)
def test_parameters_are_laid_over_the_defaults(tmp_path: Path, given: dict[str, Any]) -> None:
    tidy = jobs(tmp_path)["tidy"]
    assert tidy.checked(given) == {"days": 7, "deep": False, "names": [], "share": 0.5, **given}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"day": 1}, "'day'; did you mean days"),
        ({"else": 1}, "known: days, deep, names, share"),
        ({"days": "7"}, "days"),
        ({"days": True}, "days"),
        ({"days": None}, "days"),
        ({"deep": 1}, "deep"),
        ({"names": "a"}, "names"),
        ({"share": "1"}, "share"),
        ({"names": ["x" * 20_000]}, "at most 16384 bytes"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(
    tmp_path: Path, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadParameter) as error:
        jobs(tmp_path)["tidy"].checked(given)
    assert says in error.value.message
    assert "bytes" in says or "tidy takes days, deep, names, share" in error.value.detail


def test_a_job_without_parameters_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadParameter) as error:
        jobs(tmp_path)["sweep"].checked({"x": 1})
    assert "sweep takes no parameters" in error.value.detail


GOOD = '[a]\ntitle = "A"\nnotebook = "a.ipynb"\nevery_seconds = 60\ntimeout_seconds = 9\n'


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("[a", "cannot read"),
        ("a = 1", "a: known keys are"),
        (GOOD + "often = 1", "a: known keys are"),
        (GOOD + 'cron = "* * * * *"', "a: give either"),
        (GOOD.replace("every_seconds = 60", ""), "a: give either"),
        (GOOD.replace("every_seconds = 60", 'cron = "* *"'), "a: "),
        (GOOD.replace("every_seconds = 60", 'every_seconds = "x"'), "a: "),
        (GOOD.replace('title = "A"', ""), "a: title is missing"),
        (GOOD.replace("timeout_seconds = 9", ""), "a: timeout_seconds is missing"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_named(tmp_path: Path, schedule: str, says: str) -> None:
    with pytest.raises(BadSchedule, match=says):
        jobs(tmp_path, schedule)


def test_a_folder_named_in_vain_is_an_error_and_a_missing_one_is_no_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadParameter, match="AGNES_NOTEBOOKS"):
        read(Settings({}, AGNES_NOTEBOOKS=str(tmp_path)))
    monkeypatch.setattr("console.jobs.schedule.notebooks", lambda settings: tmp_path)
    assert read(Settings({})) == {}
