"""Whatever the bytes are: nothing is raised, and reader, index and viewer count the same turns."""

from __future__ import annotations

import dataclasses
import io
from copy import deepcopy
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ingest.transcript import build, events, head, read
from tests.ingest.transcript.written import agent, answer, call, file, result, says, user

OUTCOMES = {"ok", "error", "user_rejected", "policy_denied", "interrupted", "unresolved"}
KEYS = (
    *("type", "uuid", "parentUuid", "timestamp", "message", "content", "id", "tool_use_id", "name"),
    *("input", "usage", "output_tokens", "model", "is_error", "toolUseResult", "toolDenialKind"),
    *("isSidechain", "agentId", "isMeta", "origin", "attachment", "prompt", "operation", "source"),
    *("text", "thinking", "requestId", "sourceToolAssistantUUID", "sessionId", "cwd", "subtype"),
)
WORDS = (
    *("assistant", "user", "system", "attachment", "queue-operation", "progress", "queued_command"),
    *("tool_use", "tool_result", "text", "thinking", "image", "enqueue", "remove", "api_error"),
    *("<command-name>/x</command-name>", "<system-reminder>", "[Request interrupted by user]", "a"),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(WORDS)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)
RECORDS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=12)
GOOD = file(
    user([says("look"), {"type": "image", "source": {"data": "AAAA"}}], "u"),
    {"type": "queue-operation", "operation": "enqueue", "content": "and this"},
    agent(says("so"), call("a"), call("b", "mcp__x__y"), uuid="a", parentUuid="u"),
    user([answer("fine", "a"), answer("no", "b", error=True)], "r", parentUuid="a"),
    agent(call("c", "Task"), uuid="s", key="m2", isSidechain=True, agentId="z"),
    result("[Request interrupted by user]", "c", uuid="t", toolUseResult={"interrupted": True}),
    {"type": "attachment", "attachment": {"type": "queued_command", "prompt": "and this"}},
).getvalue()


def agree(data: bytes) -> None:
    """Reader, index, pages and streaming say the same of `data`."""
    stream = io.BytesIO(data)
    digest = read(stream)
    made = build(stream)
    assert made.total == digest.turns
    whole = events(made, stream, (), 0, made.total)
    assert [one.turn for one in whole] == list(range(made.total))
    assert head(stream, 0, made.total) == whole
    middle = made.total // 2
    assert events(made, stream, (), middle, 3) == whole[middle : middle + 3]
    for one in whole:
        orjson.dumps(dataclasses.asdict(one))
    turns = {one.turn: one for one in whole}
    for found in digest.calls:
        assert found.outcome in OUTCOMES
        assert (found.outcome == "unresolved") == (found.result is None)
        assert turns[found.turn].kind == "tool_use"
        if found.result:
            assert turns[found.result.turn].outcome == found.outcome
    for said in digest.moments:
        assert said.turn in turns
        assert len(said.text) <= 400
    for response in digest.responses:
        assert 0 <= response.output_tokens <= 2**53
    assert all(0 <= at < 2**58 for at in digest.times)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data: bytes) -> None:
    agree(data)


@given(st.lists(RECORDS, max_size=6))
def test_any_objects_can_be_read(records: list[dict[str, Any]]) -> None:
    agree(file(*records).getvalue())


@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=3)), max_size=6))
def test_a_file_damaged_anywhere_can_be_read(damages: list[tuple[int, bytes]]) -> None:
    data = GOOD
    for place, put in damages:
        data = data[:place] + put + data[place + len(put) :]
    agree(data)


@given(st.integers(0, len(GOOD)))
def test_a_file_cut_anywhere_says_what_came_before(length: int) -> None:
    data = GOOD[:length]
    agree(data)
    cut = read(io.BytesIO(data))
    assert cut.problem_count <= 1
    lines = data.rpartition(b"\n")[0]
    assert read(io.BytesIO(lines)).turns <= cut.turns <= read(io.BytesIO(GOOD)).turns


@given(st.sampled_from(sorted(KEYS)), JSON)
def test_any_value_in_any_field_can_be_read(key: str, value: Any) -> None:
    lines = [orjson.loads(line) for line in GOOD.splitlines()]
    for line in lines:
        value = deepcopy(value)  # or it would hold itself
        line[key] = value
        if isinstance(line.get("message"), dict):
            line["message"][key] = deepcopy(value)
            blocks = line["message"].get("content")
            for block in blocks if isinstance(blocks, list) else []:
                if isinstance(block, dict):
                    block[key] = deepcopy(value)
    agree(file(*lines).getvalue())
