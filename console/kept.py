"""Answers that are asked for time and again, each good for one version of what it was made from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

from schema.store import Store

_MOST = 32


class Kept:
    """The last answers of one store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], tuple[int, Any]] = OrderedDict()

    def get(self, key: tuple[str, ...], version: int) -> Any:
        """None where there is none of this version."""
        with self._lock:
            found = self._kept.get(key)
            return found[1] if found and found[0] == version else None

    def put(self, key: tuple[str, ...], version: int, value: Any) -> None:
        """`version`: as it was before the answer was made."""
        with self._lock:
            self._kept[key] = (version, value)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)


_STORES: WeakKeyDictionary[Store, Kept] = WeakKeyDictionary()


def kept(store: Store) -> Kept:
    return _STORES.setdefault(store, Kept())
