"""A made-up session in the form in which Claude Code writes one: a JSON object a line.

One response is several records that share `message.id`; most `user` records carry results, not
words of a person. Nothing in it comes from a real session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson

from ingest.seed.conversations import CLOSING, OPENING, Sessions
from ingest.seed.draws import Ints, source
from ingest.seed.ids import digests, uuid4
from ingest.seed.toolbox import DENIED, ERROR, MODELS, REJECTED, TOOLS, Tool
from ingest.seed.words import ANSWERS, COMMANDS, FAILURES, FILES, PROJECTS, PROMPTS, REGIONS

Record = dict[str, Any]
_VERSION = "2.1.237"
# What a turn's last response costs; those of calls are drawn.
CLOSING_TOKENS = (4, 64, 2000, 0)
_STREAMS = ("prompt", "intro", "call", "result", "closing")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected"
    " (eg. if it was a file edit, the new_string was NOT written to the file)."
    " STOP what you are doing and wait for the user to tell you how to proceed."
)
_DENIED = "Permission to use {tool} has been denied by the settings of this workspace."


def folder(project: str) -> str:
    """Where the person works."""
    return f"/home/me/{project}"


def failure(call: int) -> str:
    """What the result of a failed call says, by the call's number."""
    return FAILURES[call % len(FAILURES)].format(n=call % 90 + 1)


def record_ids(seed: int, stream: str, calls: Ints) -> Any:
    """The uuids of the records of one kind that belong to these calls (their numbers)."""
    return uuid4(seed, f"record:{stream}", calls)


def session_record_ids(seed: int, stream: str, sessions: Ints) -> Any:
    """The same for the two records of sessions without calls."""
    return uuid4(seed, f"lone:{stream}", sessions)


@dataclass(frozen=True)
class Said:
    """What a result says."""

    text: str
    is_error: bool = False
    denial: str | None = None


@dataclass
class Writer:
    """The records of one session, each hanging on the one before."""

    session: str
    cwd: str
    model: str
    parent: str | None = None

    def record(self, kind: str, uuid: str, at: int, **more: Any) -> Record:
        record: Record = {
            "parentUuid": self.parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.session,
            "version": _VERSION,
            "gitBranch": "main",
            "type": kind,
            **more,
            "uuid": uuid,
            "timestamp": stamp(at),
        }
        self.parent = uuid
        return record

    def words(self, uuid: str, at: int, text: str) -> Record:
        """What a person types."""
        return self.record("user", uuid, at, message={"role": "user", "content": text})

    def response(
        self, uuid: str, at: int, block: Record, key: str, tokens: Sequence[int], stop: str | None
    ) -> Record:
        message = {
            "id": f"msg_01{key[:22]}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [block],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": tokens[0],
                "output_tokens": tokens[1],
                "cache_read_input_tokens": tokens[2],
                "cache_creation_input_tokens": tokens[3],
                "service_tier": "standard",
            },
        }
        return self.record("assistant", uuid, at, message=message, requestId=f"req_011{key[22:43]}")

    def result(self, uuid: str, at: int, call: str, key: str, said: Said) -> Record:
        block: Record = {
            "tool_use_id": f"toolu_01{key[:22]}",
            "type": "tool_result",
            "content": said.text,
        }
        more: Record = {"toolUseResult": {"content": said.text}}
        if said.is_error:
            block["is_error"] = True
            more["toolUseResult"] = f"Error: {said.text}"
        if said.denial is not None:
            more["toolDenialKind"] = said.denial
        message = {"role": "user", "content": [block]}
        return self.record("user", uuid, at, message=message, sourceToolAssistantUUID=call, **more)

    def conclusion(self, uuid: str, at: int, key: str, text: str) -> Iterator[Record]:
        """The words that end a turn, and the record that says so."""
        block = {"type": "text", "text": text}
        yield self.response(uuid, at, block, key[::-1], CLOSING_TOKENS, "end_turn")
        end = uuid[::-1].replace("-", "")
        end = f"{end[:8]}-{end[8:12]}-4{end[13:16]}-8{end[17:20]}-{end[20:]}"
        yield self.record("system", end, at, subtype="turn_duration", isMeta=False)


class Transcripts:
    """Writes the transcripts of some of `sessions`."""

    def __init__(self, seed: int, sessions: Sessions) -> None:
        self.seed = seed
        self.sessions = sessions

    def text(self, at: int) -> bytes:
        """The whole file of one session."""
        return b"".join(orjson.dumps(record) + b"\n" for record in self.records(at))

    def records(self, at: int) -> Iterator[Record]:
        sessions, rng = self.sessions, source(self.seed, "transcript", at)
        draw = rng.integers(0, 1 << 30, 2).tolist()
        cwd = folder(PROJECTS[sessions.project[at]])
        writer = Writer(sessions.ids[at], cwd, MODELS[sessions.model[at]])
        yield {
            "type": "file-history-snapshot",
            "messageId": sessions.ids[at],
            "snapshot": {"messageId": sessions.ids[at], "trackedFileBackups": {}},
            "isSnapshotUpdate": False,
        }
        if sessions.counts[at] == 0:
            yield from self._talk(writer, at, draw)
            return
        first = int(sessions.first[at])
        numbers = np.arange(first, first + int(sessions.counts[at]))
        ids = {name: record_ids(self.seed, name, numbers).to_pylist() for name in _STREAMS}
        keys = digests(self.seed, "keys", numbers).to_pylist()
        draws = rng.integers(0, 1 << 30, len(numbers)).tolist()
        for place, number in enumerate(numbers.tolist()):
            mine = {name: values[place] for name, values in ids.items()}
            yield from self._call(writer, number, mine, keys[place], draws[place])

    def _talk(self, writer: Writer, at: int, draw: Sequence[int]) -> Iterator[Record]:
        number = np.array([at])
        prompt, closing = (
            session_record_ids(self.seed, name, number)[0].as_py() for name in ("prompt", "closing")
        )
        key = digests(self.seed, "lone keys", number)[0].as_py()
        started, ended = int(self.sessions.started[at]), int(self.sessions.ended[at])
        yield writer.words(prompt, started, PROMPTS[draw[0] % len(PROMPTS)])
        yield from writer.conclusion(closing, ended, key, ANSWERS[draw[1] % len(ANSWERS)])

    def _call(
        self, writer: Writer, number: int, ids: dict[str, str], key: str, draw: int
    ) -> Iterator[Record]:
        calls = self.sessions.calls
        tool, at = TOOLS[calls.tool[number]], int(calls.time[number])
        done = at + int(calls.took[number])
        if calls.prompted[number]:
            yield writer.words(ids["prompt"], at - OPENING, PROMPTS[draw % len(PROMPTS)])
        if tool.spoken:
            yield writer.words(ids["call"], at, _typed(tool.command or ""))
        else:
            tokens = calls.tokens[number].tolist()
            if calls.introduced[number]:
                block: Record = {"type": "text", "text": "I will look at that first."}
                some = [tokens[0], 1, *tokens[2:]]
                yield writer.response(ids["intro"], at, block, key, some, None)
            block = {
                "type": "tool_use",
                "id": f"toolu_01{key[:22]}",
                "name": tool.tool,
                "input": _input(tool, writer.cwd, number, draw),
            }
            yield writer.response(ids["call"], at, block, key, tokens, "tool_use")
        if calls.answered[number]:
            said = _said(int(calls.outcome[number]), tool, number)
            yield writer.result(ids["result"], done, ids["call"], key, said)
        if calls.concluded[number]:
            answer = ANSWERS[draw % len(ANSWERS)]
            yield from writer.conclusion(ids["closing"], done + CLOSING, key, answer)


def stamp(at: int) -> str:
    """Microseconds -> `2026-01-31T09:00:00.000Z`, as in transcripts: milliseconds, cut."""
    moment = _EPOCH + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _typed(command: str) -> str:
    return (
        f"<command-name>{command}</command-name>\n"
        f"<command-message>{command[1:]}</command-message>\n<command-args></command-args>"
    )


def _input(tool: Tool, cwd: str, number: int, draw: int) -> Record:
    """What a call asks for. The number keeps calls apart, so that none looks like a loop."""
    if tool.skill is not None:
        return {"skill": tool.skill, "args": f"week {number % 52 + 1}"}
    if tool.subagent is not None:
        prompt = f"Look through the checks of part {number} and say which fail."
        return {"subagent_type": tool.subagent, "description": "Look at checks", "prompt": prompt}
    if tool.tool == "Bash":
        return {"command": f"{COMMANDS[draw % len(COMMANDS)]} # {number}", "description": "Run it"}
    if tool.tool in ("Grep", "Glob"):
        return {"pattern": f"qty_{number}", "path": cwd}
    if tool.tool == "TodoWrite":
        return {"todos": [{"content": f"step {number}", "status": "in_progress"}]}
    if tool.tool in ("WebFetch", "mcp__browser__navigate"):
        return {"url": f"https://docs.example.com/page/{number}"}
    if tool.event_type == "mcp_call":
        return {"table": "orders", "limit": number % 100 + 1}
    path = f"{cwd}/{FILES[draw % len(FILES)]}"
    if tool.tool == "Edit":
        return {"file_path": path, "old_string": f"qty_{number}", "new_string": "quantity"}
    if tool.tool == "Write":
        return {"file_path": path, "content": f"# part {number}\n"}
    return {"file_path": path, "offset": number % 400}


def _said(outcome: int, tool: Tool, number: int) -> Said:
    if outcome == ERROR:
        return Said(failure(number), is_error=True)
    if outcome == REJECTED:
        return Said(_REJECTED, is_error=True, denial="user-rejected")
    if outcome == DENIED:
        return Said(_DENIED.format(tool=tool.tool), is_error=True, denial="permission-rule")
    if tool.subagent is not None:
        return Said("Async agent launched successfully.")
    rows = "\n".join(
        f"{region},{number * 7919 % (983 * place)}" for place, region in enumerate(REGIONS, 1)
    )
    return Said(f"region,amount\n{rows}")
