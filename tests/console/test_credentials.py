"""Which server and token are used, and how the sign-ins are kept."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from console import credentials
from console.credentials import BadCredentialsFile, Login
from schema.errors import BadParameter

ONE = Login("https://one.example", "agnes_1", "ann@example.com", "2026-12-31T00:00:00Z")
TWO = Login("https://two.example:8443", "agnes_2")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGNES_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("AGNES_SERVER", "AGNES_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config"


def test_without_anything_it_is_this_machine_and_nobody() -> None:
    assert credentials.current() == ("http://127.0.0.1:8000", None)


def test_the_last_sign_in_is_the_default_and_others_stay() -> None:
    credentials.save(ONE)
    credentials.save(TWO)
    assert credentials.current() == (TWO.server, "agnes_2")
    assert credentials.current(ONE.server) == (ONE.server, "agnes_1")
    assert credentials.load().logins[ONE.server] == ONE


def test_a_token_goes_only_to_the_server_that_issued_it(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.save(ONE)
    monkeypatch.setenv("AGNES_SERVER", "https://two.example")
    assert credentials.current() == ("https://two.example", None)


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.save(ONE)
    monkeypatch.setenv("AGNES_SERVER", "https://TWO.example/agnes/ ")
    monkeypatch.setenv("AGNES_TOKEN", " agnes_env\n")
    assert credentials.current() == ("https://two.example/agnes", "agnes_env")


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNES_SERVER", "https://one.example")
    monkeypatch.setenv("AGNES_TOKEN", "agnes_env")
    assert credentials.current(TWO.server, "agnes_x") == (TWO.server, "agnes_x")


def test_only_the_owner_reads_the_file(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    (folder / "credentials.json").write_text("{}")
    (folder / "credentials.json").chmod(0o644)
    mask = os.umask(0)
    try:
        file = credentials.save(ONE)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir()] == ["credentials.json"]


def test_the_folder_is_made_for_the_owner_alone(folder: Path) -> None:
    credentials.save(ONE)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_forgetting_leaves_the_others() -> None:
    credentials.save(ONE)
    credentials.save(TWO)
    assert credentials.forget(TWO.server)
    assert not credentials.forget(TWO.server)
    assert credentials.current() == (ONE.server, "agnes_1")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"servers": 1}', '{"servers": {"x": {}}}'])
def test_a_file_that_cannot_be_read_is_named(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "credentials.json").write_text(content)
    with pytest.raises(BadCredentialsFile) as caught:
        credentials.current()
    assert str(folder / "credentials.json") in caught.value.message
    assert "agnes login" in caught.value.detail


def test_the_file_is_what_the_documentation_says(folder: Path) -> None:
    credentials.save(ONE)
    assert json.loads((folder / "credentials.json").read_text()) == {
        "default": "https://one.example",
        "servers": {
            "https://one.example": {
                "token": "agnes_1",
                "email": "ann@example.com",
                "expires_at": "2026-12-31T00:00:00Z",
            }
        },
    }


def test_a_token_is_not_in_the_text_of_a_login() -> None:
    assert "agnes_1" not in repr(ONE)


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost:8000", "example.org", "ftp://x", "http://", "http://:80", "file:///x"),
        *("http://x:99999", "http://x:y", "http://x:0", "http://x?a=1", "http://x#a", "http://[::"),
    ],
)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(BadParameter, match="AGNES_SERVER"):
        credentials.address_of(text, name="AGNES_SERVER")


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadParameter) as caught:
        credentials.address_of("https://ann:geheim@example.org", name="server")
    assert "geheim" not in caught.value.message


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:8000", True),
        ("http://127.evil.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_known(server: str, here: bool) -> None:  # noqa: FBT001 (a case's value)
    assert credentials.is_this_machine(server) is here
