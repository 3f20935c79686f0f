"""What an ID token proves: whose it is, once its signature and each of its claims hold.

OpenID Connect Core 3.1.3.7, with joserfc for the signature. Only RS256 and ES256: `none` proves
nothing, and HS256 would take our own client secret, or a public key, for the provider's hand.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from console.identity.oidc.errors import Untrusted

KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
LEEWAY = 60.0  # seconds that the two clocks may differ
_LONGEST = 64 * 1024  # characters of a token
_SUBJECT = 255
Json = dict[str, Any]


class UnknownKey(Untrusted):
    """None of the keys has made this signature; there may be newer ones."""

    def __init__(self) -> None:
        super().__init__(
            "the sign-in provider's token bears a signature that is not its own",
            reason="signature",
        )


@dataclass(frozen=True)
class Expected:
    """What the token must be: from whom, for whom, of which sign-in, and when (seconds since
    1970)."""

    issuer: str
    client_id: str
    nonce: str
    at: float


def verified(token: str, keys: Sequence[Json], expected: Expected) -> Json:
    """The claims of an ID token that holds. Raises Untrusted that says what does not, UnknownKey
    where another key might."""
    claims = _signed(token, keys)
    for holds, words, reason in _CHECKS:
        if not holds(claims, expected):
            raise Untrusted(f"the sign-in provider's token {words}", reason=reason)
    return claims


def _signed(token: str, keys: Sequence[Json]) -> Json:
    """The claims of a token that one of the `keys` has signed."""
    if len(token) > _LONGEST:
        raise _unreadable()
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError):
        raise _unreadable() from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise Untrusted(
            "the sign-in provider's token is not signed with RS256 or ES256", reason="algorithm"
        )
    for key in keys:
        if not _fits(key, algorithm, header.get("kid")):
            continue
        try:
            known = JWKRegistry.import_key(key)
            found = jws.deserialize_compact(token, known, algorithms=list(KEY_TYPES))
            claims = orjson.loads(found.payload)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(claims, dict):
            return claims
    raise UnknownKey


def _fits(key: Json, algorithm: str, kid: object) -> bool:
    if kid is not None and key.get("kid") != kid:
        return False
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    return key.get("kty") == KEY_TYPES[algorithm]


def _unreadable() -> Untrusted:
    return Untrusted("the sign-in provider's token cannot be read", reason="token")


# Each check: does it hold, what else is said, and the word for the log.


def _issuer(claims: Json, expected: Expected) -> bool:
    return claims.get("iss") == expected.issuer


def _audience(claims: Json, expected: Expected) -> bool:
    """For us; where it is for others too, made for us (`azp`)."""
    aud, azp = claims.get("aud"), claims.get("azp")
    for_whom = aud if isinstance(aud, list) else [aud]
    if expected.client_id not in for_whom:
        return False
    return azp == expected.client_id if azp is not None else len(for_whom) == 1


def _not_over(claims: Json, expected: Expected) -> bool:
    ends = _number(claims, "exp")
    return ends is not None and expected.at < ends + LEEWAY


def _begun(claims: Json, expected: Expected) -> bool:
    made, begins = _number(claims, "iat"), claims.get("nbf")
    if made is None or made > expected.at + LEEWAY:
        return False
    if begins is None:
        return True
    number = _number(claims, "nbf")
    return number is not None and number <= expected.at + LEEWAY


def _nonce(claims: Json, expected: Expected) -> bool:
    given = claims.get("nonce")
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.nonce.encode())


def _subject(claims: Json, expected: Expected) -> bool:
    given = claims.get("sub")
    return isinstance(given, str) and 0 < len(given) <= _SUBJECT and given.isprintable()


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


_CHECKS: tuple[tuple[Callable[[Json, Expected], bool], str, str], ...] = (
    (_issuer, "is of another provider", "issuer"),
    (_audience, "is not for this console", "audience"),
    (_not_over, "is over", "expired"),
    (_begun, "is not valid yet; compare the clocks", "not_yet"),
    (_nonce, "is of another sign-in", "nonce"),
    (_subject, "names nobody", "subject"),
)
