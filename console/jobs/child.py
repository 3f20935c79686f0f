"""The process of one run: papermill executes the notebook, then what is to be kept is cleaned of
secrets and kept.

`python -m console.jobs.child run|keep <work folder>`; `order.json` there says what to do, and
`result.json` will say how it went. `keep` alone is for a run whose process was killed. It talks to
nobody; the kernel does.
"""

from __future__ import annotations

import base64
import html
import importlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from console.jobs import kept
from console.jobs.tether import MEMORY, tie
from console.tied import adopt, end_all
from ingest.redact import redact

RAW = "raw.ipynb"  # as papermill left it: may hold secrets, never leaves the work folder
KERNEL = "agnes"
_PICTURES = {"image/png": "png", "image/svg+xml": "svg"}
_ENCODED = ("image/png", "image/jpeg", "application/pdf")
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { font: 13px/1.45 ui-monospace, monospace; overflow-x: auto; white-space: pre-wrap; margin: 0 }
.input { border: 1px solid #8884; border-radius: 4px; padding: .6rem .8rem; margin-top: 1rem }
.output { padding: .6rem .8rem } .prompt, .anchor-link { display: none }
.output_stderr, .output_error { border-left: 3px solid #d33; padding-left: .6rem }
table { border-collapse: collapse } td, th { padding: .2rem .7rem; text-align: left }
img, svg { max-width: 100%; height: auto }
"""


class Stopped(KeyboardInterrupt):
    """SIGTERM: the run took too long, or somebody cancelled it. No plain Exception, so that no
    event loop keeps it to itself."""


def main() -> None:
    task, folder = sys.argv[1], Path(sys.argv[2])
    order = orjson.loads((folder / "order.json").read_bytes())
    tie(order["server"])
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _stop)
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("traitlets").setLevel(logging.ERROR)  # nbconvert's advice to authors
    if task == "run":
        os.nice(5)  # the server answers people meanwhile
        adopt()
        result = execute(order, folder)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # keeping is short, and wanted
        end_all()  # a run is over when it says so: nothing goes on without its limits
        (folder / "result.json").write_bytes(orjson.dumps(result))
    keep(order, folder)


def execute(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run the notebook; `{status: ok|failed|stopped, error, cell}`."""
    if order.get("notebook", "").endswith(".py"):
        return execute_file(order, folder)
    try:
        papermill, zmq = library("papermill"), library("zmq")
    except ModuleNotFoundError as error:
        return _failed(
            f"{error.name} is not installed here; notebooks need "
            "pip install 'agnes-console[server,lab]'"
        )
    if order.get("memory_mb"):
        os.environ[MEMORY] = str(order["memory_mb"])  # the kernel, not what starts and keeps it
    if not Path(order["notebook"]).is_file():
        return _failed(f"there is no notebook {order['notebook']}")
    _describe_kernel(folder)
    # What a kernel says goes over loopback, where other users of the machine may listen.
    encryption = "auto" if zmq.has("curve") else "disabled"
    config = library("traitlets.config").Config(KernelManager={"transport_encryption": encryption})
    try:
        papermill.execute_notebook(
            order["notebook"],
            folder / RAW,
            order["parameters"],
            kernel_name=KERNEL,
            language="python",
            cwd=folder,
            log_output=True,
            progress_bar=False,
            shutdown_kernel="immediate",
            config=config,
        )
    except papermill.PapermillExecutionError as error:
        what = f"cell {error.exec_count} failed: {error.ename}: {error.evalue}"
        return _failed(what, cell=error.exec_count)
    except Stopped:
        return {"status": "stopped", "error": None, "cell": None}
    except (papermill.PapermillException, OSError, RuntimeError, ValueError) as error:
        logging.exception("the notebook could not be run")
        return _failed(f"{type(error).__name__}: {error}")
    return {"status": "ok", "error": None, "cell": None}


def execute_file(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same with a Python file, in a process of its own; what it prints is the log."""
    argv = [sys.executable, "-u", "-m", "console.jobs.limited"]
    memory = str(order.get("memory_mb") or "")
    try:
        process = subprocess.run([*argv, order["notebook"], memory], cwd=folder, check=False)
    except Stopped:
        return {"status": "stopped", "error": None, "cell": None}
    if process.returncode == 0:
        return {"status": "ok", "error": None, "cell": None}
    return _failed(f"the file ended with {process.returncode}; see the log")


def keep(order: dict[str, Any], folder: Path) -> None:
    """Move what the run left, cleaned, to where it is kept."""
    new = folder / "kept"
    new.mkdir(exist_ok=True)
    if (folder / RAW).exists():
        try:
            _keep_notebook(order, folder / RAW, new)
        except Exception:  # the log is kept all the same
            logging.exception("the executed notebook could not be kept")
    (new / kept.LOG).write_bytes(kept.cleaned_log(folder / kept.LOG))
    os.replace(new, order["kept"])


def _keep_notebook(order: dict[str, Any], raw: Path, new: Path) -> None:
    nbformat, nbconvert = library("nbformat"), library("nbconvert")
    coalesced = nbconvert.preprocessors.CoalesceStreamsPreprocessor()
    book = nbformat.reads(raw.read_text(encoding="utf-8"), as_version=4)
    book, _ = coalesced.preprocess(book, {})  # a secret may come in two pieces
    book = nbformat.from_dict(scrubbed(book))
    (new / kept.NOTEBOOK).write_text(nbformat.writes(book), encoding="utf-8")
    hidden = library("traitlets.config").Config(
        TagRemovePreprocessor={"enabled": True, "remove_input_tags": [kept.HIDDEN]}
    )
    exporter = nbconvert.HTMLExporter(template_name="basic", config=hidden)
    body, _ = exporter.from_notebook_node(book)
    title = html.escape(f"{order['title']} · {order['run']}")
    (new / kept.PAGE).write_text(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{kept.POLICY}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>",
        encoding="utf-8",
    )
    for number, (ending, picture) in enumerate(pictures(book), 1):
        (new / kept.FIGURES).mkdir(exist_ok=True)
        (new / kept.FIGURES / f"{number:02}.{ending}").write_bytes(picture)


def scrubbed(value: Any, kind: str = "") -> Any:
    """A notebook's JSON without secrets in any of its texts. Pictures are left as they are."""
    if isinstance(value, dict):
        return {redact(name): scrubbed(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [scrubbed(part, kind) for part in value]
    return redact(value) if isinstance(value, str) and kind not in _ENCODED else value


def pictures(book: Any) -> list[tuple[str, bytes]]:
    """Every picture among the outputs, in order: its file ending and its bytes."""
    found = []
    for cell in book.cells:
        for output in cell.get("outputs", []):
            for kind, ending in _PICTURES.items():
                if text := output.get("data", {}).get(kind):
                    text = "".join(text)
                    raw = base64.b64decode(text) if kind in _ENCODED else text.encode()
                    found.append((ending, raw))
    return found


def library(name: str) -> Any:
    """A library of the extra `lab`: half of them say nothing of their types."""
    return importlib.import_module(name)


def _describe_kernel(folder: Path) -> None:
    """The kernel that papermill will start: this Python, tied to this process."""
    place = folder / "jupyter" / "kernels" / KERNEL
    place.mkdir(parents=True)
    argv = [sys.executable, "-m", "console.jobs.tether", "-f", "{connection_file}"]
    told = {
        "argv": argv,
        "display_name": "Agnes job",
        "language": "python",
        "metadata": {"supported_encryption": "curve"},
    }
    (place / "kernel.json").write_bytes(orjson.dumps(told))


def _failed(error: str, cell: int | None = None) -> dict[str, Any]:
    return {"status": "failed", "error": redact(error), "cell": cell}


def _stop(number: int, frame: object) -> None:
    raise Stopped


if __name__ == "__main__":
    main()
