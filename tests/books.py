"""Notebooks of ours in a kernel, by nbval: all of them as one, since what takes long is to start a
kernel and to import what they use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.server_process import clean_environment

_BLANK: dict[str, Any] = {
    "cell_type": "code",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
}
FORGET = {**_BLANK, "source": "%reset -f"}  # no name of the notebook before


def cells(book: Path) -> list[dict[str, Any]]:
    """Its cells of code."""
    whole = json.loads(book.read_text(encoding="utf-8"))
    return [cell for cell in whole["cells"] if cell["cell_type"] == "code"]


def run(books: Sequence[Path], folder: Path, settings: Mapping[str, str]) -> None:
    """Run them one after the other, each without a name of the one before. `folder`: for the one
    that they become."""
    whole = json.loads(books[0].read_text(encoding="utf-8"))
    parts = [cell for book in books for cell in (FORGET, *cells(book))]
    whole["cells"] = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(parts)]
    file = folder / "all.ipynb"
    file.write_text(json.dumps(whole), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", file],
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"\n{len(parts)} passed" in done.stdout, done.stdout[-4000:]
