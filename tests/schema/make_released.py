"""Makes the database file of this release that `test_migrate.py` walks to every later form.

Run once for each release, from the project's folder, before its version number moves on:

    .venv/bin/python -m tests.schema.make_released

A file that is there is never made anew: it is what that release really wrote.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

from schema.store import Store
from tests.schema.sample_rows import fill

FOLDER = Path(__file__).with_name("released")
ROWS = 5


def make(folder: Path, version: str) -> Path:
    """The file of `version`. Raises FileExistsError when it is there already."""
    target = folder / f"{version}.duckdb.gz"
    if target.exists():
        raise FileExistsError(f"{target} is there: a released version does not change")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "agnes.duckdb"
        store = Store(path, threads=1)
        try:
            fill(store, ROWS)
        finally:
            store.close()
        folder.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return target


def main() -> None:
    from importlib.metadata import version

    try:
        sys.stdout.write(f"{make(FOLDER, version('agnes-console'))}\n")
    except FileExistsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
