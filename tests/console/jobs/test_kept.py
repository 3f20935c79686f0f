"""What remains of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.jobs.kept import FIGURES, LOG, LOG_LIMIT, NOTEBOOK, Place, sweep
from schema.errors import NotFound

SECRET = "agnes_job_" + "aB3-" * 10 + "xyz"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, "tidy", "r1")
    made.work.mkdir(parents=True)
    return made


def test_a_log_can_be_read_while_it_grows_and_never_shows_a_secret(place: Place) -> None:
    (place.work / LOG).write_text(f"one {SECRET}\n")
    assert SECRET not in place.log().decode()
    assert place.log().startswith(b"one ")
    place.work.rename(place.kept)
    (place.kept / LOG).write_text("two\n")
    assert place.log() == b"two\n"


def test_a_log_without_end_is_cut_and_says_so(place: Place) -> None:
    (place.work / LOG).write_bytes(b"x\n" * LOG_LIMIT)
    text = place.log()
    assert LOG_LIMIT <= len(text) < LOG_LIMIT + 100
    assert "longer than is kept" in text.decode()


@pytest.mark.parametrize(
    "name", ["", "..", "../log.txt", "01.html", "1.png", "01.png\n", "01.png/..", "01.PNG"]
)
def test_no_name_of_a_figure_leads_elsewhere(place: Place, name: str) -> None:
    place.kept.mkdir()
    (place.kept / LOG).write_text("x")
    with pytest.raises(NotFound):
        place.figure(name)


def test_what_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(NotFound, match=r"r1 has no notebook\.ipynb"):
        place.read(NOTEBOOK)
    assert place.files() == {"notebook": False, "html": False, "log": False, "figures": []}
    (place.kept / FIGURES).mkdir(parents=True)
    (place.kept / FIGURES / "01.svg").write_text("<svg/>")
    assert place.files()["figures"] == ["01.svg"]
    assert place.figure("01.svg") == b"<svg/>"


def test_a_sweep_takes_what_was_unfinished_and_nothing_else(place: Place, tmp_path: Path) -> None:
    place.kept.mkdir()
    sweep(tmp_path)
    assert not place.work.exists()
    assert place.kept.exists()
    sweep(tmp_path / "elsewhere")
