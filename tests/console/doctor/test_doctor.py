"""`agnes doctor`: each check is silent about what is well, and says what is wrong and how to mend
it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from console import doctor
from console.doctor import Patient
from schema import migrate
from schema.store import Store
from schema.tables import NOTIFICATIONS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.console.audit_log import event, write

NOW = datetime(2026, 3, 4, 12)
GB = 1 << 30


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("doctor")) as world:
        yield world


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    tmp_path.chmod(0o700)
    return Patient(tmp_path, tmp_path / "agnes.duckdb", clock=lambda: NOW)


def level(patient: Patient, check: str) -> str:
    (found,) = [one for one in doctor.examine(patient) if one.check == check]
    assert found.message
    assert found.mend or found.level == "ok"
    return found.level


def test_a_healthy_folder_has_no_complaint(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=100 * GB, free=50 * GB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    Store(patient.database).close()
    assert [one.level for one in doctor.examine(patient)] == ["ok"] * len(doctor.CHECKS)
    checks = [one.check for one in doctor.examine(patient)]
    assert {"configuration", "disk", "clock", "rights", "engine", "telegram"} <= set(checks)
    assert {"backups", "schedules", "tables", "proxy"} <= set(checks)
    assert len(set(checks)) == len(checks)


def test_messages_that_telegram_does_not_take_are_told(patient: Patient) -> None:
    store = Store(patient.database, threads=1)
    try:
        open_here = replace(patient, store=store)
        assert level(open_here, "telegram") == "ok"
        row = {"id": "one", "user_id": "ana", "channel": "telegram", "created_at": NOW}
        store.write(Rows(NOTIFICATIONS, [{**row, "state": "queued", "error": "busy"}])).result()
        assert level(open_here, "telegram") == "ok"  # a moment is no trouble
        later = replace(open_here, clock=lambda: NOW + timedelta(hours=1))
        assert level(later, "telegram") == "warning"
        store.write(Rows(NOTIFICATIONS, [{**row, "state": "failed", "error": "refused"}])).result()
        (found,) = [one for one in doctor.examine(open_here) if one.check == "telegram"]
        assert (found.level, found.message) == ("warning", "1 message not sent in 24h: refused")
        store.write(lambda do: do.update(NOTIFICATIONS, {"id": "one"}, {"read_at": NOW})).result()
        assert "not sent" not in doctor.telegram(open_here).message
    finally:
        store.close()


def test_a_full_or_locked_disk_is_told(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    for bytes_free, expected in ((GB, "ok"), (GB - 1, "warning")):
        usage = SimpleNamespace(total=100 * GB, free=bytes_free)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
        assert level(patient, "disk") == expected
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert level(patient, "disk") == "severe"


def test_a_folder_that_is_not_there_yet_is_no_complaint(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    assert level(Patient(folder, folder / "agnes.duckdb"), "disk") == "ok"


def test_rows_of_the_future_mean_a_wrong_clock(world: World) -> None:
    settings = world.settings
    patient = Patient(settings.folder, settings.database, world.store, lambda: NOW)
    write(world, event(NOW + timedelta(seconds=60)))
    assert level(patient, "clock") == "ok"
    write(world, event(NOW + timedelta(seconds=61)))
    assert level(patient, "clock") == "warning"


def test_data_that_others_may_read_is_told(patient: Patient) -> None:
    patient.database.touch(mode=0o644)
    patient.database.chmod(0o644)
    assert doctor.rights(patient).level == "ok"  # the folder is closed
    patient.folder.chmod(0o755)
    found = doctor.rights(patient)
    assert found.level == "warning"
    assert str(patient.database) in found.mend
    patient.database.unlink()
    patient.folder.chmod(0o700)
    assert level(patient, "rights") == "ok"


def test_an_engine_of_another_version_is_told(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb, "__version__", "9.9.9")
    assert level(patient, "engine") == "warning"


def test_a_file_that_is_no_database_is_told(patient: Patient) -> None:
    patient.database.write_bytes(b"not a database" * 1000)
    assert level(patient, "engine") == "severe"


def test_a_database_of_a_newer_version_or_an_older_one_is_told(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(patient.database).close()
    pending = ["0002_more"]
    with monkeypatch.context() as older:
        older.setattr(migrate, "pending", lambda con: pending)
        assert level(patient, "engine") == "warning"
    with duckdb.connect(str(patient.database)) as con:
        con.execute("INSERT INTO schema_migrations VALUES (9999, 'later', now(), 1)")
    assert level(patient, "engine") == "severe"
