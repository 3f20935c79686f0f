"""The settings of signing in with an OpenID provider, and of what is told to PostHog.

Part of `SETTINGS`; they stand here because each list is to be read on one screen.
"""

from __future__ import annotations

from typing import Any

from console.setting import FLAG, POSITIVE, WORDS, Setting, service

_ADDRESS: dict[str, Any] = {"parse": service, "allowed": "an address of https, or of this machine"}


def _issuer(text: str) -> str:
    """An address as it was typed: what the provider calls itself may end in a slash."""
    if text:
        service(text)
    return text


def _scopes(text: str) -> str:
    words = text.split()
    if "openid" not in words or not all(word.isascii() and word.isprintable() for word in words):
        raise ValueError(text)
    return " ".join(words)


SIGN_IN: tuple[Setting, ...] = (
    Setting(
        "AGNES_OIDC_ISSUER",
        "",
        "Address of the OpenID provider that people sign in with; empty: none.",
        _issuer,
        "an address of https, or of this machine",
    ),
    Setting("AGNES_OIDC_CLIENT_ID", "", "What the console is called at the provider."),
    Setting(
        "AGNES_OIDC_CLIENT_SECRET",
        "",
        "Its secret there; empty: a public client, which proves itself by PKCE alone.",
    ),
    Setting(
        "AGNES_OIDC_NAME",
        "single sign-on",
        "What the button says after `Sign in with`.",
        live=True,
    ),
    Setting(
        "AGNES_OIDC_SCOPES",
        "openid email profile",
        "What is asked of the provider.",
        _scopes,
        "words, `openid` among them",
    ),
    Setting(
        "AGNES_OIDC_GROUPS_CLAIM",
        "groups",
        "Claim that lists somebody's groups; `a.b` looks inside `a`. Groups of the console that "
        "name a claim value follow it at each sign-in.",
        live=True,
    ),
    Setting(
        "AGNES_OIDC_CREATE_USERS",
        "0",
        "Make an account for whoever the provider vouches for and nobody here knows.",
        **FLAG,
        live=True,
    ),
    Setting(
        "AGNES_OIDC_ALLOWED_DOMAINS",
        "",
        "Domains of the e-mails that may sign in with the provider; empty: all.",
        **WORDS,
        live=True,
    ),
    Setting(
        "AGNES_OIDC_EMAILS_VERIFIED",
        "0",
        "The provider verifies every e-mail though it does not say so (it leaves out "
        "`email_verified`). Whoever can type an e-mail there could otherwise be anybody here.",
        **FLAG,
    ),
    Setting("AGNES_OIDC_SECONDS", "10", "How long each answer of it may take.", **POSITIVE),
    Setting(
        "AGNES_PASSWORD_SIGN_IN",
        "1",
        "Sign in with a password; 0: only with the provider, a one-time link or a token.",
        **FLAG,
    ),
    Setting(
        "POSTHOG_API_KEY",
        "",
        "Key of the PostHog project that is told how the console is used; empty: nothing is told.",
    ),
    Setting("POSTHOG_HOST", "https://us.i.posthog.com", "Where it is.", **_ADDRESS),
)
