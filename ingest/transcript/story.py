"""From records to a digest: responses grouped, calls joined with results, prompts counted once.

It sees each record once, in order, with the events that `pieces` found in it. What it keeps is
bounded by `ROOM`, whatever comes; the rest is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from sys import getsizeof
from typing import Any

from ingest.transcript import outcome, said, tools
from ingest.transcript.model import Call, Digest, Moment, Response, Result, Said
from ingest.transcript.pieces import Piece, one_result
from ingest.transcript.queued import Queue
from ingest.transcript.record import Json, Record, asked_by, count, fields, name, text

ROOM = 96 << 20  # bytes that a digest may take: three times what 128 MB of real records need
SHORT = 400  # characters of a moment
_AROUND = 2_000  # of these, as blanks at the ends are none
_CALL = 960  # bytes, with its result
_CONVERSATION = ("human", "slash", "interrupt", "answer", "thinking", "api_error", "task")
_PLAN = "Implement the following plan"


@dataclass(slots=True)
class _Place:
    """Where the record at hand stands, and the response it belongs to."""

    record: Record
    line: int
    agent: str | None
    main: bool
    cwd: str | None
    response: Response | None = None
    told: bool = False  # its prompt was already counted


class Story:
    """Writes `digest`. `left_out`: how many things found no room."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._room = ROOM
        self.left_out = 0
        self._responses: dict[str, Response] = {}
        self._calls: dict[str, Call] = {}  # by id, else by uuid of their record
        self._known: dict[str, str] = {}  # one copy of each text that comes again and again
        self._queue = Queue()
        self._plan: Call | None = None  # refused, and nothing said since

    def add(
        self,
        record: Record,
        found: list[Piece],
        turn: int,
        line: int,
        *,
        agent: str | None,
    ) -> None:
        """One record whose first event is `turn`. `agent`: whose it is; None: the session's."""
        place = _Place(record, line, agent, agent is None, self._one(record.data.get("cwd")))
        if record.type == "assistant":
            self._respond(place, turn + len(found) - 1 if found else -1)
        elif record.type == "queue-operation":
            self._queue.moves(record)
        alone = one_result(found)
        for piece in found:
            if piece.kind == "tool_use":
                if piece.block.get("type") == "tool_use":
                    self._call(place, piece.block, turn)
            elif piece.kind == "tool_result":
                if piece.block.get("type") == "tool_result":
                    self._result(place, piece.block, turn, alone=alone)
            elif piece.said is not None:
                self._say(place, piece, piece.said, turn)
            turn += 1

    def end(self) -> None:
        """No more records come."""
        moments, gone = self._digest.moments, self._queue.withdrawn
        if gone:
            moments[:] = [one for one in moments if one.turn not in gone]

    def _one(self, value: object) -> str | None:
        found = name(value)
        if found is None:
            return None
        if len(self._known) > 5_000:
            self._known.clear()
        return self._known.setdefault(found, found)

    def _fits(self, size: int, *texts: str | None) -> bool:
        """Takes room for a thing of `size` bytes that holds `texts`, if there is any left."""
        size += sum(map(getsizeof, texts))
        if size > self._room:
            self.left_out += 1
            return False
        self._room -= size
        return True

    # Responses

    def _respond(self, place: _Place, turn: int) -> None:
        record = place.record
        message = record.message
        key = (
            name(message.get("id"))
            or name(record.data.get("requestId"))
            or record.uuid
            or f"{place.agent or ''}:{place.line}"
        )
        response = self._responses.get(key)
        if response is None:
            if not self._fits(420, key):
                return
            model = self._one(message.get("model"))
            response = Response(
                key=key,
                line=place.line,
                turn=-1,
                uuid=None,
                at=None,
                agent=place.agent,
                model=None if model == said.SYNTHETIC else model,
                stop_reason=None,
                texts=False,
                calls=False,
                synthetic=model == said.SYNTHETIC,
            )
            self._responses[key] = response
            self._digest.responses.append(response)
        response.line, response.uuid = place.line, record.uuid
        response.at = record.at if record.at is not None else response.at
        response.turn = max(turn, response.turn)
        response.stop_reason = self._one(message.get("stop_reason")) or response.stop_reason
        _use(response, fields(message.get("usage")))
        place.response = response
        if place.main and turn < 0 and not response.synthetic:
            self._digest.last = response

    # Calls and results

    def _call(self, place: _Place, block: Json, turn: int) -> None:
        record = place.record
        identity = name(block.get("id")) or ""
        response = place.response
        if response is not None:
            response.calls = True
        key = identity or record.uuid or f"{place.agent or ''}:{turn}"
        if (identity and identity in self._calls) or not self._fits(
            _CALL, key, record.uuid, record.parent_uuid
        ):
            return
        tool = self._one(block.get("name")) or ""
        given = block.get("input")
        call = Call(
            turn=turn,
            line=place.line,
            uuid=record.uuid,
            parent_uuid=record.parent_uuid,
            id=identity,
            name=tool,
            kind=tools.kind(tool),
            skill=tools.skill(tool, given),
            subagent=tools.subagent(tool, given),
            agent=place.agent,
            response=response.key if response else "",
            at=record.at,
            model=response.model if response else None,
            cwd=place.cwd,
            same=tools.same(tool, given),
            poller=tools.poller(tool, given),
            edits=tool in tools.EDITS,
        )
        self._digest.calls.append(call)
        self._calls[key] = call
        if place.main:
            self._digest.last = call
            self._plan = None

    def _result(self, place: _Place, block: Json, turn: int, *, alone: bool) -> None:
        record = place.record
        content = block.get("content")
        head = outcome.head_of(content)
        ended, cause = outcome.decide(record.data, block, head, alone=alone)
        call = self._calls.get(asked_by(record, block))
        if call is not None and call.result is not None:
            return  # the first wins
        if call is None and ended == "ok":
            return
        if ended == "ok":
            head = ""
        elif not head and alone:
            head = text(record.data.get("toolUseResult"))[: outcome.HEAD]
        if not self._fits(0, head):
            head = ""  # a call was given room for all the rest
        result = Result(
            turn=turn,
            line=place.line,
            uuid=record.uuid,
            at=record.at,
            is_error=block.get("is_error") is True,
            text=head,
            same=tools.same_result(content),
        )
        if call is None:
            if not self._fits(_CALL):
                return
            call = _orphan(result, block, place)
            self._digest.orphans.append(call)
        call.result, call.outcome, call.cause = result, ended, cause
        if cause == "clarify" and call.name not in ("AskUserQuestion", ""):
            call.cause = "structural"
        if place.main:
            self._digest.last = result
            refused = ended == "user_rejected" and call.name == "ExitPlanMode"
            self._plan = call if refused else self._plan

    # What was said

    def _say(self, place: _Place, piece: Piece, who: Said, turn: int) -> None:
        if who == "slash":
            for command in said.commands(piece.text):
                self._moment(place, "slash", command, turn)
            return
        words, detail = piece.text, ""
        if who == "human":
            if place.told:
                return  # an image or a second text of the same prompt
            place.told = True
            words = said.own_words(words)
            if place.record.type != "queue-operation":
                self._queue.seen(words[:SHORT], place.record.at)
            if words.startswith(_PLAN) and self._plan is not None:
                self._plan.cause = "plan_accepted"
            if place.main:
                self._plan = None
        elif who == "task":
            detail = said.task_status(words)
        elif who == "api_error":
            detail = said.api_error(place.record, words)
        elif who == "answer":
            words = words[-_AROUND:].rstrip()[-SHORT:]
        if place.response is not None and who == "answer":
            place.response.texts = True
            self._plan = None if place.main else self._plan
        self._moment(place, who, words[:_AROUND].strip()[:SHORT], turn, detail)

    def _moment(self, place: _Place, who: Said, words: str, turn: int, detail: str = "") -> None:
        record = place.record
        if not self._fits(240, record.uuid, record.parent_uuid, words):
            return
        moment = Moment(
            said=who,
            turn=turn,
            line=place.line,
            uuid=record.uuid,
            parent_uuid=record.parent_uuid,
            at=record.at,
            agent=place.agent,
            text=words,
            response=place.response.key if place.response else "",
            detail=detail,
            cwd=place.cwd,
            queued=record.type != "user" and who == "human",
        )
        self._digest.moments.append(moment)
        if moment.queued:
            self._queue.put(moment, handed_over=record.type == "attachment")
        if place.main and who in _CONVERSATION:
            self._digest.last = moment


def _use(response: Response, usage: dict[str, Any]) -> None:
    """The tokens of the record that has the most output: the others repeat it in part."""
    if not usage:
        return
    output = count(usage.get("output_tokens"))
    if output < response.output_tokens:
        return
    response.output_tokens = output
    response.input_tokens = count(usage.get("input_tokens"))
    response.cache_read_tokens = count(usage.get("cache_read_input_tokens"))
    response.cache_creation_tokens = count(usage.get("cache_creation_input_tokens"))


def _orphan(result: Result, block: Json, place: _Place) -> Call:
    record = place.record
    return Call(
        turn=result.turn,
        line=result.line,
        uuid=result.uuid,
        parent_uuid=record.parent_uuid,
        id=name(block.get("tool_use_id")) or "",
        name="",
        kind="tool_use",
        skill=None,
        subagent=None,
        agent=place.agent,
        response="",
        at=result.at,
        model=None,
        cwd=place.cwd,
        same=b"",
        poller=False,
        edits=False,
    )
