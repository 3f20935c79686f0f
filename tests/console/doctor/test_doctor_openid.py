"""What `agnes doctor` says of the OpenID provider; the pulse asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.audit import now
from console.doctor import Patient, openid
from console.settings import Settings
from tests.console import stand_in_openid
from tests.console.stand_in_openid import OpenId

PUBLIC = "https://agnes.example.org"


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenId]:
    with stand_in_openid.serving() as provider:
        yield provider


@pytest.fixture
def patient(provider: OpenId, tmp_path: Path) -> Patient:
    provider.is_ana()
    given = {**stand_in_openid.settings(provider), "AGNES_PUBLIC_URL": PUBLIC}
    return Patient(tmp_path, tmp_path / "agnes.duckdb", settings=Settings({}, **given))


def told(patient: Patient, **settings: str) -> str:
    """The message of a check that complains."""
    given = {**_texts(patient), **settings}
    found = openid(replace(patient, settings=Settings({}, **given)))
    assert found.level == "warning", found
    assert found.mend
    return found.message


def _texts(patient: Patient) -> dict[str, str]:
    assert patient.settings is not None
    return {
        "AGNES_OIDC_ISSUER": patient.settings.oidc_issuer,
        "AGNES_OIDC_CLIENT_ID": patient.settings.oidc_client_id,
        "AGNES_PUBLIC_URL": PUBLIC,
    }


def test_a_provider_that_is_there_is_well(patient: Patient) -> None:
    found = openid(patient)
    assert found.level == "ok"
    assert f"the redirect URI is {PUBLIC}/login/oidc/callback" in found.message


def test_what_is_missing_in_the_settings_is_told(patient: Patient) -> None:
    assert openid(replace(patient, settings=Settings({}))).level == "ok"
    assert "CLIENT_ID is missing" in told(patient, AGNES_OIDC_CLIENT_ID=" ")
    assert "http://agnes" in told(patient, AGNES_PUBLIC_URL="http://agnes.example.org")
    off = openid(replace(patient, settings=Settings({}, AGNES_PASSWORD_SIGN_IN="0")))
    assert (off.level, "only links" in off.message) == ("warning", True)
    local = {name: text for name, text in _texts(patient).items() if name != "AGNES_PUBLIC_URL"}
    assert "this machine only" in openid(replace(patient, settings=Settings({}, **local))).message


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"about": {"issuer": "https://elsewhere.example"}}, "something else"),
        ({"broken": {"/jwks"}}, "cannot be asked"),
        ({"published": []}, "no RSA or EC key"),
    ],
)
def test_what_is_wrong_there_is_told(
    patient: Patient, provider: OpenId, wrong: dict[str, Any], words: str
) -> None:
    for name, value in wrong.items():
        setattr(provider, name, value)
    assert words in told(patient)


def test_a_clock_that_goes_wrong_is_told(patient: Patient) -> None:
    late = replace(patient, clock=lambda: now() + timedelta(minutes=5))
    found = openid(late)
    assert (found.level, "s behind ours" in found.message) == ("warning", True)


def test_a_running_server_asks_nobody(patient: Patient, provider: OpenId) -> None:
    provider.asked.clear()
    found = openid(replace(patient, store=object()))  # type: ignore[arg-type]
    assert (found.level, provider.asked) == ("ok", [])
