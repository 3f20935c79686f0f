"""What an ID token must be before it proves anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt

from console.identity.oidc.claims import LEEWAY, Expected, UnknownKey, verified
from console.identity.oidc.errors import Untrusted
from tests.console.stand_in_openid import ec, rsa

KEY, OTHER, CURVE = rsa("k"), rsa("k"), ec("e")
PUBLIC = [KEY.as_dict(private=False), CURVE.as_dict(private=False)]
NOW = 1_800_000_000.0
EXPECTED = Expected("https://id.example", "agnes", "nonce-of-this-one", NOW)
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "agnes",
    "sub": "ana",
    "nonce": "nonce-of-this-one",
    "iat": NOW - 5,
    "exp": NOW + 300,
}


def token(claims: Mapping[str, Any], *, key: Any = KEY, alg: str = "RS256", **header: Any) -> str:
    head = {"alg": alg, "kid": key.kid, **header}
    kept = {name: value for name, value in claims.items() if value is not None}
    return str(jwt.encode({k: v for k, v in head.items() if v is not None}, kept, key))


def by_hand(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes | None) -> str:
    """A token as somebody would forge it: unsigned, or with an HMAC."""
    parts = [_b64(orjson.dumps(dict(part))) for part in (header, claims)]
    signed = ".".join(parts)
    tag = b"" if secret is None else hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_b64(tag)}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "made",
    [
        token(GOOD),
        token(GOOD, key=CURVE, alg="ES256"),
        token(GOOD, kid=None),
        token({**GOOD, "aud": ["agnes"]}),
        token({**GOOD, "aud": ["other", "agnes"], "azp": "agnes"}),
        token({**GOOD, "exp": NOW - LEEWAY + 1}),
        token({**GOOD, "iat": NOW + LEEWAY - 1}),
    ],
)
def test_a_token_that_holds_tells_its_claims(made: str) -> None:
    assert verified(made, PUBLIC, EXPECTED)["sub"] == "ana"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": "https://id.example/"}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": ["agnes", "other"]}, "audience"),
        ({"aud": ["agnes", "other"], "azp": "other"}, "audience"),
        ({"azp": "other"}, "audience"),
        ({"aud": None}, "audience"),
        ({"exp": NOW - LEEWAY}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": "tomorrow"}, "expired"),
        ({"iat": NOW + LEEWAY + 1}, "not_yet"),
        ({"iat": None}, "not_yet"),
        ({"nbf": NOW + LEEWAY + 1}, "not_yet"),
        ({"nonce": "nonce-of-another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "x" * 256}, "subject"),
    ],
)
def test_each_claim_must_hold(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(Untrusted) as told:
        verified(token({**GOOD, **claims}), PUBLIC, EXPECTED)
    assert told.value.reason == reason


@pytest.mark.parametrize(
    "made",
    [
        by_hand({"alg": "none"}, GOOD, None),
        by_hand({"alg": "None", "kid": "k"}, GOOD, None),
        by_hand({"alg": "HS256", "kid": "k"}, GOOD, KEY.as_pem(private=False)),
        by_hand({"alg": "HS256", "kid": "k"}, GOOD, b"the client's secret"),
        by_hand({"alg": ["RS256"], "kid": "k"}, GOOD, b""),
        by_hand({"kid": "k"}, GOOD, b""),
        by_hand({"alg": "RS512", "kid": "k"}, GOOD, b""),
    ],
    ids=["none", "None", "HS256-public", "HS256-secret", "list", "missing", "RS512"],
)
def test_other_algorithms_prove_nothing(made: str) -> None:
    with pytest.raises(Untrusted) as told:
        verified(made, PUBLIC, EXPECTED)
    assert told.value.reason in ("algorithm", "token")


def test_only_the_providers_own_keys_sign() -> None:
    good = token(GOOD)
    head, _, tag = good.split(".")
    changed = _b64(orjson.dumps({**GOOD, "sub": "root"}))
    for forged in (
        token(GOOD, key=OTHER),
        f"{head}.{changed}.{tag}",
        f"{head}.{changed}.",
    ):
        with pytest.raises(UnknownKey):
            verified(forged, PUBLIC, EXPECTED)
    with pytest.raises(Untrusted):  # a key that comes along proves nothing
        verified(token(GOOD, key=OTHER, jwk=OTHER.as_dict(private=False)), PUBLIC, EXPECTED)
    for_encryption = [{**PUBLIC[0], "use": "enc"}]
    with pytest.raises(UnknownKey):
        verified(good, for_encryption, EXPECTED)
    with pytest.raises(UnknownKey):
        verified(token(GOOD, kid="another"), PUBLIC, EXPECTED)


def test_keys_that_cannot_be_read_are_passed_over() -> None:
    broken: list[dict[str, Any]] = [
        {"kty": "RSA", "kid": "k"},
        {"kty": "RSA", "kid": "k", "n": "?", "e": 3},
        {"kty": "oct", "kid": "k", "k": "AAAA"},
        {},
    ]
    assert verified(token(GOOD), [*broken, *PUBLIC], EXPECTED)["sub"] == "ana"


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "x" * 70_000, "a.b.c.d.e"])
def test_what_is_no_token_is_said_so(text: str) -> None:
    with pytest.raises(Untrusted) as told:
        verified(text, PUBLIC, EXPECTED)
    assert told.value.reason == "token"


def test_a_signed_text_that_is_no_object_is_no_proof() -> None:
    made = jws.serialize_compact({"alg": "RS256", "kid": "k"}, b'["not", "claims"]', KEY)
    with pytest.raises(Untrusted):
        verified(str(made), PUBLIC, EXPECTED)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
ODD = [
    _b64(part) for part in (b"{}", b"[]", b"\xff", b'{"alg":"RS256","b64":false,"crit":["b64"]}')
]
CLAIM_REASONS = ("issuer", "audience", "expired", "not_yet", "nonce", "subject")


def _in_base64(value: Any) -> str:
    try:
        return _b64(orjson.dumps(value))
    except TypeError:  # an integer beyond 64 bits
        return _b64(str(value).encode())


@settings(max_examples=40)
@given(
    claims=st.dictionaries(st.sampled_from([*GOOD, "azp", "nbf"]), JSON, max_size=3),
    key=st.dictionaries(
        st.sampled_from(["kty", "kid", "n", "e", "x", "y", "crv", "use", "alg", "key_ops"]),
        st.sampled_from(["RSA", "EC", "k", "P-256", "sig", "AQAB", "?"]) | JSON,
    ),
)
def test_whatever_comes_is_proof_or_refused(claims: dict[str, Any], key: dict[str, Any]) -> None:
    """Odd claims are refused by name; odd keys are passed over."""
    made = jws.serialize_compact(
        {"alg": "RS256", "kid": "k"}, orjson.dumps({**GOOD, **claims}), KEY
    )
    try:
        found = verified(str(made), [{**PUBLIC[0], **key}, key, *PUBLIC], EXPECTED)
        told = (found["iss"], found["nonce"], "good")
    except Untrusted as refused:
        told = (EXPECTED.issuer, EXPECTED.nonce, refused.reason)
    assert told[:2] == (EXPECTED.issuer, EXPECTED.nonce)
    assert told[2] in ("good", *CLAIM_REASONS)


@settings(max_examples=40)
@given(
    head=JSON.map(_in_base64) | st.sampled_from(ODD),
    body=JSON.map(_in_base64) | st.sampled_from(ODD),
    tag=st.text(alphabet="abcAB-_=é", max_size=20),
)
def test_whatever_is_no_token_is_refused(head: str, body: str, tag: str) -> None:
    with pytest.raises(Untrusted):
        verified(f"{head}.{body}.{tag}", PUBLIC, EXPECTED)
