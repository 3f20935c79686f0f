"""Inside the process of a run: what it cleans, and what it says when it cannot begin."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from console.jobs import child
from console.jobs.kept import Place
from console.jobs.runner import Order, environment
from console.jobs.schedule import Job

SECRET = "agnes_job_" + "aB3-" * 10 + "xyz"


def test_a_secret_goes_out_of_every_text_and_pictures_stay() -> None:
    picture = base64.b64encode(b"\x89PNG" + SECRET.encode()).decode()
    book: dict[str, Any] = {
        "metadata": {SECRET: SECRET},
        "cells": [
            {
                "source": f"x = '{SECRET}'",
                "outputs": [
                    {"text": [f"a {SECRET}\n", "b"], "data": {"image/png": picture, "n": 1}},
                    {"data": {"application/json": {"deep": [{"er": SECRET}]}}},
                    {"traceback": ["\x1b[31m" + SECRET + "\x1b[0m"], "evalue": SECRET},
                ],
            }
        ],
    }
    clean = child.scrubbed(book)
    assert SECRET not in str(clean)
    outputs = clean["cells"][0]["outputs"]
    assert outputs[0]["data"] == {"image/png": picture, "n": 1}
    assert outputs[0]["text"][1] == "b"


def test_without_the_extra_lab_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(child, "library", missing)
    result = child.execute({}, tmp_path)
    assert result["status"] == "failed"
    assert "papermill is not installed" in result["error"]
    assert "agnes-console[server,lab]" in result["error"]


def test_a_notebook_learns_nothing_of_the_server_s_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AGNES_DATA_DIR", "ANTHROPIC_API_KEY", "POSTHOG_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret-of-the-server")
    monkeypatch.setenv("LC_TIME", "C.UTF-8")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    job = Job("tidy", "Tidy", tmp_path / "tidy.ipynb", every=0)
    place = Place(tmp_path, "tidy", "r1")
    given = environment(Order("r1", job, {}, place, "http://127.0.0.1:1", SECRET))
    assert "secret-of-the-server" not in given.values()
    assert given["LC_TIME"] == "C.UTF-8"
    assert given["PYTHONPATH"].endswith(":/somewhere")
    assert (given["AGNES_TOKEN"], given["AGNES_RUN_ID"]) == (SECRET, "r1")
    assert given["AGNES_URL"] == given["AGNES_SERVER"] == "http://127.0.0.1:1"
