"""What tokens cost, by model. Blocks: call it through `store.offload`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from console.queries import telemetry_cost
from console.queries.telemetry_cost import SUMMED, TOKENS
from console.queries.telemetry_filter import TelemetryFilter
from console.telemetry import Reader, Row
from schema.errors import Unavailable
from schema.policy import Seen
from schema.tables import USAGE_EVENTS

SHIPPED = Path(__file__).parents[1] / "data" / "prices.toml"
_DATED = re.compile(r"-\d{8}\Z")
_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """Prices of a million tokens by model, as they were published up to a day."""

    as_of: date
    currency: str
    models: Mapping[str, Mapping[str, float]]

    def of(self, model: str | None) -> Mapping[str, float] | None:
        """The prices of a model, by its name with or without a date; None where it is unknown."""
        return self.models.get(model or "") or self.models.get(_DATED.sub("", model or ""))


def prices(path: str) -> Prices:
    """The prices in a file, or, without one, those that are shipped. Raises Unavailable."""
    file = Path(path) if path else SHIPPED
    try:
        return _read(file, file.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(
            f"the prices in AGNES_PRICES cannot be read: {type(error).__name__}: {error}",
            detail="It wants as_of, currency and models, as the shipped prices.toml has them.",
        ) from error


@lru_cache(4)
def _read(file: Path, _changed: int) -> Prices:
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found["as_of"], date):
        raise TypeError("as_of is no date")
    models = {
        name: {token: float(one[token.removesuffix("_tokens")]) for token in TOKENS}
        for name, one in found["models"].items()
    }
    return Prices(found["as_of"], str(found["currency"]), models)


def cost(reader: Reader, filter: TelemetryFilter) -> Row:
    """`rows` by model with sessions, tokens and `cost` (null where a model is unknown), dearest
    first; `total` of the known ones, which is that of `tokens_priced` of the `tokens`;
    `unknown_models` that used tokens; the prices' own date."""
    known = prices(reader.instance.settings.prices)
    calls = Seen(USAGE_EVENTS, reader.principal)  # whose sessions they keep is decided already
    found = reader.ask(telemetry_cost.by_model, reader.of(SUMMED), calls, filter)
    rows = [_priced(row, known) for row in found]
    rows.sort(key=lambda row: (-(row["cost"] or 0), -row["output_tokens"], row["model"] or ""))
    return {
        "prices_as_of": known.as_of.isoformat(),
        "currency": known.currency,
        "rows": rows,
        "sessions": sum(row["sessions"] for row in rows),
        "total": round(sum(row["cost"] or 0 for row in rows), 4),
        "tokens": sum(map(_tokens, rows)),
        "tokens_priced": sum(_tokens(row) for row in rows if row["known"]),
        "unknown_models": [row["model"] for row in rows if not row["known"] and _tokens(row)],
    }


def _tokens(row: Row) -> int:
    return sum(int(row[token]) for token in TOKENS)


def _priced(row: Row, known: Prices) -> Row:
    price = known.of(row["model"])
    if price is None:
        return {**row, "cost": None, "known": False}
    whole = sum(row[token] * price[token] for token in TOKENS) / _MILLION
    return {**row, "cost": round(whole, 4), "known": True}
