"""The session stops where it should go on: a call without a result, a prompt without an answer.

Says what it would mean if nothing more came. Whether something may still come is for the clock
(`quiet_at`), for a file that is being written stops at any place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ingest.findings.finding import Finding, Severity, response_of
from ingest.transcript.model import Call, Digest, Moment, Response, Result

QUIET = timedelta(minutes=30)
_EPOCH = datetime(1970, 1, 1)


def abrupt_end(digest: Digest) -> list[Finding]:
    """At most one, shown by the last conversational record of the session itself."""
    last = digest.last
    ending = _ending(digest, last) if last else None
    if last is None or ending is None:
        return []
    subtype, severity, says = ending
    return [
        Finding(
            finding_type="abrupt_end",
            subtype=subtype,
            severity=severity,
            turn_index=last.turn if last.turn >= 0 else None,
            line_no=last.line,
            event_uuid=last.uuid,
            agent_id=None,
            excerpt=says,
        )
    ]


def quiet_at(digest: Digest, *, now: datetime, uploaded_at: datetime) -> datetime:
    """The moment from which on the session counts as left. All times are naive UTC.

    Half an hour after the last timestamp in the file. The upload stands in where the file has none,
    or one from the future: else a wrong clock would keep the session open for ever.
    """
    last = _EPOCH + timedelta(microseconds=max(digest.times)) if digest.times else uploaded_at
    return (last if last <= now else uploaded_at) + QUIET


_Ending = tuple[str, Severity, str]


def _ending(digest: Digest, last: Call | Result | Moment | Response) -> _Ending | None:
    if isinstance(last, Moment):
        return _of_words(digest, last)
    if isinstance(last, Response):
        return _of_response(digest, last)
    return _of_call(digest, last)


def _of_words(digest: Digest, last: Moment) -> _Ending | None:
    if last.said == "api_error":
        limited = last.detail == "rate_limit"
        return "api_error", "warning" if limited else "error", last.text
    if last.said == "human":
        return "unanswered", "warning", f"No answer to: {last.text}"
    if last.said == "slash" and ":" in last.text and not _is_local(digest, last):
        return "unanswered", "warning", f"No answer to: {last.text}"
    if last.said in ("answer", "thinking"):
        return _of_response(digest, _response(digest, last.response))
    return None  # /exit, an interrupt, a notification: nobody waits


def _is_local(digest: Digest, slash: Moment) -> bool:
    """Claude Code itself answered a command. Only those of plugins and folders surely go to the
    agent: they have a colon.
    """
    after = (said for said in reversed(digest.moments) if said.turn > slash.turn)
    return any(said.text.startswith("<local-command-") for said in after)


def _of_call(digest: Digest, last: Call | Result) -> _Ending | None:
    call = last if isinstance(last, Call) else _call_of(digest, last)
    if call is None:
        return None
    together = [one for one in digest.calls if response_of(one) == response_of(call)] or [call]
    if any(one.outcome in ("user_rejected", "interrupted") for one in together):
        return None
    name = call.name or "a call"
    says = f"The agent did not go on after the result of {name}"
    return _unresolved(together) or ("after_tool", "warning", says)


def _of_response(digest: Digest, response: Response | None) -> _Ending | None:
    if response is None:
        return None
    if response.calls:  # made before the last words of the response
        return _unresolved([one for one in digest.calls if one.response == response.key])
    if response.stop_reason == "max_tokens":
        return "truncated", "info", "The answer was cut at the limit of tokens"
    return None if response.texts else ("truncated", "info", "The last answer holds no text")


def _unresolved(calls: Sequence[Call]) -> _Ending | None:
    for call in reversed(calls):
        if call.outcome == "unresolved":
            return "tool_unresolved", "warning", f"{call.name} was called, no result followed"
    return None


def _response(digest: Digest, key: str) -> Response | None:
    found = (one for one in reversed(digest.responses) if one.key == key)
    return next(found, None)


def _call_of(digest: Digest, result: Result) -> Call | None:
    calls = (*reversed(digest.calls), *digest.orphans)
    return next((call for call in calls if call.result is result), None)
