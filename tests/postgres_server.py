"""A real PostgreSQL for tests: the one that `AGNES_TEST_POSTGRES` names, else one that is started
here when the machine has it.

`AGNES_TEST_POSTGRES` is an address of a superuser; `none` goes without. Where there is neither, the
tests of sources run with a stand-in (`tests/console/sources/shop.py`), and pytest's header says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

NAMED = "AGNES_TEST_POSTGRES"
_PASSWORD = "of-the-tests"
_USER = "postgres"  # of the machine
_SUPERUSER = "agnes_tests"


def programs() -> Path | None:
    """Where its programs are; the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version)
    on_path = shutil.which("postgres")
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


def _version(path: Path) -> int:
    return int(path.parts[-3]) if path.parts[-3].isdigit() else 0


def is_there() -> bool:
    named = os.environ.get(NAMED)
    return named != "none" and (bool(named) or (programs() is not None and _may_start()))


def _may_start() -> bool:
    """Whoever is root needs the user that the package makes."""
    return os.geteuid() != 0 or any(one.pw_name == _USER for one in pwd.getpwall())


@contextmanager
def server() -> Iterator[str]:
    """The address of a superuser."""
    if named := os.environ.get(NAMED):
        yield named
        return
    found = programs()
    assert found is not None, "no PostgreSQL here"
    folder = Path(tempfile.mkdtemp(prefix="agnes-postgres-"))
    try:
        with started(found, folder) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started(found: Path, folder: Path) -> Iterator[str]:
    """It refuses to run as root: then it runs as the user that its package has made."""
    as_other: list[str] = []
    if os.geteuid() == 0:
        other = pwd.getpwnam(_USER)
        os.chown(folder, other.pw_uid, other.pw_gid)
        groups = ["--init-groups", f"--reuid={_USER}", f"--regid={_USER}"]
        as_other = ["setpriv", *groups, "--"]
    data, secret = folder / "data", folder / "secret"
    secret.write_text(_PASSWORD)
    secret.chmod(0o644)
    made = [*as_other, str(found / "initdb"), "-D", str(data), "-U", _SUPERUSER, "--no-sync"]
    _run([*made, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C"], folder)
    port = _free_port()
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "jit": "off",
        "shared_buffers": "16MB",
    }
    words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    control = [*as_other, str(found / "pg_ctl"), "-D", str(data), "-w"]
    _run([*control, "-l", str(folder / "log"), "-o", words, "start"], folder)
    try:
        yield f"postgresql://{_SUPERUSER}:{_PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "immediate", "stop"], folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def database(address: str, name: str, reader: str, password: str) -> Iterator[tuple[str, str]]:
    """A database of its own: the address of who owns it, and that of a role that may only read."""
    parts = urlsplit(address)
    owner = parts._replace(path=f"/{name}").geturl()
    with psycopg.connect(address, autocommit=True) as line:
        line.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with psycopg.connect(owner, autocommit=True) as line:
            role = sql.Identifier(reader)
            words = "CREATE ROLE {} LOGIN PASSWORD {}"
            line.execute(sql.SQL(words).format(role, sql.Literal(password)))
            line.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {}").format(role)
            )
        host = f"{parts.hostname}:{parts.port}"
        yield owner, f"postgresql://{reader}:{quote(password, safe='')}@{host}/{name}"
    finally:
        with psycopg.connect(address, autocommit=True) as line:
            drop = "DROP DATABASE {} WITH (FORCE)"
            line.execute(sql.SQL(drop).format(sql.Identifier(name)))
            line.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(reader)))


def serve_forever() -> None:
    """`python -m tests.postgres_server COMMAND …`: the command with `AGNES_TEST_POSTGRES` set."""
    with server() as address:
        done = subprocess.run(sys.argv[1:], env={**os.environ, NAMED: address}, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    serve_forever()
