"""Signing in with the OpenID provider: is it set up, is it there, does it know the same time.

It is asked by `agnes doctor` only: the pulse, which looks every half minute, asks nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from console.credentials import is_this_machine
from console.doctor.patient import Diagnosis, Patient
from console.identity.oidc.provider import WELL_KNOWN, Client, about_of
from console.settings import Settings
from schema.errors import AgnesError

BACK = "/login/oidc/callback"
_NAME = "openid"
_APART = 30  # seconds by which the clocks may differ; a token's times may by 60


def openid(patient: Patient) -> Diagnosis:
    settings = patient.settings
    if settings is None:
        return Diagnosis(_NAME, "ok", "the sign-in provider is looked at where settings are known")
    client = Client.of(settings)
    if client is None:
        return _none(settings)
    if found := _redirect(settings):
        return found
    uri = settings.public_url + BACK
    if patient.store is not None:
        return Diagnosis(_NAME, "ok", f"{client.issuer} is set up, with the redirect URI {uri}")
    return _asked(client, uri, patient.clock())


def _none(settings: Settings) -> Diagnosis:
    if settings.oidc_issuer or settings.oidc_client_id:
        missing = "AGNES_OIDC_CLIENT_ID" if settings.oidc_issuer else "AGNES_OIDC_ISSUER"
        return Diagnosis(_NAME, "warning", f"{missing} is missing", "Set both, or neither.")
    if not settings.password_sign_in:
        mend = "Set AGNES_OIDC_ISSUER, or AGNES_PASSWORD_SIGN_IN=1."
        message = "passwords are switched off and no provider is set up: only links let people in"
        return Diagnosis(_NAME, "warning", message, mend)
    return Diagnosis(_NAME, "ok", "no sign-in provider is set up")


def _redirect(settings: Settings) -> Diagnosis | None:
    """The provider sends browsers only to the address that it was told."""
    address = settings.public_url
    if not address:
        mend = f"Set AGNES_PUBLIC_URL, and at the provider the redirect URI <that address>{BACK}."
        return Diagnosis(_NAME, "warning", "the redirect URI names this machine only", mend)
    if urlsplit(address).scheme == "http" and not is_this_machine(address):
        mend = "Serve the console over https: a code on the way could be read."
        return Diagnosis(_NAME, "warning", f"the redirect URI is {address}{BACK}", mend)
    return None


def _asked(client: Client, uri: str, at: datetime) -> Diagnosis:
    mend = "Check AGNES_OIDC_ISSUER, and the way from this machine to it."
    try:
        skew, keys = _look(client, at)
    except AgnesError as error:
        return Diagnosis(_NAME, "warning", error.message, mend)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        message = f"{client.issuer} cannot be asked ({type(error).__name__})"
        return Diagnosis(_NAME, "warning", message, mend)
    if not keys:
        return Diagnosis(_NAME, "warning", f"{client.issuer} publishes no RSA or EC key", mend)
    if abs(skew) > _APART:
        ways = "ahead of" if skew > 0 else "behind"
        message = f"the clock of {client.issuer} is {abs(skew):.0f} s {ways} ours"
        return Diagnosis(_NAME, "warning", message, "Set both clocks (NTP).")
    return Diagnosis(_NAME, "ok", f"{client.issuer} answers; the redirect URI is {uri}")


def _look(client: Client, at: datetime) -> tuple[float, int]:
    """By how many seconds its clock is ahead, and how many keys it has that we can use."""
    here = is_this_machine(client.issuer)
    plain = here and client.issuer.startswith("http:")
    with httpx.Client(timeout=client.seconds, trust_env=not here, verify=not plain) as asking:
        answer = asking.get(client.issuer.rstrip("/") + WELL_KNOWN).raise_for_status()
        said = answer.json()
        about = about_of(said if isinstance(said, dict) else {}, client)
        found = asking.get(about.keys).raise_for_status().json()
    date = answer.headers.get("Date")
    moment = parsedate_to_datetime(date).astimezone(UTC).replace(tzinfo=None) if date else at
    keys = found.get("keys", []) if isinstance(found, dict) else []
    usable = [key for key in keys if isinstance(key, dict) and key.get("kty") in ("RSA", "EC")]
    return (moment - at).total_seconds(), len(usable)
