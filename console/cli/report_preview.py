"""What a person sees before a report is sent: where it goes, who reads it, what was cut, and the
very bytes. Pure text; what others wrote has passed `plain`, and the body harms no terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from console.cli.output import moment
from console.cli.report_clean import Cleaning
from console.cli.report_draft import Draft
from console.cli.text import plain

BEGIN, END = "----- the request, as it would be sent -----", "----- end of the request -----"
_LISTED = 200  # secrets that are shown one by one
_NAMES = {
    "home-folder": "the home folder → ~",
    "host-name": "this machine's name → [host]",
    "user-name": "the name of a person in a path → [user]",
}

Json = dict[str, Any]


@dataclass(frozen=True)
class Terms:
    """What the server says of reports. `said`: how old it is, empty for just now."""

    answer: Json | None
    said: str = ""


@dataclass(frozen=True)
class Known:
    """Whether others reported the same. `asked`: False where no server was asked."""

    answer: Json | None
    asked: bool = True


def preview(draft: Draft, body: bytes, *, server: str, terms: Terms, known: Known) -> str:
    """All of it, the bytes last, between BEGIN and END."""
    parts = [
        *_destination(server, terms),
        *_known(draft, known),
        "",
        *_contents(draft, body),
        "",
        *_cut(draft.cuts),
        "",
        *_bytes(body),
    ]
    return "\n".join(parts) + "\n"


def amendment(report: str, body: bytes, cuts: Cleaning, *, server: str) -> str:
    """The same of a change of a report."""
    parts = [f"To         {plain(server)}, report {plain(report)}", *_cut(cuts), *_bytes(body)]
    return "\n".join(parts) + "\n"


def _bytes(body: bytes) -> Iterator[str]:
    yield f"{len(body):,} bytes, exactly:"
    yield BEGIN
    yield body.decode("utf-8")
    yield END


def _destination(server: str, terms: Terms) -> Iterator[str]:
    answer = terms.answer or {}
    place = plain(answer.get("destination") or server)
    yield f"To         {plain(server)}" + (f" ({place})" if place != plain(server) else "")
    if terms.answer is None:
        yield f"Read by    not known: {terms.said}"
        yield f"Kept       not known: {terms.said}"
        return
    age = f"  (as it said {terms.said})" if terms.said else ""
    yield f"Read by    {_readers(answer.get('readers'))}{age}"
    yield f"Kept       {_kept(answer.get('retention_days'))}{age}"


def _readers(readers: object) -> str:
    given = readers if isinstance(readers, dict) else {}
    admins, groups = given.get("admins"), given.get("groups")
    names = [plain(name) for name in groups] if isinstance(groups, list) else []
    said = f"{admins} {'admin' if admins == 1 else 'admins'}" if isinstance(admins, int) else ""
    parts = [part for part in (said, f"and the groups {', '.join(names)}" if names else "") if part]
    return " ".join(parts) or "not said"


def _kept(days: object) -> str:
    if not isinstance(days, int):
        return "not said"
    return (
        f"for {days:,} days" if days else "until somebody deletes it; you can: agnes report delete"
    )


def _known(draft: Draft, known: Known) -> Iterator[str]:
    mark = draft.fingerprint[:12]
    if not known.asked:
        yield f"Known?     not asked (fingerprint {mark})"
        return
    answer = known.answer
    if answer is None:
        yield f"Known?     no: you are the first (fingerprint {mark})"
        return
    count = answer.get("reporters") or answer.get("reports") or 0
    people = "one person" if count == 1 else f"{count:,} people"
    status = plain(answer.get("status") or "open")
    fixed = f", fixed in {plain(answer['fixed_in'])}" if answer.get("fixed_in") else ""
    yield f"Known?     yes: {people} reported the same, {status}{fixed} (fingerprint {mark})"
    yield f"           last on {moment(answer.get('last_at'))}"
    if answer.get("resolution"):
        yield f"           answer: {plain(answer['resolution'])}"


def _contents(draft: Draft, body: bytes) -> Iterator[str]:
    length = len(draft.message)
    size = f"{length:,} {'character' if length == 1 else 'characters'}"
    yield f"Message      {size}" + (f", category {plain(draft.category)}" if draft.category else "")
    yield f"Session      {_session(draft)}"
    if "environment" in draft.without:
        yield "Environment  left out"
    else:
        pairs = (f"{name} {plain(text)}" for name, text in draft.environment.items())
        yield f"Environment  {', '.join(pairs)}"


def _session(draft: Draft) -> str:
    if "session" in draft.without:
        return "left out"
    excerpt = draft.excerpt
    if excerpt is None:
        return f"none: {plain(draft.why_none)}"
    turns = f"{excerpt.count:,} {'turn' if excerpt.count == 1 else 'turns'}"
    said = f"{turns} of {plain(excerpt.path.name)}, {len(excerpt.data) / 1e3:,.1f} kB"
    if excerpt.left_out:
        said += f"; {excerpt.left_out:,} earlier turns were cut, to stay below 1 MiB"
    if draft.linked:
        said += f"; with a link to {plain(excerpt.session_file)}, which the server has"
    return said


def _cut(cuts: Cleaning) -> Iterator[str]:
    parts = [f"{count:,} {rule}" for rule, count in cuts.counts.items()]
    yield f"Cut out      {', '.join(parts) or 'nothing that looks like a secret'}"
    for secret in cuts.secrets[:_LISTED]:
        yield f"  - {plain(secret.where)}: {plain(secret.hint)}"
        yield f"  + {plain(secret.where)}: [REDACTED:{secret.rule}]"
    if len(cuts.secrets) > _LISTED:
        rest = Counter(secret.rule for secret in cuts.secrets[_LISTED:])
        yield f"  and {', '.join(f'{count:,} {rule}' for rule, count in sorted(rest.items()))}"
    for rule, count in sorted(cuts.names.items()):
        yield f"  ~ {_NAMES.get(rule, rule)}, {count:,} times"
    for what, count in sorted(cuts.shortened.items()):
        yield f"  ~ {what} cut, {count:,} times"
