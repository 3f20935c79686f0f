"""How many wrong passwords are borne: few for one e-mail, some more for one address.

Kept in memory, bounded. A try is counted before the password is looked at and taken back when it
was right: so many tries at once get no further than the same tries one after another. For the event
loop only; it takes no lock.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TypeAlias

from schema.errors import TooMany

WINDOW = 15 * 60.0  # seconds
PER_EMAIL, PER_ADDRESS = 5, 20
_KEPT = 20_000
Key: TypeAlias = tuple[str, str]  # "address" or "email", and which


class Blocked(TooMany):
    """`key` says whose share is used up: an address's or an e-mail's."""

    def __init__(self, key: Key, wait: int) -> None:
        minutes = math.ceil(wait / 60)
        where = "from this address" if key[0] == "address" else "for this e-mail"
        super().__init__(
            f"too many failed sign-ins {where}",
            retry_after=wait,
            detail=f"Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again.",
        )
        self.key = key


class RateLimit:
    """`clock` gives seconds that never go back."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, kept: int = _KEPT) -> None:
        self._clock = clock
        self._kept = kept
        self._tries: OrderedDict[Key, deque[float]] = OrderedDict()

    def attempt(self, email: str | None, address: str) -> None:
        """Count one try; without an e-mail the address's alone. Raises Blocked, uncounted, where
        address or e-mail has had its share."""
        by_address, by_email = _keys(email or "", address)
        self._refuse(by_address, PER_ADDRESS)
        if email is not None:
            self._refuse(by_email, PER_EMAIL)
        for key in (by_address, by_email) if email is not None else (by_address,):
            self._tries.setdefault(key, deque()).append(self._clock())
            self._tries.move_to_end(key)
        while len(self._tries) > self._kept:
            self._tries.popitem(last=False)

    def succeeded(self, email: str | None, address: str) -> None:
        """The try was right: forget the e-mail's failures, take the try back from the address."""
        by_address, by_email = _keys(email or "", address)
        self._tries.pop(by_email, None)
        if tries := self._tries.get(by_address):
            tries.pop()

    def _refuse(self, key: Key, most: int) -> None:
        moment = self._clock()
        tries = self._tries.get(key, deque())
        while tries and moment - tries[0] >= WINDOW:
            tries.popleft()
        if len(tries) >= most:
            raise Blocked(key, max(1, math.ceil(tries[0] + WINDOW - moment)))


def _keys(email: str, address: str) -> tuple[Key, Key]:
    return ("address", _network(address)), ("email", email)


def _network(address: str) -> str:
    """The address; of IPv6 its /64, because one machine has all of that."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)
