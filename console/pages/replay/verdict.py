"""How the session went, in one word, with the checks that led to it and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console import sessions
from console.pages.replay.reading import Reading
from console.sessions import Row

# Checks of which it is no news that they found something: the session went on.
_MILD = frozenset({"errors", "finished"})
LOOKS = {
    "clean": "ok",
    "recovered": "warn",
    "struggled": "warn",
    "failed": "err",
    "open": "info",
}
# A check that passed, in few words: what it says in full is for those who ask.
_PASSED = {
    "finished": "came to an end",
    "ending": "does not break off",
    "last call": "no failed last call",
    "loops": "no going in circles",
    "refusals": "no refusal without a word",
    "errors": "nothing went wrong",
}
_ORDER = ("bad", "mild", "ok")  # what found something stands first
_EVIDENCE = 3  # turns of a check that have a link of their own


@dataclass(frozen=True)
class Check:
    """`sign` is ok, mild or bad; `turns` its first evidence, `more` how many others there are;
    `full` is what the check itself says."""

    says: str
    full: str
    sign: str
    turns: Sequence[int]
    more: int


@dataclass(frozen=True)
class Verdict:
    """`name` is None until the session was judged; `look` the colour of the word."""

    name: str | None
    look: str
    checks: Sequence[Check]
    failed: int
    findings: Sequence[Row]


def read(reading: Reading) -> Verdict:
    judged = sessions.verdict_of(reading.reader, reading.session_file)
    findings = reading.found["findings"]
    if judged is None:
        return Verdict(None, "none", (), 0, findings)
    checks = sorted(map(check_of, judged["checks"]), key=lambda one: _ORDER.index(one.sign))
    name = judged["verdict"]
    failed = sum(one.sign != "ok" for one in checks)
    return Verdict(name, LOOKS.get(name, "none"), checks, failed, findings)


def check_of(row: Row) -> Check:
    turns = row.get("turns") or []
    sign = "ok" if row["passed"] else "mild" if row["name"] in _MILD else "bad"
    shown = turns[:_EVIDENCE]
    full = str(row["says"])
    says = _PASSED.get(row["name"], full) if row["passed"] else full
    return Check(says, full, sign, shown, len(turns) - len(shown))
