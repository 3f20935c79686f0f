"""No kernel starts for nothing: the job of syncs is asked for exactly while a table is due."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from console.instance import Instance
from console.jobs import asks
from console.syncing.syncs import Syncs
from schema.store import Store
from tests.console.syncing.place import Place, in_this_process


@dataclass
class Held:
    store: Store
    syncs: Syncs


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    in_this_process(monkeypatch)
    found = Place(tmp_path / "data")
    found.write("a.csv", "x\n1\n")
    yield found
    found.close()


def test_syncs_are_asked_for_while_a_table_is_due(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: Any = Held(place.store, place.syncs)

    def asked() -> int:
        return asyncio.run(asks.sync_tables(cast("Instance", held)))

    place.register("by_hand", location="a.csv")
    assert asked() == 0
    place.register("often", location="a.csv", schedule="every 5m")
    far = (datetime.now(UTC) + timedelta(hours=12)).hour
    place.register("daily", location="a.csv", schedule=f"0 {far} * * *")
    assert asked() == 2  # neither was ever tried
    place.sync()
    assert asked() == 0
    began = datetime.fromisoformat(str(place.history()[-1]["synced_at"]))
    for minutes, due in ((4, 0), (6, 1), (24 * 60 + 1, 2)):
        monkeypatch.setattr(asks, "now", lambda at=began + timedelta(minutes=minutes): at)
        assert asked() == due, minutes
    place.syncs.running = True
    assert asked() == 0  # the one that runs comes first
