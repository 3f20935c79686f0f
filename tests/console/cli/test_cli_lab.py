"""`agnes lab`: notebooks that stay their owner's, JupyterLab that starts, answers and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from console.cli import lab
from console.cli.lab_folder import INSTALLED, REMEMBERED, fill
from tests.console.cli.stand_in import Run, Server
from tests.server_process import AGNES, PATIENCE, clean_environment
from tests.whole_server import WholeServer

NAMES = ("instance_overview", "my_failures", "my_sessions", "my_tools_over_time")
FILES = tuple(f"{name}.ipynb" for name in NAMES)


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A release's notebooks."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.ipynb").write_text(f"{name} 1")
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.ipynb")}


def test_the_notebooks_are_installed() -> None:
    assert tuple(sorted(path.name for path in INSTALLED.glob("*.ipynb"))) == FILES


def test_a_new_folder_is_its_owners_alone(tmp_path: Path, shipped: Path) -> None:
    folder = tmp_path / "not" / "there"
    filled = fill(folder, shipped)
    assert filled.new == ("a.ipynb", "b.ipynb")
    assert texts(folder) == texts(shipped)
    assert folder.stat().st_mode & 0o777 == 0o700
    again = fill(folder, shipped)
    assert (again.new, again.renewed, again.older) == ((), (), ())


def test_what_was_changed_is_never_written_over(tmp_path: Path, shipped: Path) -> None:
    folder = tmp_path / "mine"
    fill(folder, shipped)
    (folder / "a.ipynb").write_text("mine")
    assert fill(folder, shipped).older == ()  # this release brings what they began with
    for name in "ab":
        (shipped / f"{name}.ipynb").write_text(f"{name} 2")
    for _ in range(2):
        filled = fill(folder, shipped)
        assert filled.older == ("a.ipynb",)
        assert texts(folder) == {"a.ipynb": "mine", "b.ipynb": "b 2"}
    (folder / "a.ipynb").rename(folder / "my a.ipynb")
    assert fill(folder, shipped).new == ("a.ipynb",)
    assert texts(folder) == {"a.ipynb": "a 2", "b.ipynb": "b 2", "my a.ipynb": "mine"}


def test_an_untouched_copy_follows_a_release(tmp_path: Path, shipped: Path) -> None:
    folder = tmp_path / "mine"
    fill(folder, shipped)
    (shipped / "b.ipynb").write_text("b 2")
    assert fill(folder, shipped).renewed == ("b.ipynb",)
    assert texts(folder) == texts(shipped)


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"a.ipynb": 1}', "\ud800"])
def test_without_memory_every_copy_that_differs_is_its_owners(
    tmp_path: Path, shipped: Path, broken: str
) -> None:
    folder = tmp_path / "mine"
    fill(folder, shipped)
    (folder / REMEMBERED).write_bytes(broken.encode("utf-8", "surrogatepass"))
    (shipped / "a.ipynb").write_text("a 2")
    assert fill(folder, shipped).older == ("a.ipynb",)
    assert texts(folder) == {"a.ipynb": "a 1", "b.ipynb": "b 1"}


def test_a_link_is_left_alone(tmp_path: Path, shipped: Path) -> None:
    folder, elsewhere = tmp_path / "mine", tmp_path / "precious"
    folder.mkdir()
    elsewhere.write_text("precious")
    (folder / "a.ipynb").symlink_to(elsewhere)
    (folder / "b.ipynb").symlink_to(tmp_path / "nowhere")
    assert fill(folder, shipped).new == ()
    assert elsewhere.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_nobody_signed_in_is_told_so(run: Run, server: Server, tmp_path: Path) -> None:
    server.says_no("GET", "/api/me", 401, "not signed in")
    done = run("lab", "--dir", str(tmp_path / "nb"), "--no-browser")
    assert done.exit_code == 3
    assert "agnes login" in done.stderr
    assert not (tmp_path / "nb").exists()


def test_what_is_missing_is_named_with_how_to_install_it(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "NEEDED", ("no_such_lab", "json", "no_such_kernel"))
    done = run("lab", "--no-browser")
    assert done.exit_code == 1
    assert "not installed: no_such_lab, no_such_kernel\n" in done.stderr
    assert "pip install 'agnes-console[server,lab]'" in done.stderr
    assert server.requests == []


def test_a_port_in_use_is_said(run: Run, server: Server, tmp_path: Path) -> None:
    server.on("GET", "/api/me", {"email": "ann@example.org"})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("lab", "--dir", str(tmp_path), "--no-browser", "--port", port)
    assert done.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}: " in done.stderr


def test_a_folder_that_cannot_be_is_said(run: Run, server: Server, tmp_path: Path) -> None:
    server.on("GET", "/api/me", {"email": "ann@example.org"})
    (tmp_path / "nb").write_text("")
    done = run("lab", "--dir", str(tmp_path / "nb"), "--no-browser")
    assert done.exit_code == 1
    assert done.stderr == f"error: {tmp_path / 'nb'}: {os.strerror(17)}\n"


class Lab:
    """`agnes lab` as a process of its own, ready."""

    def __init__(self, place: Path, **settings: str) -> None:
        self.notebooks, self.config = place / "notebooks", place / "config"
        self.out, self.err = place / "out", place / "err"
        jupyter = {"JUPYTER_CONFIG_DIR": str(place / "jupyter"), "TMPDIR": str(place)}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [AGNES, "lab", "--dir", self.notebooks, "--no-browser", "--port", "0"],
                env=clean_environment(**jupyter, **settings),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.address, self.token = self._ready()

    def _ready(self) -> tuple[str, str]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            if "Ctrl-C" in (said := self.out.read_text()):
                (found,) = re.findall(r"ready: (http://127\.0\.0\.1:\d+)/lab\?token=(\S+)", said)
                return found[0], found[1]
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(self.out.read_text() + self.err.read_text())

    def say(self, kernel: str, code: str) -> str:
        """What a running kernel prints for `code`."""
        (file,) = self.notebooks.parent.glob(f"agnes-lab-*/runtime/kernel-{kernel}.json")
        said: list[str] = []
        talk = BlockingKernelClient(connection_file=str(file))
        talk.load_connection_file()
        talk.start_channels()
        try:
            self._wait_until_alive(talk)
            talk.execute_interactive(
                code,
                timeout=PATIENCE,
                output_hook=lambda message: said.append(
                    message["content"].get("text", "")
                    + "".join(message["content"].get("traceback", ()))
                ),
            )
        finally:
            talk.stop_channels()
        return "".join(said)

    def _wait_until_alive(self, talk: BlockingKernelClient) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return talk.wait_for_ready(timeout=PATIENCE)
            except RuntimeError:  # it takes one that still starts for dead
                assert time.monotonic() < until, self.err.read_text()

    def client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"token {token}"} if token else {}
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, timeout=60)


@pytest.fixture
def signed_in(tmp_path: Path) -> Iterator[tuple[Lab, str]]:
    """JupyterLab of somebody who is signed in by `agnes login`, and their token."""
    with WholeServer(tmp_path / "data", AGNES_JOBS="0") as server:
        token = server.token(server.person("ana"))
        entry = {"token": token, "email": "ana@example.org", "expires_at": None}
        known = {"default": server.address, "servers": {server.address: entry}}
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "credentials.json").write_text(json.dumps(known))
        running = Lab(tmp_path, AGNES_CONFIG_DIR="config")  # as seen from where it was started
        try:
            yield running, token
        finally:
            running.process.terminate()
            running.process.wait(PATIENCE)


def test_it_starts_with_a_kernel_of_this_environment_and_ends_cleanly(
    signed_in: tuple[Lab, str], tmp_path: Path
) -> None:
    lab, token = signed_in
    with lab.client("") as stranger:
        assert stranger.get("/api/kernelspecs").status_code == 403
    with lab.client(lab.token) as client:
        specs = client.get("/api/kernelspecs").raise_for_status().json()
        spec = specs["kernelspecs"][specs["default"]]["spec"]
        assert spec["display_name"] == "Agnes"
        assert spec["argv"][0] == sys.executable
        listed = client.get("/api/contents").raise_for_status().json()["content"]
        assert sorted(entry["name"] for entry in listed) == list(FILES)
        page = client.get("/lab").raise_for_status().text
        assert "jupyter-config-data" in page
        styles = client.get(f"/static/panel/{panel_version()}/dist/css/loading.css")
        assert styles.status_code == 200
        started = client.post("/api/kernels", json={"name": specs["default"]})
        assert started.status_code == 201, started.text
    code = "import ibis; print(ibis.agnes.connect().table('agnes_sessions').count().execute())"
    assert lab.say(started.json()["id"], code) == "0\n"
    below = psutil.Process(lab.process.pid).children(recursive=True)
    kernels = [one for one in below if "ipykernel_launcher" in one.cmdline()]
    assert len(kernels) == 1
    environment = kernels[0].environ()
    assert environment["AGNES_CONFIG_DIR"] == str(tmp_path / "config")
    assert "AGNES_TOKEN" not in environment
    assert not any(token in word for one in below for word in one.cmdline())
    lab.process.send_signal(signal.SIGTERM)
    assert lab.process.wait(PATIENCE) == 0, lab.err.read_text()
    _, alive = psutil.wait_procs(below, timeout=PATIENCE)
    assert alive == []
    assert list(tmp_path.glob("agnes-lab-*")) == []
    kept = [path for path in lab.notebooks.rglob("*") if path.is_file()]
    assert {*FILES, REMEMBERED} <= {path.name for path in kept}
    assert not any(token in path.read_text() for path in kept)
    assert "Traceback" not in lab.err.read_text()


def panel_version() -> str:
    """As Panel writes it into addresses of its style sheets."""
    from panel.io.resources import CDN_DIST

    (version,) = re.findall(r"/([^/]+)/dist/$", CDN_DIST)
    return str(version)
