"""What remains of a run: `<data folder>/jobs/<job>/<run id>/` with the executed notebook, its page,
its log and its figures.

While a run goes on it works in a folder with a dot before its name, where secrets may still stand;
what is kept was cleaned of them first and appears all at once, by one rename. Everything here
blocks.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ingest.redact import redact
from schema.errors import NotFound, shorten

FOLDER = "jobs"
NOTEBOOK, PAGE, LOG, FIGURES = "notebook.ipynb", "notebook.html", "log.txt", "figures"
HIDDEN = "hide-input"  # a cell with this tag shows only its output: a report is to be read
LOG_LIMIT = 1 << 20  # bytes of a log that are shown and kept
# What a notebook printed may be anything: shown, it runs nothing and asks nobody.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# But a link in it may be followed, into a tab of its own: a report leads to what it tells of.
LINKS = "allow-popups allow-popups-to-escape-sandbox"
_FIGURE = re.compile(r"[0-9]{2,4}\.(png|svg)\Z")


@dataclass(frozen=True)
class Place:
    """Where one run works, and where it is kept. `job` and `run` are ours, never a stranger's."""

    data: Path
    job: str
    run: str

    @property
    def output(self) -> str:
        """The kept folder below the data folder, as `job_runs.output_path` has it."""
        return f"{FOLDER}/{self.job}/{self.run}"

    @property
    def kept(self) -> Path:
        return self.data / self.output

    @property
    def work(self) -> Path:
        return self.data / FOLDER / self.job / f".{self.run}"

    def files(self) -> dict[str, bool | list[str]]:
        """Which files are there: `{notebook, html, log, figures: [name]}`."""
        folder = self.kept / FIGURES
        figures = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return {
            "notebook": (self.kept / NOTEBOOK).is_file(),
            "html": (self.kept / PAGE).is_file(),
            "log": (self.kept / LOG).is_file() or (self.work / LOG).is_file(),
            "figures": figures,
        }

    def read(self, name: str) -> bytes:
        """One kept file. Raises NotFound."""
        try:
            return (self.kept / name).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"run {self.run} has no {name}",
                detail="Runs that were skipped or never started have none, and old ones are gone.",
            ) from None

    def figure(self, name: str) -> bytes:
        if not _FIGURE.match(name):
            raise NotFound(f"no figure {shorten(name)}")
        return self.read(f"{FIGURES}/{name}")

    def log(self) -> bytes:
        """The log, also while the run goes on."""
        try:
            return cleaned_log(self.work / LOG)
        except FileNotFoundError:
            return self.read(LOG)

    def remove(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(self.kept, ignore_errors=True)


def cleaned_log(path: Path) -> bytes:
    """The log of a run, cleaned; what exceeds the limit is left out at its end."""
    with path.open("rb") as file:
        raw = file.read(LOG_LIMIT)
        more = file.read(1) != b""
    text = redact(raw.decode("utf-8", "replace"))
    return (text + ("\n… the log is longer than is kept\n" if more else "")).encode()


def sweep(data: Path) -> None:
    """Remove what runs of an earlier server left unfinished."""
    for folder in (data / FOLDER).glob("*/.*"):
        shutil.rmtree(folder, ignore_errors=True)
