"""Figures of whole transcripts: those of the corpus where there is one, and always one of ours.

`AGNES_TEST_CORPUS` names the folder with `transcripts/labels.jsonl`: one object a line with `file`,
`usage`, the names of figures on which people differ, and `skip`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.transcript import build, events, head, read
from ingest.transcript.model import Digest
from tests.ingest.transcript.written import agent, call, file, result, says, user

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
USED = {"input_tokens": 5, "output_tokens": 40, "cache_read_input_tokens": 100}
OURS = file(
    {"type": "summary", "summary": "A small session"},
    user("<command-name>/clear</command-name><command-message>clear</command-message>", "u0"),
    user("fix it", "u1", sessionId="s1"),
    agent(says("Let me look."), uuid="a1", message={"usage": {**USED, "output_tokens": 3}}),
    agent(call("t1"), call("t2", "Skill", skill="tidy"), uuid="a2", message={"usage": USED}),
    result("Exit code 1", "t1", error=True, uuid="r1"),
    result("fine", "t2", uuid="r2"),
    agent(call("t3", "Task"), uuid="a3", key="m2", message={"usage": USED}),
).getvalue()
LABEL = {
    "usage": {
        "session_id": "s1",
        "user_messages": 1,
        "assistant_messages": 2,
        "tool_calls": 3,
        "calls_by_kind": {"tool_use": 2, "mcp_call": 0, "subagent": 1},
        "outcomes": {
            "ok": 1,
            "error": 1,
            "user_rejected": 0,
            "policy_denied": 0,
            "interrupted": 0,
            "unresolved": 1,
        },
        "slash_names": ["/clear"],
        "distinct_tools": 3,
        "skill_invocations": 1,
        "input_tokens": 10,
        "output_tokens": 80,
        "cache_read_tokens": 200,
        "cache_creation_tokens": 0,
    },
    "usage_uncertain": [],
}


def labelled() -> list[tuple[bytes, dict[str, Any]]]:
    found: list[tuple[bytes, dict[str, Any]]] = [(OURS, LABEL)]
    folder = os.environ.get("AGNES_TEST_CORPUS")
    if folder:
        transcripts = Path(folder) / "transcripts"
        lines = (transcripts / "labels.jsonl").read_text(encoding="utf-8").splitlines()
        labels = [json.loads(line) for line in lines]
        assert labels
        found += [
            ((transcripts / label["file"]).read_bytes(), label)
            for label in labels
            if not label["skip"]
        ]
    return found


@pytest.fixture(params=labelled(), ids=lambda pair: str(pair[1].get("file", "ours")))
def session(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    data, label = request.param
    path = tmp_path / "session.jsonl"
    path.write_bytes(data)
    return path, label


def figures(digest: Digest) -> dict[str, Any]:
    """What a label says of the use, straight from the digest."""
    calls = digest.calls
    said = Counter(one.said for one in digest.moments)
    return {
        "session_id": digest.session_id,
        "user_messages": said["human"],
        "assistant_messages": sum(not one.synthetic for one in digest.responses),
        "tool_calls": len(calls),
        "calls_by_kind": Counter(one.kind for one in calls),
        "outcomes": Counter(one.outcome for one in calls),
        "slash_names": sorted(one.text for one in digest.moments if one.said == "slash"),
        "distinct_tools": len({one.name for one in calls}),
        "skill_invocations": sum(one.skill is not None for one in calls),
        **{name: sum(getattr(one, name) for one in digest.responses) for name in TOKENS},
    }


def test_the_figures_are_those_of_the_label(session: tuple[Path, dict[str, Any]]) -> None:
    path, label = session
    unsure = {name.partition(".")[0] for name in label["usage_uncertain"]}
    if "slash_commands" in unsure:
        unsure.add("slash_names")
    for name, found in figures(read(path)).items():
        expected = label["usage"][name]
        if isinstance(expected, list):
            expected = sorted(expected)
        if isinstance(expected, dict):
            found = {key: found[key] for key in expected}
        assert name in unsure or found == expected, name


def test_every_page_is_that_part_of_the_whole(session: tuple[Path, dict[str, Any]]) -> None:
    path, _ = session
    index = build(path)
    assert index.total == read(path).turns
    whole = events(index, path, (), 0, index.total)
    assert [one.turn for one in whole] == list(range(index.total))
    assert head(path, 0, index.total) == whole
    for first in range(0, index.total, 61):
        assert events(index, path, (), first, 20) == whole[first : first + 20]
