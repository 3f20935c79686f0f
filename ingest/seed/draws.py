"""Random draws that come out the same for the same seed, and the array types the seed works with.

Each part of the seed has a generator of its own, named by a path: drawing more in one part changes
nothing in another. The draws are those of one release of numpy on one kind of machine; nothing else
is promised.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Random = np.random.Generator

SECOND = 1_000_000  # times are microseconds since 1970, UTC
HOUR = 3600 * SECOND


def source(seed: int, *path: str | int) -> Random:
    """The generator of the part of the seed that `path` names."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path]
    return np.random.default_rng([seed, *words])


def combined(*numbers: int) -> int:
    """One seed out of several numbers."""
    text = "/".join(map(str, numbers)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest())


def lognormal(rng: Random, median: float, spread: float, n: int) -> Floats:
    """`n` positive numbers around `median`; `spread`: the deviation of their logarithm."""
    return median * np.exp(spread * rng.standard_normal(n))


def weighted(rng: Random, weights: Sequence[float] | Floats, n: int) -> Ints:
    """`n` indices, each as likely as its weight."""
    if n == 0:
        return np.zeros(0, np.int64)
    steps = np.cumsum(np.asarray(weights, np.float64))
    found = np.searchsorted(steps, rng.random(n) * steps[-1], side="right")
    places: Ints = np.minimum(found, len(steps) - 1).astype(np.int64)
    return places


def pick(rng: Random, values: Sequence[T], n: int) -> list[T]:
    """`n` of `values`, all as likely."""
    return [values[at] for at in rng.integers(0, len(values), n).tolist()]


def amounts(rng: Random, median: float, spread: float, n: int) -> list[int]:
    """`n` whole numbers of at least 1."""
    found: list[int] = np.maximum(lognormal(rng, median, spread, n), 1).astype(np.int64).tolist()
    return found


def fitting(sizes: Ints, room: int) -> Ints:
    """The first of `sizes` whose sum stays within `room`."""
    return sizes[np.cumsum(sizes) <= room]


def filling(sizes: Ints, room: int) -> Ints:
    """The first of `sizes`, the last one cut, so that their sum is exactly `room`, or all if that
    is less.
    """
    ends = np.cumsum(sizes)
    kept = sizes[: int(np.searchsorted(ends, room)) + 1].copy()
    if len(kept) and (over := int(kept.sum()) - room) > 0:
        kept[-1] -= over
    return kept[kept > 0]


def running(sizes: Ints, steps: Ints) -> Ints:
    """Cumulative sum of `steps` that starts anew with each group of `sizes` rows."""
    total: Ints = np.cumsum(steps)
    if len(total) == 0:
        return total
    first = np.cumsum(sizes) - sizes
    anew: Ints = total - np.repeat(total[first] - steps[first], sizes)
    return anew


def as_times(micros: Ints) -> Any:
    """Microseconds -> numpy's times, which Arrow takes as naive timestamps."""
    return micros.astype("datetime64[us]")
