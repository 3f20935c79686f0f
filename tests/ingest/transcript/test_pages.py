"""Pages of a transcript, with an index and without: the same events as the whole."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.transcript import BadIndex, Index, Indexer, build, events, head, read
from ingest.transcript.events import Event
from ingest.transcript.pages import piece
from ingest.transcript.pieces import GROUPS
from tests.ingest.transcript.written import (
    AT,
    REJECTED,
    agent,
    answer,
    call,
    file,
    result,
    says,
    user,
)

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def all_of(stream: io.BytesIO) -> list[Event]:
    made = build(stream)
    found = events(made, stream, (), 0, made.total + 5)
    assert [one.turn for one in found] == list(range(made.total))
    return found


def test_each_block_is_an_event_of_its_kind() -> None:
    found = all_of(
        file(
            user([says("look"), PICTURE], "u"),
            agent({"type": "thinking", "thinking": "hm"}, says("so"), call(path="a.py"), uuid="a"),
            user([answer([says("one"), PICTURE, says("two")], error=True)], "r", parentUuid="a"),
        )
    )
    assert [(one.kind, one.role, one.subtype, one.text) for one in found] == [
        ("text", "user", "human", "look"),
        ("image", "user", "", ""),
        ("thinking", "assistant", "", "hm"),
        ("text", "assistant", "answer", "so"),
        ("tool_use", "assistant", "", ""),
        ("tool_result", "user", "", "one\ntwo"),
        ("image", "user", "", ""),
    ]
    assert [(one.line, one.uuid, one.block, one.part) for one in found[1:2] + found[5:]] == [
        (1, "u", 1, None),
        (3, "r", 0, None),
        (3, "r", 0, 1),
    ]
    assert [(one.media_type, one.size) for one in found if one.kind == "image"] == [
        ("image/png", 3),
        ("image/png", 3),
    ]
    assert (found[4].input, found[4].tool_use_id, found[4].model) == (
        {"path": "a.py"},
        "t1",
        "opus",
    )
    assert {one.at for one in found} == {1_772_359_200_000_000}


def test_a_result_says_which_call_it_answers_and_how_it_ended() -> None:
    stream = file(
        agent(call("a", "Edit"), call("b", "Bash"), uuid="x"),
        result(REJECTED, "a", error=True, uuid="y"),
        result("fine", "b", uuid="z"),
        result("whose?", "c", uuid="w"),
        result("fine", "b", uuid="z"),
    )
    found = [one for one in all_of(stream) if one.kind == "tool_result"]
    assert [(one.tool_name, one.call_turn, one.outcome, one.is_error) for one in found] == [
        ("Edit", 0, "user_rejected", True),
        ("Bash", 1, "ok", False),
        (None, None, "ok", False),
        ("Bash", 1, "ok", False),
    ]


@pytest.mark.parametrize(
    ("record", "subtype", "text"),
    [
        ({"type": "novel", "x": 1}, "novel", ""),
        ({"type": "system", "subtype": "turn_duration"}, "turn_duration", ""),
        ({"type": "system", "content": "limit reached"}, "system", "limit reached"),
        ({"type": "attachment", "attachment": {"type": "hook_success"}}, "hook_success", ""),
        ({"type": "attachment", "attachment": 5}, "attachment", ""),
        (user("[Request interrupted by user]"), "interrupt", "[Request interrupted by user]"),
        (user([{"type": "document", "source": {}}]), "document", ""),
        (user([7]), "int", ""),
        (agent({"type": "fallback"}), "fallback", ""),
        (agent({}), "unknown", ""),
    ],
)
def test_what_is_not_known_is_shown_as_meta(record: Any, subtype: str, text: str) -> None:
    (found,) = all_of(file(record))
    assert (found.kind, found.subtype, found.text) == ("meta", subtype, text)


@pytest.mark.parametrize(
    "kind",
    [
        *("last-prompt", "mode", "ai-title", "custom-title", "permission-mode", "pr-link"),
        *("file-history-snapshot", "file-history-delta", "progress", "summary", "agent-name"),
    ],
)
def test_state_has_no_event_and_is_counted(kind: str) -> None:
    digest = read(file({"type": kind, "timestamp": AT}))
    assert (digest.turns, digest.records) == (0, {kind: 1})


def test_what_is_too_deep_to_be_written_is_not_shown() -> None:
    line = b'{"type":"assistant","message":{"content":[{"type":"tool_use","input":'
    (found,) = all_of(file(line + b"[" * 600 + b"]" * 600 + b"}]}}"))
    assert found.input == "(nested too deep to be shown)"


def long_session(folder: Path) -> tuple[Path, list[Path]]:
    """About 100 KB in the main file, so that it has several places to start at."""
    main = folder / "s.jsonl"
    records: list[Any] = []
    for n in range(200):
        records += [
            user(f"prompt {n}", f"u{n}"),
            {"type": "mode"},
            "broken",
            agent(says("x" * 300), call(f"t{n}", f"Tool{n % 7}"), uuid=f"a{n}", key=f"m{n}"),
            result("no" if n % 10 == 0 else "fine", f"t{n}", error=n % 10 == 0, uuid=f"r{n}"),
        ]
    main.write_bytes(file(*records).read().replace(b"\n", b"\r\n"))
    sides = []
    for name in ("a2", "a1"):
        side = [
            user(f"do {name}", f"{name}u{n}", isSidechain=True, agentId=name) for n in range(30)
        ]
        path = folder / f"agent-{name}.jsonl"
        path.write_bytes(file(*side, agent(call("t0", "Read"), isSidechain=True)).read())
        sides.append(path)
    return main, sides


def test_a_page_is_that_part_of_the_whole(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    made = build(main, sides)
    assert len(made.offsets) > 4
    assert made.total == read(main, sides).turns == 200 * 4 + 62
    whole = events(made, main, sides, 0, made.total)
    assert [one.turn for one in whole] == list(range(made.total))
    assert [whole[800].agent, whole[-1].agent] == ["a1", "a2"]
    for first in (0, 1, 99, 400, 795, 799, 800, 830, made.total - 1):
        for limit in (1, 7, 100):
            page = events(made, main, sides, first, limit)
            assert page == whole[first : first + limit]
    assert head(main, 0, 800) == whole[:800]
    assert head(main, 390, 25) == whole[390:415]
    assert head(main, 0, 900, sides) == whole
    assert head(main, 795, 30, sides) == whole[795:825]


@pytest.mark.parametrize(("first", "limit"), [(862, 10), (10_000, 1), (-1, 5), (5, 0)])
def test_a_page_past_the_end_is_empty(first: int, limit: int, tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    assert events(build(main, sides), main, sides, first, limit) == []


def test_a_page_reads_little_more_than_its_own_lines(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    made = build(main, sides)
    counted = Counting(main.read_bytes())
    events(made, counted, [], 600, 10)
    assert counted.taken < 45_000 < len(counted.getvalue())
    counted = Counting(main.read_bytes())
    head(counted, 0, 10)
    assert counted.taken < 10_000


class Counting(io.BytesIO):
    """Counts what is read of it."""

    taken = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.taken += len(line)
        return line


def test_a_transcript_that_grew_shows_what_the_index_knows() -> None:
    first = file(user("one"), user("two"))
    made = build(first)
    grown = io.BytesIO(first.getvalue() + file(user("three")).getvalue())
    assert [one.text for one in events(made, grown, (), 0, 10)] == ["one", "two"]
    shrunk = file(user("one"))
    assert [one.text for one in events(made, shrunk, (), 0, 10)] == ["one"]


def test_the_index_knows_where_prompts_and_errors_are(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    made = build(main, sides)
    assert list(made.prompts) == list(range(0, 800, 4))
    assert list(made.errors) == list(range(3, 800, 40))


def test_the_index_knows_where_the_history_was_summarised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    summary = user("This session is being continued from a previous conversation", "s")
    made = build(file(user("one"), {**summary, "isCompactSummary": True}, user("two")))
    assert list(made.compacted) == [1]
    assert Index.from_bytes(made.to_bytes()) == made
    arrays = Index._arrays
    with monkeypatch.context() as patched:  # as it was written before this was known
        patched.setattr(Index, "_arrays", lambda index: arrays(index)[:-1])
        older = made.to_bytes()
    read = Index.from_bytes(older)
    assert (list(read.compacted), list(read.prompts)) == ([], list(made.prompts))


def test_each_event_has_its_group_in_the_index(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    made = build(main, sides)
    assert [GROUPS[one] for one in made.groups[:4]] == ["prompts", "answers", "tools", "tools"]
    assert len(made.groups) == made.total
    shown = file(
        user([says("look"), PICTURE], "u"),
        agent({"type": "thinking", "thinking": "hm"}, call(), uuid="a"),
        user([answer([PICTURE])], "r", parentUuid="a"),
        user("[Request interrupted by user]"),
    )
    assert [GROUPS[one] for one in build(shown).groups] == [
        *("prompts", "prompts", "thinking", "tools", "tools", "tools", "meta")
    ]


def test_the_piece_of_an_event_is_found_with_an_index_and_without(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    made = build(main, sides)
    for turn in (0, 403, 799, 830):
        found = piece(made, main, sides, turn)
        assert found is not None
        assert found == piece(None, main, sides, turn)
    assert piece(made, main, sides, made.total) is None
    assert piece(None, main, sides, made.total) is None


def test_an_index_is_the_same_after_it_was_stored(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    for made in (build(main, sides), build(io.BytesIO()), Index()):
        assert Index.from_bytes(made.to_bytes()) == made


def test_index_and_digest_come_of_one_reading() -> None:
    stream = file(user("hi", "u"), agent(call(), uuid="a"), result("no", error=True, uuid="r"))
    indexer = Indexer()
    assert indexer.finish(read(stream, note=indexer.note)) == build(stream)


def test_what_is_no_whole_index_is_refused(tmp_path: Path) -> None:
    data = build(*long_session(tmp_path)).to_bytes()
    foreign = [b"", b"x", b"PK\x03\x04" + data, data.replace(b"index 2", b"index 1")]
    for bad in foreign:
        with pytest.raises(BadIndex, match="another kind"):
            Index.from_bytes(bad)
    damaged = data[:200] + bytes([data[200] ^ 1]) + data[201:]
    for bad in (damaged, data[:-1], data[:60], data + b"x"):
        with pytest.raises(BadIndex, match="cut short or damaged"):
            Index.from_bytes(bad)


def test_an_index_is_small(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    assert len(build(main, sides).to_bytes()) < main.stat().st_size / 15


def test_an_event_can_be_written_as_json(tmp_path: Path) -> None:
    main, sides = long_session(tmp_path)
    made = build(main, sides)
    for one in events(made, main, sides, 0, made.total):
        orjson.dumps(dataclasses.asdict(one))
