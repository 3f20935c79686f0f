"""A real server as a process of its own, for the tests that look at the whole console from
outside."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

AGNES = Path(sys.executable).with_name("agnes")
PATIENCE = 120.0  # seconds; a cold start takes three, unless the machine is busy
# For clients that speak to a server here: reading all certificates would cost each of them 14 ms.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_ADDRESS = re.compile(
    r"Agnes Console is ready: (https?://\S+?)/(login\?link=(\S+))?$", re.MULTILINE
)
_LISTENS = re.compile(r"^It listens at (\S+)$", re.MULTILINE)  # where AGNES_PUBLIC_URL is set
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment of a machine without any setting of ours but these."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept["AGNES_JOBS"] = "0"  # nothing starts by itself, unless a test wants it
    return {**kept, "PYTHONWARNINGS": "default", **settings}


def agnes(
    *words: str | Path, given: str = "", settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end; `given` is its standard input."""
    return subprocess.run(
        [str(AGNES), *map(str, words)],
        env=clean_environment(**(settings or {})),
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class ServerProcess:
    """`agnes serve` (or `demo`) on a folder. Its two streams go to files, which are shown when it
    fails."""

    def __init__(
        self, folder: Path, *, command: str = "serve", port: int = 0, **settings: str
    ) -> None:
        self.folder = folder
        self.command = command
        self.port = port
        self.settings = settings
        self.address = ""
        self.link = ""  # the secret of the first sign-in link; empty when none was printed
        self._out = folder.with_name(folder.name + ".out")
        self._err = folder.with_name(folder.name + ".err")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = self.stop()
        if error is not None:
            sys.stderr.write(self.log())
        else:
            assert code == 0, f"the server ended with {code}\n{self.log()}"

    def start(self) -> None:
        """Start it and wait until its socket is open. On the same port as before, if there was
        one."""
        words = [self.command, "--port", str(self.port), "--data-dir", str(self.folder)]
        with self._out.open("wb") as out, self._err.open("ab") as err:
            self._process = subprocess.Popen(
                [str(AGNES), *words],
                env=clean_environment(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        ready = self._wait_for_address()
        listens = _LISTENS.search(self.said())
        self.address, self.link = (listens or ready)[1], ready[3] or ""
        self.port = httpx.URL(self.address).port or 80

    def stop(self) -> int:
        """Ask it to stop, as a service manager does; its exit code."""
        process = self._running()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    @property
    def pid(self) -> int:
        return self._running().pid

    def restart(self) -> None:
        code = self.stop()
        assert code == 0, f"the server ended with {code}\n{self.log()}"
        self.start()

    def said(self) -> str:
        """What it has printed for people so far."""
        return self._out.read_text(errors="replace")

    def log(self) -> str:
        return f"--- stdout\n{self.said()}--- stderr\n{self._err.read_text(errors='replace')}"

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=self.address, headers=headers, trust_env=False, timeout=120, verify=NO_TLS
        )

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start it first"
        return self._process

    def _wait_for_address(self) -> re.Match[str]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            # The last line is printed once the socket is open and the link is made.
            if (found := _ADDRESS.search(said := self.said())) and "Ctrl-C" in said:
                return found
            if self._running().poll() is not None:
                raise AssertionError(f"the server did not start\n{self.log()}")
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the server was not ready in {PATIENCE:g} s\n{self.log()}")


def admin_token(server: ServerProcess) -> str:
    """A token of the first admin, made with the link that the server's first start printed."""
    with server.client() as browser:
        browser.get("/login", params={"link": server.link})
        assert "agnes_session" in browser.cookies, server.log()
        me = browser.get("/api/me").raise_for_status().json()
        xsrf = xsrf_of(browser)
        made = browser.post(
            "/api/admin/tokens",
            json={"user_id": me["id"], "name": "tests"},
            headers={"X-XSRFToken": xsrf},
        )
        assert made.status_code == 201, made.text
        token: str = made.json()["token"]
        return token


def xsrf_of(browser: httpx.Client) -> str:
    """The XSRF token of a signed-in browser: the page with a form sets its cookie."""
    browser.get("/logout").raise_for_status()
    return browser.cookies["_xsrf"]
