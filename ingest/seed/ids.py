"""Ids computed from a number and a stream: the same every time, different in every stream.

Time-ordered ones (UUID version 7) carry their row's time, then the row's number, so that sorting by
id is sorting by time even within one microsecond.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.seed.draws import Ints

_Words = npt.NDArray[np.uint64]
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8)
_PAIRS = _HEX.reshape(256, 2)
_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))  # digits between the dashes


def uuid7(seed: int, stream: str, times: Ints, numbers: Ints) -> pa.StringArray:
    """One id for each time (microseconds) and number; numbers count up with the times."""
    micros = times.astype(np.uint64)
    fraction = (micros % np.uint64(1000)) * np.uint64(4096) // np.uint64(1000)
    high = ((micros // np.uint64(1000)) << np.uint64(16)) | np.uint64(0x7000) | fraction
    counted = (numbers.astype(np.uint64) & np.uint64((1 << 26) - 1)) << np.uint64(36)
    low = np.uint64(1 << 63) | counted | (_mixed(seed, stream, numbers) >> np.uint64(28))
    return _dashed(high, low)


def uuid4(seed: int, stream: str, numbers: Ints) -> pa.StringArray:
    """One id for each number, without order."""
    first, second = (_mixed(seed, f"{stream}:{half}", numbers) for half in "ab")
    high = (first & ~np.uint64(0xF000)) | np.uint64(0x4000)
    low = (second >> np.uint64(2)) | np.uint64(1 << 63)
    return _dashed(high, low)


def digests(seed: int, stream: str, numbers: Ints) -> pa.StringArray:
    """One text of 64 hexadecimal digits for each number, of the shape of a SHA-256."""
    words = [_mixed(seed, f"{stream}:{part}", numbers) for part in "abcd"]
    return _strings(_digits(*words))


def _mixed(seed: int, stream: str, numbers: Ints) -> _Words:
    """Each number as 64 bits that look random (splitmix64)."""
    key = hashlib.blake2b(f"{seed}/{stream}".encode(), digest_size=8).digest()
    with np.errstate(over="ignore"):
        step = np.uint64(0x9E3779B97F4A7C15)
        words = (numbers.astype(np.uint64) + np.uint64(1)) * step + np.uint64(int.from_bytes(key))
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _digits(*words: _Words) -> npt.NDArray[np.uint8]:
    whole = np.stack(words, axis=1).astype(">u8").view(np.uint8)
    return _PAIRS[whole].reshape(len(words[0]), 16 * len(words))


def _dashed(high: _Words, low: _Words) -> pa.StringArray:
    digits = _digits(high, low)
    text = np.full((len(digits), 36), ord("-"), np.uint8)
    for place, (start, end) in enumerate(_GROUPS):
        text[:, start + place : end + place] = digits[:, start:end]
    return _strings(text)


def _strings(text: npt.NDArray[np.uint8]) -> pa.StringArray:
    """Rows of bytes, all of one width, as Arrow strings; nothing is built row by row."""
    rows, width = text.shape
    ends: Any = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    buffers = (pa.py_buffer(ends.tobytes()), pa.py_buffer(text.tobytes()))
    return pa.StringArray.from_buffers(rows, *buffers)
