"""Both indexes of a session in one pass, as the process that indexes makes them."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ingest import index_files
from ingest.indexer import Changed, index
from ingest.session_files import FOLDER
from ingest.text_index import Reading, Writer
from ingest.text_query import match_of
from ingest.transcript import events
from ingest.transcript.index import build
from tests.transcripts import Transcript

KEY = "u/s.jsonl"
CORPUS = os.environ.get("AGNES_TEST_CORPUS")


def order(folder: Path, *names: str) -> dict[str, Any]:
    files = [
        {
            "session_file": name,
            "sha256": hashlib.sha256((folder / FOLDER / name).read_bytes()).hexdigest(),
        }
        for name in names
    ]
    about = {"session_file": names[0], "user_id": "u", "hash": "h" * 64}
    return {"do": "index", **about, "uploaded_at": "2026-05-20T09:00:00", "files": files}


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def turns(folder: Path, q: str) -> list[int]:
    match = match_of(q)
    assert match is not None
    with Reading(folder) as reading:
        found = reading.within(match, KEY, 1000)
    assert found is not None
    return [turn for _, turn in found]


def test_both_indexes_count_turns_alike(tmp_path: Path) -> None:
    talk = Transcript().prompt("mend the gauge").answer("The gauge is mended.")
    talk = talk.user([{"type": "text", "text": "one more gauge"}])
    main = put(tmp_path, KEY, talk.data)
    sub = put(
        tmp_path, "u/s/subagents/agent-a.jsonl", Transcript(agent="a").answer("A gauge.").data
    )
    total = index(tmp_path, Writer(tmp_path), order(tmp_path, KEY, "u/s/subagents/agent-a.jsonl"))
    assert total == 4
    assert turns(tmp_path, "gauge") == [0, 1, 2, 3]
    assert turns(tmp_path, '"is mended"') == [1]
    read = index_files.read(tmp_path, KEY, "h" * 64)
    assert read is not None
    assert read[0] == build(main, [sub])
    assert events(read[0], main, [sub], 3, 1)[0].text == "A gauge."


def test_what_tools_were_asked_and_answered_is_found(tmp_path: Path) -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls walrus/"}}
    answered = {"type": "tool_result", "tool_use_id": "t1", "content": "tusk.txt"}
    thought = {"type": "thinking", "thinking": "a narwhal"}
    talk = (
        Transcript()
        .prompt("look")
        .record("assistant", message={"role": "assistant", "content": [thought, call]})
    )
    put(tmp_path, KEY, talk.user([answered]).data)
    index(tmp_path, Writer(tmp_path), order(tmp_path, KEY))
    assert turns(tmp_path, "narwhal") == [1]
    assert turns(tmp_path, "walrus") == turns(tmp_path, "bash") == [2]
    assert turns(tmp_path, "tusk") == [3]
    assert turns(tmp_path, "command") == [], "names of fields are no words"


def test_other_bytes_than_were_said_are_not_indexed(tmp_path: Path) -> None:
    put(tmp_path, KEY, Transcript().prompt("first").data)
    wanted = order(tmp_path, KEY)
    put(tmp_path, KEY, Transcript().prompt("second").data)
    with pytest.raises(Changed):
        index(tmp_path, Writer(tmp_path), wanted)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "secret"
    elsewhere.write_bytes(Transcript().prompt("hidden").data)
    (tmp_path / FOLDER / "u").mkdir(parents=True)
    (tmp_path / FOLDER / KEY).symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic"):
        index(tmp_path, Writer(tmp_path), order(tmp_path, KEY))


def conversations() -> list[bytes]:
    """One that is made up, and the real ones where there are some."""
    made = Transcript().prompt("where do pelicans sleep").answer("on quiet islands, mostly").data
    real = sorted(Path(CORPUS).rglob("*.jsonl")) if CORPUS else []
    return [made, *(path.read_bytes() for path in real)]


def test_every_transcript_is_indexed_and_found(tmp_path: Path) -> None:
    writer, seen = Writer(tmp_path), 0
    for number, data in enumerate(conversations()):
        key = f"u/{number}.jsonl"
        copy = put(tmp_path, key, data)
        total = index(tmp_path, writer, order(tmp_path, key))
        shown = index_files.read(tmp_path, key, "h" * 64)
        assert shown is not None
        texts = [one for one in events(shown[0], copy, [], 0, 500) if one.kind == "text"]
        words = [(one.turn, word) for one in texts for word in re.findall(r"[a-z]{3,}", one.text)]
        copy.unlink()
        if not words or not total:
            continue
        turn, word = words[len(words) // 2]
        with Reading(tmp_path) as reading:
            found = reading.within(f'"{word}"', key, 100_000)
        in_reach = next(one.text for one in texts if one.turn == turn)[:19_000]
        if re.search(rf"(?<![^\W_]){word}(?![^\W_])", in_reach):
            assert turn in [place for _, place in found or ()], (number, turn, word)
            seen += 1
    assert seen
