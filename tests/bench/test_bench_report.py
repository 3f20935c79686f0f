"""The report of the benchmarks: figures beside budgets, and beside an earlier run."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bench.budgets import BUDGETS, BY_NAME, Budget, Figure, of_budget, percentile, spread
from bench.measures import MEASURES
from bench.report import Report, number, relative, show
from schema.errors import BadParameter

FIGURES = {
    "timeline": Figure("timeline", 6.4, 15.9, 400),
    "clients": Figure("clients", 420.0, None, 2000),
    "help": Figure("help", 0.0812, 0.1, 20),
}


def report(**more: Any) -> Report:
    return Report(figures=dict(FIGURES), machine={"rows": 1000, "reference_ms": 3.2}, **more)


def shown(result: Report, baseline: Report | None = None) -> dict[str, str]:
    """The printed lines, by the work they begin with."""
    out = StringIO()
    show(result, baseline, Console(file=out, width=220))
    lines = out.getvalue().splitlines()
    found = {
        budget.name: [line for line in lines if line.startswith(budget.work + " ")]
        for budget in BUDGETS
    }
    return {**{name: " ".join(some) for name, some in found.items()}, "all": out.getvalue()}


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.95, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([float(n) for n in range(101)], 0.95, 95.0),
        ([10.0, 20.0, 30.0, 40.0], 0.0, 10.0),
        ([10.0, 20.0, 30.0, 40.0], 1.0, 40.0),
    ],
)
def test_a_percentile_is_interpolated(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == pytest.approx(expected)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_samples_become_a_figure() -> None:
    figure = spread("timeline", [float(n) for n in range(21)])
    assert figure == Figure("timeline", 10.0, 19.0, 21)


@pytest.mark.parametrize(
    ("figure", "share"),
    [
        (Figure("timeline", 4.0, 7.5, 9), 0.5),
        (Figure("timeline", 4.0, 30.0, 9), 2.0),
        (Figure("timeline", 12.0, 13.0, 9), 1.5),
        (Figure("clients", 700.0, None, 9), 0.5),
        (Figure("clients", 175.0, None, 9), 2.0),
        (Figure("browser.live", 9999.0, 750.0, 9), 0.5),
        (Figure("writes.floor", 780.0, None, 9), None),
    ],
)
def test_the_share_of_a_budget_is_that_of_the_worse_limit(
    figure: Figure, share: float | None
) -> None:
    assert of_budget(BY_NAME[figure.name], figure) == (share and pytest.approx(share))


def test_every_row_of_the_report_is_measured_by_exactly_one_measure() -> None:
    given = [name for measure in MEASURES for name in measure.gives]
    assert sorted(given) == sorted(budget.name for budget in BUDGETS)
    assert {measure.needs for measure in MEASURES} == {"nothing", "file", "server"}


def test_a_row_shows_figure_budget_share_incumbent_and_reference() -> None:
    line = shown(report(others={"timeline": 0.42}))["timeline"]
    cells = line.removeprefix(BY_NAME["timeline"].work).split("  ")
    assert [cell.strip() for cell in cells if cell.strip()] == [
        "6.4 / 15.9 ms",
        "400",
        "≤ 8 / 15 ms",
        "1.06",
        "55 / 66 ms",
        "2.0",
        "0.4",
    ]


def test_a_rate_is_shown_without_p95_and_reference() -> None:
    line = shown(report())["clients"]
    assert "420/s" in line
    assert "≥ 350/s" in line
    assert "0.83" in line
    assert line.split()[-2:] == ["–", "–"]


def test_what_is_over_budget_is_named_at_the_end() -> None:
    result = report()
    assert result.over == ["timeline"]
    assert shown(result)["all"].splitlines()[-1] == "over budget: timeline 24 h, 50 rows"
    within = Report(figures={"help": FIGURES["help"]})
    assert "over budget" not in shown(within)["all"]


def test_what_was_not_measured_says_why() -> None:
    lines = shown(report(missing={"health": "ImportError: no module console.pulse"}))
    assert "not measured: ImportError: no module console.pulse" in lines["all"]
    assert "≤ 30 ms" in lines["health"]
    assert not lines["q"]  # neither asked for nor missing: no row


def test_a_baseline_adds_a_column_with_the_ratio() -> None:
    old = Report(
        figures={"timeline": Figure("timeline", 12.8, 20.0, 300)}, machine={"reference_ms": 4.0}
    )
    lines = shown(report(), old)
    assert "baseline" in lines["all"].splitlines()[0]
    assert lines["timeline"].endswith("12.8 / 20 ms (0.50×)")
    assert lines["clients"].endswith("–")
    assert "in the baseline 4 ms" in lines["all"]
    assert "baseline" not in shown(report())["all"]


def test_json_of_one_run_is_the_baseline_of_the_next() -> None:
    result = report(missing={"q": "no server"}, others={"timeline": 0.1})
    read = Report.from_dict(json.loads(json.dumps(result.as_dict())))
    assert (read.figures, read.missing, read.machine) == (
        result.figures,
        result.missing,
        result.machine,
    )
    entry = result.as_dict()["figures"]["timeline"]
    assert entry["unit"] == "ms"
    assert entry["of_budget"] == pytest.approx(15.9 / 15)
    assert entry["of_reference"] == pytest.approx(2.0)
    assert entry["others"] == 0.1


def test_rows_that_a_later_release_does_not_know_are_left_out_of_a_baseline() -> None:
    found = {"figures": {"abacus": {"p50": 1}, "timeline": {"p50": 3, "p95": None}}}
    assert Report.from_dict(found).figures == {"timeline": Figure("timeline", 3.0, None, 0)}


@pytest.mark.parametrize("found", [[], {}, {"figures": 3}, {"figures": {"timeline": {"p95": 1}}}])
def test_a_file_that_is_no_report_is_refused(found: Any) -> None:
    with pytest.raises(BadParameter, match="give the output of --json"):
        Report.from_dict(found)


def test_only_times_are_compared_with_the_reference_work() -> None:
    assert relative(Budget("a", "a", "ms"), Figure("a", 10, None, 1), 2.5) == 4
    assert relative(Budget("a", "a", "s"), Figure("a", 0.01, None, 1), 2.5) == 4
    assert relative(Budget("a", "a", "MB"), Figure("a", 10, None, 1), 2.5) is None
    assert relative(Budget("a", "a", "ms"), Figure("a", 10, None, 1), None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.3124, "0.312"), (7.25, "7.25"), (48.13, "48.1"), (1311.4, "1,311"), (8, "8")],
)
def test_a_number_has_the_digits_that_matter(value: float | None, text: str) -> None:
    assert number(value) == text
