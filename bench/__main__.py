"""`python -m bench`: seed once, start the real server, measure, print beside the budgets."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.contention import Watch
from bench.data import Data, prepared
from bench.inprocess import loop, reference
from bench.measures import MEASURES, Measure
from bench.report import Report, show
from bench.server import running
from bench.stage import Stage
from schema.errors import AgnesError, BadParameter

console = Console(stderr=True)


def main(words: Sequence[str] | None = None) -> int:
    """0: measured, 1: something could not be measured, 2: wrong use. Over budget is told, not
    failed.
    """
    options = _options(words)
    try:
        baseline = _baseline(options.baseline)
        wanted = [one for one in MEASURES if not options.only or one.name in options.only]
        report = measured(wanted, options.rows)
    except AgnesError as error:
        console.print(f"error: {error.message}", style="red", highlight=False)
        return 2
    if options.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        wide = Console(width=None if sys.stdout.isatty() else 160)
        show(report, baseline, wide)
    return 1 if report.missing else 0


def measured(wanted: Sequence[Measure], rows: int) -> Report:
    """Run what is wanted: first what needs the file or nothing, then what needs the server."""
    with prepared(rows, _say) as data:
        report = Report(machine={"rows": rows, "cores": os.cpu_count(), "load_before": _load()})
        report.machine["reference_ms"] = reference(data)
        before = loop()
        for measure in wanted:
            if measure.needs != "server":
                _take(measure, Stage(data), report)
        live = [measure for measure in wanted if measure.needs == "server"]
        if live:
            _with_server(live, data, report)
        report.machine["loop_ms"] = [before, loop()]
        report.machine["load_after"] = _load()
    return report


def _with_server(wanted: Sequence[Measure], data: Data, report: Report) -> None:
    try:
        with running(data.folder) as server:
            for measure in wanted:
                _take(measure, Stage(data, server), report)
    except Exception as error:  # noqa: BLE001 (a server that does not run is a result too)
        for measure in wanted:
            for name in measure.gives:
                if name not in report.figures:
                    report.missing.setdefault(name, _why(error))


def _take(measure: Measure, stage: Stage, report: Report) -> None:
    _say(measure.name)
    watch = Watch(stage.server.process.pid if stage.server else None)
    try:
        for figure in measure.run(stage):
            report.figures[figure.name] = figure
    except Exception as error:  # noqa: BLE001 (whatever it is, the other figures count)
        for name in measure.gives:
            if name not in report.figures:
                report.missing[name] = _why(error)
    if measure.counted:
        report.others.update(dict.fromkeys(measure.gives, watch.others()))


def _why(error: Exception) -> str:
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0][:200]}" if first else type(error).__name__


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [measure.name for measure in MEASURES]
    parser.add_argument("--json", action="store_true", help="print JSON, for --baseline later")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="an earlier --json output")
    parser.add_argument("--rows", type=int, default=1_000_000, help="audit rows, usage events")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    options = parser.parse_args(words)
    if options.rows < 1000:
        parser.error(f"--rows {options.rows}: give 1000 or more")
    return options


def _baseline(path: Path | None) -> Report | None:
    if path is None:
        return None
    try:
        return Report.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadParameter("--baseline", path, f"it cannot be read: {error}") from None


def _load() -> str:
    return f"{os.getloadavg()[0]:.2f}"


def _say(text: str) -> None:
    console.print(f"… {text}", style="dim", highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
