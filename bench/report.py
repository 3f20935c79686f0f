"""The result of a run: as a table for people, as JSON for the next run's `--baseline`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.budgets import BUDGETS, BY_NAME, Budget, Figure, of_budget
from schema.errors import BadParameter

HEADINGS = ("p50 / p95", "n", "budget", "of budget", "incumbent", "× reference", "others")
BUSY = 0.1  # cores of others from which a figure is not to be trusted
NEAR = 0.9  # of a budget: still green, but worth a look


@dataclass
class Report:
    """Figures by name, why others are missing, and how the machine was meanwhile."""

    figures: dict[str, Figure] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)  # cores that others used, by figure

    @property
    def reference(self) -> float | None:
        """Milliseconds of the reference work, the yardstick for comparing runs."""
        found = self.machine.get("reference_ms")
        return None if found is None else float(found)

    @property
    def over(self) -> list[str]:
        """Names of what is over its budget."""
        shares = {name: of_budget(BY_NAME[name], figure) for name, figure in self.figures.items()}
        return [name for name, share in shares.items() if share is not None and share > 1]

    def as_dict(self) -> dict[str, Any]:
        figures = {
            name: {
                **figure.as_dict(),
                "unit": BY_NAME[name].unit,
                "of_budget": of_budget(BY_NAME[name], figure),
                "of_reference": relative(BY_NAME[name], figure, self.reference),
                "others": self.others.get(name),
            }
            for name, figure in self.figures.items()
        }
        return {"figures": figures, "missing": self.missing, "machine": self.machine}

    @classmethod
    def from_dict(cls, found: Any) -> Report:
        """An earlier run's JSON. Raises BadParameter when it is something else."""
        try:
            known = {name: one for name, one in found["figures"].items() if name in BY_NAME}
            figures = {name: Figure.from_dict(name, one) for name, one in known.items()}
            return cls(figures, dict(found.get("missing", {})), dict(found.get("machine", {})))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadParameter("--baseline", "this file", "give the output of --json") from None


def relative(budget: Budget, figure: Figure, reference: float | None) -> float | None:
    """A time as a multiple of the reference work; None for what is no time."""
    factor = {"ms": 1.0, "s": 1000.0}.get(budget.unit)
    return None if factor is None or not reference else figure.p50 * factor / reference


def table(report: Report, baseline: Report | None = None) -> Table:
    """The figures beside the budgets, the incumbent and, if given, an earlier run."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("work")
    for heading in HEADINGS:
        made.add_column(heading, justify="right", no_wrap=True)
    if baseline is not None:
        made.add_column("baseline", justify="right", no_wrap=True)
    for budget in BUDGETS:
        if budget.name in report.figures or budget.name in report.missing:
            made.add_row(*_cells(budget, report, baseline))
    return made


def _cells(budget: Budget, report: Report, baseline: Report | None) -> list[str | Text]:
    figure = report.figures.get(budget.name)
    limit = _pair(budget.p50, budget.p95, budget.unit)
    bound = ("≥ " if budget.more_is_better else "≤ ") + limit if limit else "–"
    before = _pair(budget.incumbent_p50, budget.incumbent_p95, budget.unit) or "–"
    if figure is None:
        why = Text(f"{budget.work}\n  not measured: {report.missing[budget.name]}", style="dim")
        return [why, "–", "–", bound, "–", before, "–", "–", *(["–"] if baseline else [])]
    multiple = relative(budget, figure, report.reference)
    cells: list[str | Text] = [
        budget.work,
        _pair(figure.p50, figure.p95, budget.unit),
        str(figure.n),
        bound,
        _share(of_budget(budget, figure)),
        before,
        "–" if multiple is None else f"{multiple:.1f}",
        _others(report.others.get(budget.name)),
    ]
    return [*cells, _before(budget, figure, baseline)] if baseline else cells


def _share(share: float | None) -> Text:
    if share is None:
        return Text("–")
    style = "red" if share > 1 else "yellow" if share > NEAR else "green"
    return Text(f"{share:.2f}", style=style)


def _others(cores: float | None) -> Text:
    if cores is None:
        return Text("–")
    return Text(f"{cores:.1f}", style="yellow" if cores > BUSY else "")


def _before(budget: Budget, figure: Figure, baseline: Report) -> str:
    """An earlier figure, and ours as a multiple of it: below 1.00× is less."""
    old = baseline.figures.get(budget.name)
    if old is None:
        return "–"
    ratio = f" ({figure.p50 / old.p50:.2f}×)" if old.p50 else ""
    return _pair(old.p50, old.p95, budget.unit) + ratio


def _pair(p50: float | None, p95: float | None, unit: str) -> str:
    if p50 is None and p95 is None:
        return ""
    if p50 is None:
        return f"{number(p95)} {unit} p95"
    both = number(p50) if p95 is None else f"{number(p50)} / {number(p95)}"
    return f"{both}{unit}" if unit == "/s" else f"{both} {unit}"


def number(value: float | None) -> str:
    """Three digits that matter: 0.312, 7.25, 48.1, 1,311."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show(report: Report, baseline: Report | None, console: Console) -> None:
    """Print the table, and what to know before the figures are used."""
    console.print(table(report, baseline))
    machine = report.machine
    if machine:
        console.print()
        for line in _notes(machine, baseline):
            console.print(line, style="dim", highlight=False)
    if report.over:
        names = ", ".join(BY_NAME[name].work for name in report.over)
        console.print(f"over budget: {names}", style="red", highlight=False)


def _notes(machine: Mapping[str, Any], baseline: Report | None) -> list[str]:
    lines = [
        f"{machine.get('rows', 0):,} audit rows, {machine.get('cores', '?')} cores; load average"
        f" {machine.get('load_before', '?')} before, {machine.get('load_after', '?')} after"
    ]
    if "loop_ms" in machine:
        before, after = machine["loop_ms"]
        lines.append(f"calibration loop {number(before)} ms before, {number(after)} ms after")
    lines.append(f"others: cores that other work used meanwhile; above {BUSY} do not trust the row")
    if machine.get("reference_ms"):
        took = number(machine["reference_ms"])
        text = f"reference: the same page as raw SQL in one process, {took} ms"
        if baseline is not None and baseline.reference:
            text += f"; in the baseline {number(baseline.reference)} ms"
        lines.append(text)
    return lines
