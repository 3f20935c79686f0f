"""Small made-up transcripts, written as Claude Code writes them, and what is found in them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.findings import Finding, find
from ingest.transcript import read
from ingest.transcript.model import Digest
from ingest.verdict import Verdict, decide

START = datetime(2026, 5, 4, 9, 0)
LATER = START + timedelta(days=1)
REFUSED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was "
    "a file edit, the new_string was NOT written to the file)."
)
STOP = REFUSED + " STOP what you are doing and wait for the user to tell you how to proceed."
SAID = REFUSED + " To tell you how to proceed, the user said:\n"
MARKER = "[Request interrupted by user]"
Json = dict[str, Any]


@dataclass
class Talk:
    """One conversation in the making. Each record comes a second after the one before it."""

    agent: str | None = None  # everything is said in this subagent's sidechain
    lines: list[bytes] = field(default_factory=list)
    responses: int = 0
    ids: int = 0

    def record(self, kind: str, **fields: Any) -> Talk:
        number = len(self.lines)
        at = START + timedelta(seconds=number)
        line: Json = {
            "type": kind,
            "uuid": f"{self.agent or ''}u{number}",
            "timestamp": f"{at.isoformat()}Z",
        }
        line |= {"sessionId": "s", "cwd": "/project"}
        if self.agent is not None:
            line |= {"isSidechain": True, "agentId": self.agent}
        self.lines.append(json.dumps(line | fields).encode() + b"\n")
        return self

    def user(self, content: object, **fields: Any) -> Talk:
        return self.record("user", message={"role": "user", "content": content}, **fields)

    def human(self, text: str) -> Talk:
        return self.user(text)

    def slash(self, name: str, **fields: Any) -> Talk:
        command = f"<command-name>{name}</command-name>\n<command-args></command-args>"
        return self.user(command, **fields)

    def interrupt(self, marker: str = MARKER) -> Talk:
        return self.user([{"type": "text", "text": marker}])

    def response(self, *blocks: Json, stop: str | None = None, **fields: Any) -> Talk:
        """One API response: a record for each block, as newer versions write it."""
        self.responses += 1
        for number, block in enumerate(blocks, 1):
            message: Json = {
                "id": f"{self.agent or ''}m{self.responses}",
                "role": "assistant",
                "model": "model-a",
            }
            message |= {"content": [block], "stop_reason": stop if number == len(blocks) else None}
            message["usage"] = {"input_tokens": 10, "output_tokens": number}
            self.record("assistant", message=message, **fields)
        return self

    def answer(self, text: str = "Done.", stop: str | None = "end_turn") -> Talk:
        return self.response({"type": "text", "text": text}, stop=stop)

    def api_error(self, text: str, **fields: Any) -> Talk:
        message = {"id": "e", "model": "<synthetic>", "content": [{"type": "text", "text": text}]}
        return self.record("assistant", message=message, isApiErrorMessage=True, **fields)

    def asks(self, *calls: tuple[str, object]) -> list[str]:
        """Parallel calls of one response; gives their ids."""
        ids = [f"toolu_{self.agent or ''}{self.ids + number}" for number in range(len(calls))]
        self.ids += len(calls)
        blocks: list[Json] = [
            {"type": "tool_use", "id": one, "name": name, "input": given}
            for one, (name, given) in zip(ids, calls, strict=True)
        ]
        self.response(*blocks, stop="tool_use")
        return ids

    def result(
        self, call: str, text: object = "fine", *, error: bool | None = None, **fields: Any
    ) -> Talk:
        block: Json = {"type": "tool_result", "tool_use_id": call, "content": text}
        return self.user([block if error is None else block | {"is_error": error}], **fields)

    def call(self, name: str = "Bash", given: object = None, text: object = "fine") -> Talk:
        """A call that goes well. Without an input it asks for something new each time."""
        (one,) = self.asks((name, self._new() if given is None else given))
        return self.result(one, text)

    def fails(self, text: str, name: str = "Bash", given: object = None, **fields: Any) -> Talk:
        (one,) = self.asks((name, self._new() if given is None else given))
        return self.result(one, text, error=True, **fields)

    def _new(self) -> Json:
        return {"command": f"step {self.ids}"}

    @property
    def data(self) -> bytes:
        return b"".join(self.lines)

    def digest(self, *subagents: Talk) -> Digest:
        return read(io.BytesIO(self.data), [io.BytesIO(one.data) for one in subagents])

    def findings(self, *subagents: Talk, now: datetime = LATER) -> list[Finding]:
        return find(self.digest(*subagents), now=now, uploaded_at=START)

    def found(self, *subagents: Talk) -> list[str]:
        """Type, subtype, severity and count of each finding, as text that reads well in a test."""
        return [
            f"{one.finding_type}/{one.subtype} {one.severity}" + f" x{one.count}" * (one.count > 1)
            for one in self.findings(*subagents)
        ]

    def verdict(self, *subagents: Talk, now: datetime = LATER) -> Verdict:
        digest = self.digest(*subagents)
        found = find(digest, now=now, uploaded_at=START)
        return decide(digest, found, now=now, uploaded_at=START)


def talk() -> Talk:
    return Talk().human("Please mend the report")
