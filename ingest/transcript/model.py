"""What a transcript says, once its dirt is gone: the values that usage, findings and viewer share.

A `Digest` holds facts of bounded size about every call, prompt and answer, never their whole texts,
so that it stays small whatever the size of the file. It knows nothing of tables, users or rules
about failures.

Turns: `turn` is the index of an event in the list that the viewer shows (`events.py`). The list is
that of the session's own file, followed by those of its subagents' files in order of name.
`line` is the line within its own file, counted from 1.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["tool_use", "mcp_call", "subagent"]
Outcome = Literal["ok", "error", "user_rejected", "policy_denied", "interrupted", "unresolved"]
# Why a call did not go well; "" for one that did. `os`: the operating system refused.
# `harness`: refused by Claude Code itself (<tool_use_error>). `exec`: the tool ran and failed.
Cause = Literal["", "os", "harness", "exec", "structural", "policy", "clarify", "plan_accepted"]
Said = Literal[
    "human",  # a prompt that a person typed, also while the agent worked (queued)
    "slash",  # one slash command; `text` is its name, as "/clear"
    "interrupt",  # "[Request interrupted by user]" or "... for tool use]"
    "answer",  # text of the agent; `text` is its END, for it may be a question
    "thinking",  # an answer's thinking
    "api_error",  # an API error shown as an answer; `text` its beginning
    "task",  # a notification of a background task
    "machine",  # meta, hook feedback, command output, reminders: nobody typed it
    "compact",  # the history was summarised here
]


@dataclass(slots=True)
class Result:
    """The answer of a tool."""

    turn: int
    line: int
    uuid: str | None
    at: int | None  # microseconds since 1970, UTC
    is_error: bool  # what the record says: absent means false
    text: str  # first 2 KB of the text, "" where the call went well
    same: bytes | None  # digest of the whole content, None when it is empty


@dataclass(slots=True)
class Call:
    """One tool_use, joined to its result."""

    turn: int
    line: int
    uuid: str | None
    parent_uuid: str | None
    id: str  # tool_use id, "" where it has none
    name: str
    kind: Kind
    skill: str | None
    subagent: str | None
    agent: str | None  # agent id of a sidechain; None: the session itself
    response: str  # key of the API response; parallel calls share it
    at: int | None
    model: str | None
    cwd: str | None
    same: bytes  # digest of name and canonical input (no description, no timeout)
    poller: bool  # asks again by design: BashOutput, TodoWrite, `sleep` ...
    edits: bool  # changes files: Edit, Write, MultiEdit, NotebookEdit
    outcome: Outcome = "unresolved"
    cause: Cause = ""
    result: Result | None = None


@dataclass(slots=True)
class Moment:
    """One thing said: by a person, by the agent, or by the machinery around them."""

    said: Said
    turn: int
    line: int
    uuid: str | None
    parent_uuid: str | None
    at: int | None
    agent: str | None
    text: str  # at most 400 characters
    response: str = ""  # for answer, thinking, api_error: key of the API response
    detail: str = ""  # api_error: rate_limit, server_error, ...; task: its status
    cwd: str | None = None
    queued: bool = False  # typed while the agent worked


@dataclass(slots=True)
class Response:
    """One API response, however many records it was written as."""

    key: str
    line: int  # of its last record
    turn: int  # of its last event, -1 if it has none
    uuid: str | None  # of its last record
    at: int | None
    agent: str | None
    model: str | None  # None for "<synthetic>"
    stop_reason: str | None
    texts: bool  # has text that is not blank
    calls: bool
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    synthetic: bool = False  # "<synthetic>": an API error or a filler, nobody's answer


@dataclass(slots=True)
class Problem:
    """A piece that could not be read. `agent`: of whose file."""

    line: int  # 0: the session as a whole
    what: str
    agent: str | None = None


@dataclass(slots=True)
class Digest:
    """One session. Lists are in the order of the file; those of subagents' files follow.

    Records that an earlier file owns (`copied`) have turns and roots like all others, but are in
    none of `calls`, `moments`, `responses` and `times`.
    """

    session_id: str | None = None  # the one that most records of the main file name
    calls: list[Call] = field(default_factory=list)
    # Results that went wrong and whose call is not in the file, as calls without a name; the
    # place, time and agent are the result's. Nowhere counted.
    orphans: list[Call] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    times: array[int] = field(default_factory=lambda: array("q"))  # every timestamp, unsorted
    last: Call | Result | Moment | Response | None = None  # last conversational thing, main file
    roots: list[str] = field(default_factory=list)  # uuids of records without a parent: lineage
    copied: int = 0  # records left out because an earlier file owns them
    records: dict[str, int] = field(default_factory=dict)  # type -> how many
    # The first 100, and those about the whole.
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    turns: int = 0  # length of the event list
