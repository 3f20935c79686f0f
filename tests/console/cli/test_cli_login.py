"""`agnes login`, `logout` and `whoami`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest

from console import credentials
from tests.console.cli.stand_in import Run, Server, Terminal

HERE = "http://127.0.0.1:8000"
MADE = {
    "id": "t1",
    "token": "agnes_made",
    "expires_at": "2026-12-31T00:00:00Z",
    "user": {"id": "u1", "email": "ann@example.com", "name": "Ann", "is_admin": True},
}
ME = {
    "id": "u1",
    "email": "ann@example.com",
    "name": "Ann\x1b[2J",
    "is_admin": True,
    "kind": "cli",
    "groups": [{"id": "g1", "name": "analysts"}],
    "grants": [
        {"resource_type": "activity", "resource_id": None},
        {"resource_type": "table", "resource_id": "orders"},
    ],
}


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGNES_TOKEN")


def test_a_password_from_standard_input_signs_in(run: Run, server: Server, config: Path) -> None:
    server.on("POST", "/api/login", lambda _: httpx.Response(201, json=MADE))
    words = ["--server", "http://localhost:9000/", "--email", "ann@example.com"]
    done = run("login", *words, "--password-stdin", stdin="geheim und länger \n")
    assert done.exit_code == 0
    assert server.last.url == "http://localhost:9000/api/login"
    assert (server.body["email"], server.body["password"]) == (
        "ann@example.com",
        "geheim und länger ",
    )
    assert credentials.current() == ("http://localhost:9000", "agnes_made")
    assert stat.S_IMODE((config / "credentials.json").stat().st_mode) == 0o600
    assert "signed in to http://localhost:9000 as ann@example.com" in done.stdout
    assert "agnes_made" not in done.output
    assert "geheim" not in done.output


def test_json_holds_no_token(run: Run, server: Server) -> None:
    server.on("POST", "/api/login", MADE)
    done = run("login", "--email", "a@x.org", "--password-stdin", "--json", stdin="p\n")
    assert json.loads(done.stdout) == {
        "server": HERE,
        "email": "ann@example.com",
        "expires_at": "2026-12-31T00:00:00Z",
    }


def test_a_person_is_asked(run: Run, server: Server, terminal: Terminal) -> None:
    terminal()
    server.on("POST", "/api/login", MADE)
    done = run("login", stdin="ann@example.com\ngeheim\n")
    assert done.exit_code == 0
    assert server.body["password"] == "geheim"
    assert "E-mail" in done.output
    assert "geheim" not in done.output


def test_a_token_is_tried_before_it_is_kept(run: Run, server: Server) -> None:
    server.on("GET", "/api/me", ME)
    assert run("login", "--token-stdin", stdin="agnes_given\n").exit_code == 0
    assert server.last.headers["Authorization"] == "Bearer agnes_given"
    assert credentials.current() == (HERE, "agnes_given")


def test_a_token_that_is_refused_is_not_kept(run: Run, server: Server) -> None:
    server.says_no("GET", "/api/me", 401, "this token was revoked")
    assert run("login", "--token-stdin", stdin="agnes_given\n").exit_code == 3
    assert credentials.current() == (HERE, None)


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        ([], ""),
        (["--email", "a@x.org"], "geheim\n"),
        (["--password-stdin"], "geheim\n"),
        (["--email", "a@x.org", "--password-stdin"], "\n"),
        (["--token-stdin"], ""),
        (["--token-stdin", "--email", "a@x.org"], "agnes_x\n"),
        (["--server", "example.org", "--token-stdin"], "agnes_x\n"),
    ],
)
def test_without_a_terminal_what_is_missing_is_named(
    run: Run, server: Server, words: list[str], stdin: str
) -> None:
    done = run("login", *words, stdin=stdin)
    assert done.exit_code == 2
    assert "--" in done.stderr or "server" in done.stderr
    assert server.requests == []


def test_a_wrong_password_is_told_in_the_servers_words(run: Run, server: Server) -> None:
    server.says_no("POST", "/api/login", 401, "e-mail or password is wrong", "Ask an admin.")
    done = run("login", "--email", "a@x.org", "--password-stdin", stdin="p\n")
    assert done.exit_code == 3
    assert done.stderr == "error: e-mail or password is wrong\n  Ask an admin.\n"
    assert not credentials.path().exists()


def test_an_unencrypted_way_to_another_machine_is_a_warning(run: Run, server: Server) -> None:
    server.on("GET", "/api/me", ME)
    far = run("login", "--server", "http://agnes.example", "--token-stdin", stdin="agnes_x\n")
    assert "not encrypted" in far.stderr
    near = run("login", "--server", HERE, "--token-stdin", stdin="agnes_x\n")
    assert near.stderr == ""


def test_a_token_in_the_environment_that_wins_is_a_warning(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_TOKEN", "agnes_env")
    server.on("GET", "/api/me", ME)
    assert "AGNES_TOKEN" in run("login", "--token-stdin", stdin="agnes_x\n").stderr


def test_logout_revokes_and_forgets(run: Run, server: Server) -> None:
    credentials.save(credentials.Login(HERE, "agnes_kept"))
    server.on("POST", "/api/logout", {"ok": True})
    assert run("logout").exit_code == 0
    assert server.last.headers["Authorization"] == "Bearer agnes_kept"
    assert credentials.current() == (HERE, None)


def test_logout_with_a_token_revoked_before_is_fine(run: Run, server: Server) -> None:
    credentials.save(credentials.Login(HERE, "agnes_kept"))
    server.says_no("POST", "/api/logout", 401, "unknown token")
    assert run("logout").exit_code == 0
    assert credentials.current() == (HERE, None)


def test_logout_from_a_server_that_is_away_forgets_and_says_what_stays(
    run: Run, server: Server
) -> None:
    credentials.save(credentials.Login(HERE, "agnes_kept"))
    server.on("POST", "/api/logout", httpx.ConnectError("refused"))
    done = run("logout")
    assert done.exit_code == 4
    assert "stays valid there" in done.stderr
    assert credentials.current() == (HERE, None)


def test_logout_without_a_sign_in_says_so(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGNES_TOKEN", "agnes_env")
    done = run("logout")
    assert done.exit_code == 2
    assert "AGNES_TOKEN" in done.stderr
    assert server.requests == []


def test_whoami_shows_person_server_groups_and_grants(run: Run, server: Server) -> None:
    server.on("GET", "/api/me", ME)
    assert run("whoami").stdout.splitlines() == [
        r"ann@example.com (Ann\x1b[2J), admin",
        f"server  {HERE}",
        "id      u1",
        "groups  analysts",
        "grants  activity, table:orders",
    ]
    assert json.loads(run("whoami", "--json").stdout) == {**ME, "server": HERE}


def test_whoami_of_nobody_says_what_to_do(run: Run, server: Server) -> None:
    server.says_no("GET", "/api/me", 401, "not signed in")
    done = run("whoami")
    assert done.exit_code == 3
    assert "agnes login" in done.stderr
