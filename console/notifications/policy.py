"""When a message goes to Telegram, and what it says. Pure: rows and a moment in, a plan out.

| what waits for somebody                     | what becomes of it                                |
|---------------------------------------------|---------------------------------------------------|
| nothing was sent to them for five minutes   | the oldest goes at once                           |
| something was                               | it is held                                        |
| what is held, at the hour of the digest     | one message: how many of which kind, and one link |
| the digest that a job has made of a day     | a part of that message; at once where it is later |
| it failed, and may be tried again           | nothing goes to them until then                   |
| no bot, no chat                             | it is found in the bell                           |

A text holds counts, the beginning of a fingerprint and a link; never a word of a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]
APART = timedelta(minutes=5)  # between two messages to one person
_WORDS = {"report.new": "new", "report.reopened": "back after it was resolved"}
INBOX = "/admin/feedback"
DIGEST = "report.digest"


@dataclass(frozen=True)
class Letter:
    """One message to one person; of several rows it is a digest."""

    user_id: str
    chat_id: str
    rows: Sequence[Row]
    is_digest: bool = False

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]

    @property
    def attempts(self) -> int:
        return max(row["attempts"] or 0 for row in self.rows)

    def text(self, public: str) -> str:
        """`public`: the console's address, without a slash at its end."""
        if not self.is_digest:
            (row,) = self.rows
            return f"Agnes: {row['subject']}\n{public}{row['link'] or INBOX}"
        made = [row for row in self.rows if row["kind"] == DIGEST]
        parts = [f"{row['subject']}\n{public}{row['link'] or INBOX}" for row in made]
        kinds = Counter(_WORDS.get(row["kind"], "changed") for row in self.rows if row not in made)
        if count := kinds.total():
            counts = ", ".join(f"{each} {word}" for word, each in kinds.most_common())
            plural = "" if count == 1 else "s"
            parts.append(f"{count} report{plural} more: {counts}.\n{public}{INBOX}")
        return "Agnes: " + "\n".join(parts)


@dataclass
class Plan:
    """`due`: when there will be something to do by itself."""

    letters: list[Letter] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)
    due: datetime | None = None

    def wait(self, moment: datetime) -> None:
        self.due = moment if self.due is None else min(self.due, moment)


def planned(
    rows: Iterable[Row], last: Mapping[str, datetime], *, at: datetime, hour: int, bot: bool = True
) -> Plan:
    """`rows`: what is queued or held, each with `chat_id` and whether its reader `is_reached`, in
    order of person and time. `last`: when somebody was sent something last. `hour`: of the digest,
    UTC."""
    plan = Plan()
    for user_id, group in groupby(rows, key=lambda row: row["user_id"]):
        mine = list(group)
        if not (bot and mine[0]["chat_id"] and mine[0]["is_reached"]):
            plan.stranded += [row["id"] for row in mine]
        else:
            _planned(plan, user_id, mine, last.get(user_id), at, hour)
    return plan


def _planned(
    plan: Plan, user_id: str, rows: list[Row], last: datetime | None, at: datetime, hour: int
) -> None:
    chat_id = rows[0]["chat_id"]
    again = max((row["next_at"] for row in rows if row["next_at"]), default=at)
    # A clock that was set back silences nobody.
    free = at if last is None or last > at else last + APART
    mark = before(at, hour)
    held = [row for row in rows if row["state"] == "held"]
    is_late = mark.date() == at.date()  # the hour of today's digest is over
    is_due = any(row["created_at"] <= mark or (is_late and row["kind"] == DIGEST) for row in held)
    queued = [row for row in rows if row["state"] == "queued"]
    if again > at:
        plan.wait(again)
    elif free > at:
        plan.held += [row["id"] for row in queued]
        plan.wait(free if is_due else mark + timedelta(days=1))
    elif is_due:
        plan.letters.append(Letter(user_id, chat_id, rows, is_digest=True))
    elif queued:
        plan.letters.append(Letter(user_id, chat_id, queued[:1]))
    else:
        plan.wait(mark + timedelta(days=1))


def before(at: datetime, hour: int) -> datetime:
    """The last moment of a digest, not after `at`."""
    today = at.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= at else today - timedelta(days=1)
