"""Lines that could not be read: each is told once, before the event that follows it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.transcript import build, read
from ingest.transcript.problems import unread
from tests.ingest.transcript.written import agent, call, file, says, user

LINES = st.sampled_from(
    [
        b"{broken",
        b"[1]",
        user("x" * 20_000),  # so that there are several places to start at
        agent(says("so"), call("t1")),
        {"type": "mode"},
        "",
    ]
)


@given(st.lists(LINES, max_size=30), st.integers(1, 9))
def test_all_sections_together_tell_each_once(lines: list[object], size: int) -> None:
    stream = file(*lines)  # type: ignore[arg-type]
    index = build(stream)
    found = []
    for first in range(0, index.total, size):
        stop = min(first + size, index.total)
        part = list(unread(index, stream, (), first, stop))
        assert all(first <= one.turn < stop or one.turn == stop == index.total for one in part)
        found += part
    known = read(stream).problems if index.total else []
    assert [(one.line, one.what) for one in found] == [(one.line, one.what) for one in known]


def test_those_of_a_subagent_name_it() -> None:
    main, side = file(user("do it")), file(b"{broken", user("done", agentId="a", isSidechain=True))
    index = build(main, [side])
    (one,) = unread(index, main, [side], 0, index.total)
    assert (one.turn, one.line, one.agent) == (1, 1, "agent 1")
