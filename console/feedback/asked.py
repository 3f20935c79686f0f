"""How reports are asked for: the parameters of list, cards, facets, export and page, as the one
filter that they share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from console.feedback.given import STATUSES
from console.handler import flag
from console.instance import Instance
from console.queries.feedback_filter import NONE, TERMS, FeedbackFilter
from console.queries.sessions import FINDING_TYPES
from console.queries.window import moment
from schema.errors import BadParameter
from schema.policy import Principal

WINDOW = ("since_minutes", "since", "until")
FILTERS = (*WINDOW, *TERMS, "heads")
YEAR = 525_600  # minutes
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": STATUSES,
    "finding": FINDING_TYPES,
    "has_session": ("true", "false"),
}
_LONGEST = 512  # characters


def filter_of(
    given: Mapping[str, str], *, now: datetime, instance: Instance, me: Principal
) -> FeedbackFilter:
    """Parameters of a request -> filter; `assignee` and `reporter` may be an id, an e-mail or
    `me`. Without a window reports of any age. Blocks: it may look up people. Raises
    BadParameter."""
    for name, text in given.items():
        if name in _CHOICES and text not in _CHOICES[name]:
            raise BadParameter(name, text, "one of " + ", ".join(_CHOICES[name]))
        if len(text) > _LONGEST:
            raise BadParameter(name, text, f"at most {_LONGEST} characters")
    terms = {name: given[name] for name in TERMS if name in given}
    for name in ("assignee", "reporter"):
        if name in terms and terms[name] != NONE:
            terms[name] = _person(instance, me, terms[name])
    for name in ("q", "tag", "category"):
        if name in terms:
            terms[name] = terms[name].lower() if name == "q" else terms[name].casefold()
    since, until = _window(given, now)
    heads = flag(given, "heads") if "heads" in given else True
    return FeedbackFilter(since, until, terms, heads)


def _person(instance: Instance, me: Principal, text: str) -> str:
    """The id of who is meant; the text itself, which matches nothing, where it is nobody."""
    if text == "me":
        return me.user_id
    people = instance.people.all()
    wanted = text.casefold()
    named = (one.id for one in people.values() if one.email.casefold() == wanted)
    return text if text in people else next(named, text)


def _window(given: Mapping[str, str], now: datetime) -> tuple[datetime | None, datetime | None]:
    until = moment("until", given["until"]) if "until" in given else None
    since = moment("since", given["since"]) if "since" in given else None
    if since is None and "since_minutes" in given:
        text = given["since_minutes"]
        plain = text.isascii() and text.isdigit() and len(text) < 20
        if not (plain and 1 <= int(text) <= YEAR):
            raise BadParameter("since_minutes", text, f"a whole number from 1 to {YEAR}")
        since = (until or now) - timedelta(minutes=int(text))
    if since is not None and until is not None and since > until:
        raise BadParameter(
            "since", since.isoformat() + "Z", f"a time before until={until.isoformat()}Z"
        )
    return since, until
