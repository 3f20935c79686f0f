"""Real transcripts whose findings, figures and verdicts were written down by hand.

They lie in the folder that `AGNES_TEST_CORPUS` names. Without it one made-up transcript with labels
of the same form is judged, so that the judge itself is always tested.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.attribution import Attribution
from ingest.findings import FINDINGS, Finding, find
from ingest.transcript import read
from ingest.usage import Session, Usage, extract
from ingest.verdict import decide
from tests.ingest.findings.talk import STOP, talk

NOW = datetime(2030, 1, 1)
Label = dict[str, Any]
_NEAR = {"loop": 3, "abrupt_end": 3}  # lines around a stretch that still mean it
_NOT_FIGURES = {"calls_by_kind", "outcomes", "slash_names"}


@dataclass
class Judged:
    """One labelled file, and what was made of it."""

    label: Label
    findings: list[Finding]
    usage: Usage
    verdict: str
    hits: Counter[str] = field(default_factory=Counter)
    false: list[Finding] = field(default_factory=list)
    missed: list[Label] = field(default_factory=list)


def _judged(path: Path, label: Label) -> Judged:
    digest = read(path)
    found = find(digest, now=NOW, uploaded_at=NOW)
    usage = extract(digest, Session(f"u/{path.name}", "u", "u", NOW), Attribution())
    one = Judged(label, found, usage, decide(digest, found, now=NOW, uploaded_at=NOW).name)
    _compare(one)
    return one


def _compare(one: Judged) -> None:
    """A certain label is hit once; what means only an uncertain one is left out of the count."""
    certain = [label for label in one.label["findings"] if label["certain"]]
    uncertain = [label for label in one.label["findings"] if not label["certain"]]
    left = list(one.findings)
    for label in certain:
        hit = min(left, key=lambda found: _distance(found, label), default=None)
        if hit is None or _distance(hit, label) == _FAR:
            one.missed.append(label)
        else:
            left.remove(hit)
            one.hits[hit.finding_type] += 1
    one.false = [
        found for found in left if all(_distance(found, label) == _FAR for label in uncertain)
    ]


_FAR = 1_000


def _distance(found: Finding, label: Label) -> int:
    """How far a finding is from what a label means; 0 on the very record."""
    if found.finding_type != label["type"]:
        return _FAR
    if found.event_uuid and found.event_uuid in (label["uuid"], label["call_uuid"]):
        return 0
    if found.line_no in (label["line_no"], label["call_line"]):
        return 0
    first, last = label["line_no"], label["line_to"] or label["line_no"]
    lines = max(first - found.line_no, found.line_no - last, 0)
    return lines + 1 if lines <= _NEAR.get(found.finding_type, -1) else _FAR


def _made_up(folder: Path) -> Iterator[tuple[Path, Label]]:
    told = talk().fails("no such table").call().fails(STOP).interrupt().human("Use b.py").answer()
    for _ in range(3):
        told.call("Grep", {"pattern": "total"})
    told.asks(("Bash", {"command": "make"}))
    path = folder / "made-up.jsonl"
    path.write_bytes(told.data)
    common = {"call_uuid": None, "call_line": None, "line_to": None, "certain": True}
    findings = [
        common | {"type": "tool_error", "uuid": "u2", "line_no": 3},
        common | {"type": "user_rejection", "uuid": None, "line_no": 7},
        common | {"type": "user_rejection", "uuid": "u7", "line_no": 8, "certain": False},
        common | {"type": "abrupt_end", "uuid": None, "line_no": 16},
        common | {"type": "loop", "uuid": None, "line_no": 10, "line_to": 14},
    ]
    usage = {"tool_calls": 7, "tool_errors": 1, "user_messages": 2, "primary_model": "model-a"}
    outcomes = {"ok": 4, "error": 1, "user_rejected": 1, "unresolved": 1}
    yield (
        path,
        {
            "findings": findings,
            "usage": usage | {"outcomes": outcomes, "started_at": "2026-05-04T09:00:00Z"},
            "usage_uncertain": [],
            "verdict": "failed",
            "verdict_certain": True,
        },
    )


def _labelled(folder: Path) -> Iterator[tuple[Path, Label]]:
    transcripts = folder / "transcripts"
    for line in (transcripts / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        if not label["skip"]:
            yield transcripts / label["file"], label


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    corpus = os.environ.get("AGNES_TEST_CORPUS")
    pairs = [*_made_up(tmp_path_factory.mktemp("labels"))]
    pairs += _labelled(Path(corpus)) if corpus else []
    return [_judged(path, label) for path, label in pairs]


@pytest.mark.parametrize("kind", FINDINGS)
def test_findings_are_precise_first_and_complete_second(judged: list[Judged], kind: str) -> None:
    hits = sum(one.hits[kind] for one in judged)
    false = [found for one in judged for found in one.false if found.finding_type == kind]
    missed = [label for one in judged for label in one.missed if label["type"] == kind]
    assert hits >= 0.95 * (hits + len(false)), false
    assert hits >= 0.9 * (hits + len(missed)), missed


def test_figures_are_those_counted_by_hand(judged: list[Judged]) -> None:
    assert [line for one in judged for line in _other_figures(one)] == []


def _other_figures(one: Judged) -> Iterator[str]:
    outcomes = Counter(
        event["outcome"] for event in one.usage.events if event["event_type"] != "slash_command"
    )
    expected = {k: v for k, v in one.label["usage"].items() if k not in _NOT_FIGURES}
    expected |= {f"outcomes.{name}": n for name, n in one.label["usage"]["outcomes"].items()}
    got = one.usage.summary | {f"outcomes.{name}": outcomes[name] for name in outcomes}
    for name, value in expected.items():
        if name.endswith("_at") and value:
            value = datetime.fromisoformat(value).replace(tzinfo=None)
        if name not in one.label["usage_uncertain"] and got.get(name, 0) != value:
            yield f"{one.usage.summary['session_file']}: {name} is {got.get(name)}, not {value}"


def test_verdicts_are_those_given_by_hand(judged: list[Judged]) -> None:
    assert [
        f"{one.usage.summary['session_file']}: {one.verdict}, not {one.label['verdict']}"
        for one in judged
        if one.label["verdict_certain"] and one.verdict != one.label["verdict"]
    ] == []
