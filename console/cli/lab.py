"""`agnes lab`: JupyterLab on this machine, with the notebooks for analysts and a kernel for them.

No credential goes anywhere: notebooks find the sign-in of `agnes login`, or the environment's, as
this command does. JupyterLab listens on the loopback address alone and asks no other host.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from console.cli.exits import WrongUse
from console.cli.lab_folder import Filled, fill
from console.cli.output import note, say
from console.cli.text import plain
from console.jobs.tether import tie
from schema.errors import AgnesError

NEEDED = ("jupyterlab", "ipykernel", "ibis", "holoviews", "panel")
PORT = 8888  # or one of the next, where it is taken
_PATIENCE = 120.0  # seconds to start
_GRACE = 20.0  # seconds to end
_LOCAL = "127.0.0.1"

Process = subprocess.Popen[bytes]


class NotInstalled(AgnesError):
    """The light client alone is installed."""

    title = "Not installed"


class LabFailed(AgnesError):
    """JupyterLab did not start, or ended with an error."""

    title = "JupyterLab failed"


def lab(
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Where the notebooks lie; default ~/agnes-notebooks."),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help=f"Port; 0 takes a free one. Default from {PORT} on."
        ),
    ] = None,
) -> None:
    """Ask your own questions: JupyterLab with notebooks about your sessions and tools.

    The notebooks are yours to change; those you changed are never written over.
    """
    _check_installed()
    who, server = _signed_in()
    filled = fill(folder or Path.home() / "agnes-notebooks")
    _tell(filled)
    with tempfile.TemporaryDirectory(prefix="agnes-lab-") as place:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
        process = _start(filled.folder, Path(place), port, browser=not no_browser)
        try:
            say(f"JupyterLab is ready: {_address(process, Path(place))}")
            say(f"Notebooks in {plain(filled.folder)} ask {plain(server)} as {plain(who)}.")
            say("Stop with Ctrl-C.")
            sys.stdout.flush()
            code = process.wait()
        except KeyboardInterrupt:
            code = 0
        finally:
            _end(process)
    if code:
        raise LabFailed(f"JupyterLab ended with code {code}", detail="see above what it said")


def _check_installed() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise NotInstalled(
            f"not installed: {', '.join(missing)}",
            detail="install what `agnes lab` needs: pip install 'agnes-console[server,lab]'",
        )


def _signed_in() -> tuple[str, str]:
    """Who the notebooks will be, and at which server. Raises what a notebook would only show in
    its first cell."""
    from console.client import connect

    with connect() as client:
        return str(client.me()["email"]), client.server


def _tell(filled: Filled) -> None:
    for name in filled.renewed:
        note(f"{name} is new with this release; you had not changed yours")
    for name in filled.older:
        note(f"{name} stays as you changed it; rename yours to get the one of this release")


def _start(folder: Path, place: Path, port: int | None, *, browser: bool) -> Process:
    """Begin JupyterLab. `place` is for what it needs as long as it runs: its kernel, its papers."""
    _make_kernel(place / "kernels" / "python3")
    _copy_styles(place / "static" / "panel")
    port = _free_port(port)
    _ask_for_no_news(place / "config" / "labconfig")
    words = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.ip={_LOCAL}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.base_url=/",
        f"--ServerApp.extra_static_paths={place / 'static'}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",
        f"--ServerApp.allow_root={_is_root()}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",  # the other one asks for a list of all extensions
        "--Application.log_level=ERROR",
    ]
    environment = {
        **os.environ,
        "JUPYTER_PATH": _first(place, "JUPYTER_PATH"),
        "JUPYTER_CONFIG_PATH": _first(place / "config", "JUPYTER_CONFIG_PATH"),
        "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
        "PANEL_CDN_ROOT": f"http://{_LOCAL}:{port}/static/panel/",
        "JUPYTER_TOKEN": secrets.token_urlsafe(24),  # the environment is not seen by `ps`
    }
    if named := os.environ.get("AGNES_CONFIG_DIR"):
        # A kernel works in the folder of its notebook.
        environment["AGNES_CONFIG_DIR"] = str(Path(named).expanduser().absolute())
    command = [sys.executable, "-m", "jupyterlab", *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        # It ends with this command, however that ends; no thread runs here yet.
        preexec_fn=partial(tie, os.getpid()) if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def _first(folder: Path, name: str) -> str:
    """A list of folders of the environment, with this one before them."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get(name)]))


def _ask_for_no_news(folder: Path) -> None:
    """JupyterLab would ask whether to fetch news from another host; whoever wants them sets so."""
    folder.mkdir(parents=True)
    settings = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    file = folder / "default_setting_overrides.json"
    file.write_text(json.dumps(settings), encoding="utf-8")


def _free_port(wanted: int | None) -> int:
    """That port, or the first free one from PORT on; 0 is any. Raises WrongUse for one in use."""
    for port in range(PORT, PORT + 100) if wanted is None else [wanted]:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((_LOCAL, port))
            except OSError as error:
                reason = error.strerror
                continue
            return int(tried.getsockname()[1])
    where = f"{_LOCAL}:{PORT if wanted is None else wanted}"
    detail = "Choose another with --port; 0 takes any free one."
    raise WrongUse(f"cannot listen on {where}: {reason}", detail=detail)


def _copy_styles(to: Path) -> None:
    """The style sheets of charts, which would come from another host otherwise. Panel itself is not
    loaded for that."""
    found = find_spec("panel")
    panel = Path(found.origin if found and found.origin else "").parent
    version = json.loads((panel / "package.json").read_text(encoding="utf-8"))["version"]
    for part in ("css", "bundled/theme"):
        shutil.copytree(panel / "dist" / part, to / version.split("+")[0] / "dist" / part)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _make_kernel(folder: Path) -> None:
    """This very environment under the name that the notebooks ask for, whatever kernel of that name
    the machine has."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec: dict[str, Any] = {"argv": command, "display_name": "Agnes", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _address(process: Process, place: Path) -> str:
    """Where it listens, with the token that opens it, once it does. Raises LabFailed."""
    paper = place / "runtime" / f"jpserver-{process.pid}.json"
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise LabFailed("JupyterLab did not start", detail="see above what it said")
        try:
            told = json.loads(paper.read_text(encoding="utf-8"))
            return f"{told['url']}lab?token={told['token']}"
        except (FileNotFoundError, ValueError):  # not there yet, or half of it
            time.sleep(0.1)
    raise LabFailed(f"JupyterLab was not ready after {_PATIENCE:g} s")


def _end(process: Process) -> None:
    """Its kernels end with it."""
    try:
        process.terminate()
        process.wait(_GRACE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
