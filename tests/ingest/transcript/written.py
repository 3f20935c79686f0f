"""Small transcripts of the shapes that real ones have, written line by line."""

from __future__ import annotations

import io
from typing import Any

import orjson

from ingest.transcript import read
from ingest.transcript.model import Call, Digest

Json = dict[str, Any]
AT = "2026-03-01T10:00:00.000Z"
REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it "
    "was a file edit, the new_string was NOT written to the file). STOP what you are doing and "
    "wait for the user to tell you how to proceed."
)


def file(*records: Json | bytes | str) -> io.BytesIO:
    """A transcript of these lines; what is no object is taken as it is."""
    lines = [
        one
        if isinstance(one, bytes)
        else one.encode()
        if isinstance(one, str)
        else orjson.dumps(one)
        for one in records
    ]
    return io.BytesIO(b"".join(line + b"\n" for line in lines))


def digest(*records: Json | bytes | str) -> Digest:
    return read(file(*records))


def user(content: Any, uuid: str | None = None, **more: Any) -> Json:
    message = {"role": "user", "content": content}
    return {"type": "user", "uuid": uuid, "timestamp": AT, "message": message, **more}


def agent(*blocks: Json, uuid: str | None = None, key: str = "m1", **more: Any) -> Json:
    message = {"id": key, "model": "opus", "role": "assistant", "content": list(blocks)}
    message |= more.pop("message", {})
    return {"type": "assistant", "uuid": uuid, "timestamp": AT, "message": message, **more}


def says(text: str) -> Json:
    return {"type": "text", "text": text}


def call(identity: str = "t1", tool: str = "Bash", **given: Any) -> Json:
    return {"type": "tool_use", "id": identity, "name": tool, "input": given}


def answer(text: Any = "done", identity: str = "t1", *, error: Any = None) -> Json:
    block = {"type": "tool_result", "tool_use_id": identity, "content": text}
    return block if error is None else {**block, "is_error": error}


def result(text: Any = "done", identity: str = "t1", *, error: Any = None, **more: Any) -> Json:
    return user([answer(text, identity, error=error)], **more)


def one_call(*records: Json) -> Call:
    """The only call of these records, which follow a call of Bash."""
    (found,) = digest(agent(call()), *records).calls
    return found
