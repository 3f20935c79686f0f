"""Made-up sessions with all that a conversation may hold: what its rendering is looked at with."""

from __future__ import annotations

from typing import Any

from tests.transcripts import Json, Transcript, talk

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
MANY = 20_000  # events
_ANSWER = """\
## What I found
The **October** rows are in `orders`, not in [the forecast](https://docs.example/forecast).

| month | rows |
|---|---:|
| 2026-10 | 1204 |

1. Load them
2. Join by `month`

```sql
SELECT * FROM orders WHERE month = '2026-10'
```
"""


def picture(media_type: str = "image/png", data: str = PNG) -> dict[str, Any]:
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": media_type, "data": data},
    }


def answered(talk: Transcript, *parts: Any, call: Json | None = None) -> Transcript:
    """The result of `call`, else of the last record, of these parts."""
    asked = (call or talk.records[-1])["message"]["content"][-1]["id"]
    content = [{"type": "text", "text": one} if isinstance(one, str) else one for one in parts]
    return talk.user([{"type": "tool_result", "tool_use_id": asked, "content": content}])


def thinks(talk: Transcript, words: str) -> Transcript:
    return talk._said({"type": "thinking", "thinking": words}, "end_turn")


def everything(session: str) -> Transcript:
    """A short session with each kind of event."""
    lines = "\n".join(f"{number:04} | row of October" for number in range(214))
    todos = [
        {"content": "Load October", "status": "completed"},
        {"content": "Join the forecast", "status": "in_progress"},
        {"content": "Write the report", "status": "pending"},
    ]
    edit = {"file_path": "/project/report.py", "old_string": "a = 1\nb = 2\nc = 3"}
    found = talk(session).slash("/clear")
    found = found.prompt("Load the October orders and compare them with the forecast table.")
    found = thinks(found, "The orders are in the warehouse.\nI ask there first.")
    found = found.answer(_ANSWER)
    given = {"command": "agnes query october", "description": "All rows of October"}
    found = answered(found.asks("Bash", given).later(seconds=1.2), lines)
    found = found.call("mcp__agnes__query", {"sql": "SELECT 1"}, error="no forecast table")
    found = found.call("Edit", {**edit, "new_string": "a = 1\nb = 20\nc = 3"})
    found = found.call("TodoWrite", {"todos": todos})
    found = answered(found.asks("Read", {"file_path": "/project/chart.png"}), picture())
    found = found.user([picture("image/svg+xml", "PHN2Zz4=")])
    for _ in range(4):
        found = found.call("Bash", {"command": "make test"}, error="Exit code 2\nno rule")
    found = answered(found.asks("Bash", {"command": "dump"}), "x" * 80_000 + "\nthe very end")
    found = found.later(hours=3).asks("Bash", {"command": "rm -r build"})
    found = found.user("[Request interrupted by user for tool use]")
    found = found.record("system", subtype="compact_boundary", content="compacted")
    found = _subagent(found)
    return found.later(hours=30).prompt("Stop, use the monthly table instead.").answer("I do.")


def _subagent(found: Transcript) -> Transcript:
    given = {"subagent_type": "Explore", "description": "find the table", "prompt": "Look for it"}
    found = found.asks("Task", given)
    side = Transcript(found.session, found.at, agent="a7", records=found.records)
    side = side.user("Look for it").call("Grep", {"pattern": "monthly"}).answer("In `monthly.sql`.")
    back = Transcript(found.session, side.at, records=side.records)
    return answered(back, "It is there.", call=found.records[-1])


def long(session: str) -> Transcript:
    """`MANY` events, an error in each thousand."""
    found = talk(session)
    records = list(found.records)
    while len(records) < MANY - 1:
        number = len(records)
        wrong = "Exit code 1" if number % 1000 < 2 else None
        step = Transcript(session, found.at).call("Bash", {"command": f"n {number}"}, error=wrong)
        words = f"{number} is done. " * (1 + number % 40)
        step = step.answer(words).prompt(f"and {number}?")
        records += step.records
        found = Transcript(session, step.at)
    return Transcript(session, found.at, records=tuple(records[: MANY - 1])).answer("the end")


def hostile(session: str, texts: list[str]) -> Transcript:
    """Each text wherever a conversation has words."""
    found = talk(session)
    for text in texts:
        found = thinks(found.prompt(text).answer(text), text)
        found = found.call(f"mcp__{text}__{text}", {text: text}).call("Bash", {"command": text})
        found = found.call("Edit", {"file_path": text, "old_string": text, "new_string": ""})
        found = found.call("Task", {"subagent_type": text, "prompt": text}, error=text)
        side = Transcript(session, found.at, agent=text, records=found.records)
        side = side.user(text).call(text, {"description": text}, error=text)
        found = Transcript(session, side.at, records=side.records)
        found = found.record("system", subtype=text, content=text).user([picture(text, text)])
    return found
