"""What cards are compared with: the same filter in the window of the same length before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_SAME = "±0"
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Before:
    """The KPIs of the window before."""

    kpis: dict[str, Any]

    def share(self, figure: str, now: dict[str, Any]) -> str:
        """By how many hundredths a figure has changed: `+4 %`; nothing where it cannot be said."""
        then, here = self.kpis[figure], now[figure]
        if not then or here is None:
            return ""
        changed = _signed((here - then) / then * 100, 0)
        return changed if changed == _SAME else changed + " %"

    def count(self, figure: str, now: dict[str, Any]) -> str:
        return _signed(now[figure] - self.kpis[figure], 0)

    def points(self, figure: str, now: dict[str, Any]) -> str:
        """The difference of two rates: `+0.3 points`."""
        changed = _signed((now[figure] - self.kpis[figure]) * 100, 1)
        return changed if changed == _SAME else changed + " points"


def _signed(number: float, places: int) -> str:
    size = f"{abs(number):,.{places}f}"
    if not float(size.replace(",", "")):
        return _SAME
    return (_MINUS if number < 0 else "+") + size
