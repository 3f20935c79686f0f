"""Append: each new file, each new answer, once; what cannot be taken changes nothing."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.console.syncing.place import ADMIN, Place, in_order, in_this_process


@pytest.fixture
def appending(place: Place) -> Place:
    place.write("1.csv", "x,t\n1,one\n2,two\n")
    place.register(location="*.csv", sync_mode="append")
    place.one()
    return place


def test_each_new_file_is_taken_once(appending: Place) -> None:
    assert appending.one().status == "unchanged"
    appending.write("0.csv", "x,t\n3,three\n")
    attempt = appending.one()
    assert (attempt.status, attempt.rows) == ("ok", 1)
    assert [row["x"] for row in appending.rows()] == [1, 2, 3]
    assert appending.one().status == "unchanged"
    (appending.files / "1.csv").unlink()  # what was taken stays
    assert appending.one().status == "unchanged"
    assert len(appending.rows()) == 3


def test_a_new_column_is_taken_and_told(appending: Place) -> None:
    appending.write("2.csv", "t,x,new\nthree,3,9\n")
    attempt = appending.one()
    assert (attempt.status, attempt.drift["added"]) == ("ok", ["new"])
    assert [row["new"] for row in appending.rows()] == [None, None, 9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,t\nmany,three\n", "x was int64, is string"),
        ("x,t\n1.5,three\n", "x was int64, is float64"),
        ("x\n3\n", "gone: t"),
        ("x,other\n3,o\n", "new: other; gone: t"),
    ],
)
def test_what_does_not_fit_names_both_types_and_changes_nothing(
    appending: Place, text: str, said: str
) -> None:
    before, files = appending.rows(), appending.parquets()
    appending.write("2.csv", text)
    attempt = appending.one()
    assert attempt.status == "error"
    assert said in str(attempt.error)
    assert (appending.rows(), appending.parquets()) == (before, files)
    assert appending.log()[-1]["result"] == "error.drift"
    assert appending.one().status == "error"  # it is not forgotten


def test_texts_stay_texts_and_nothing_fits_everywhere(appending: Place) -> None:
    appending.write("2.csv", "x,t\n3,007\n,\n")
    assert appending.one().error is None
    assert [row["t"] for row in appending.rows()] == ["one", "two", "007", None]
    appending.register("empty", location="empty*.csv", sync_mode="append")
    appending.write("empty1.csv", "a,b\n1,\n")
    appending.one("empty")
    appending.write("empty2.csv", "a,b\n,2.5\n")
    assert appending.one("empty").error is None
    assert appending.rows("empty") == [{"a": 1, "b": None}, {"a": None, "b": 2.5}]


def test_a_file_that_was_taken_must_not_change(appending: Place) -> None:
    appending.write("1.csv", "x,t\n1,one\n2,two\n3,three\n")
    assert "append takes new files only" in str(appending.one().error)
    appending.change("one", sync_mode="full")
    assert appending.one().rows == 3
    appending.change("one", sync_mode="append")
    assert appending.one().status == "unchanged"


def test_a_lost_version_is_said_and_not_begun_anew(appending: Place) -> None:
    appending.parquets()[0].unlink()
    appending.write("2.csv", "x,t\n3,three\n")
    assert "the file of its last version is gone" in str(appending.one().error)
    appending.change("one", sync_mode="full")
    assert appending.one().rows == 3


ROW = st.tuples(st.integers(-9, 99), st.text("abc", min_size=1, max_size=3), st.booleans())
FILES = st.lists(st.lists(ROW, min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=8)
@given(FILES, st.randoms(use_true_random=False))
def test_files_appended_in_any_order_are_the_full_read(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[Any, ...]]], random: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        in_this_process(patch)
        place = Place(tmp_path_factory.mktemp("any") / "data")
        try:
            place.register("grown", location="*.csv", sync_mode="append")
            place.register("whole", location="*.csv")
            texts = [
                "x,t,f\n" + "".join(f"{x},{t},{str(f).lower()}\n" for x, t, f in rows)
                for rows in files
            ]
            order = list(enumerate(texts))
            random.shuffle(order)
            while order:
                taken = random.randint(1, len(order))
                for number, text in itertools.islice(order, taken):
                    place.write(f"{number}.csv", text)
                del order[:taken]
                assert place.one("grown").error is None
            assert place.one("whole").error is None
            assert in_order(place.rows("grown")) == in_order(place.rows("whole"))
            assert place.columns("grown") == place.columns("whole")
        finally:
            place.close()


def test_one_sync_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from console.syncing.process import Attempted
    from console.syncing.syncs import InProgress

    place.write("a.csv", "x\n1\n")
    place.register(location="a.csv")
    at_once = Attempted.run

    async def slow(self: Attempted, order: Any, *, seconds: float) -> Any:
        await asyncio.sleep(0.05)
        return await at_once(self, order, seconds=seconds)

    monkeypatch.setattr(Attempted, "run", slow)

    async def twice() -> list[Any]:
        syncs = place.syncs
        both = [syncs.sync(ADMIN, None, trigger="api") for _ in range(2)]
        return await asyncio.gather(*both, return_exceptions=True)

    first, second = asyncio.run(twice())
    assert [one.status for one in first] == ["ok"]
    assert isinstance(second, InProgress)
    assert second.status == 409
    assert place.syncs.running is False
    assert len(place.history()) == 1
