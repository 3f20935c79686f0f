"""How a filter of the audit log is asked for: as parameters of a request, and as one typed text.

    action:sync. -result:error user:a.b@example.com since:2d "free text"

`action` and `resource` are met by what begins like the value, `user` by any part of a name or
e-mail, `result` by a class or what begins like the value. With `:=` only the value itself counts
(`action:=auth.login` is no `auth.login_failed`; `user:=…` is an id), be it unknown, empty or the
text none; without it `none` means rows that have none.

The page's query box, the API's `query` and the CLI's `--query` are this one grammar. SPEC section
5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.queries import typed_words
from console.queries.audit_filter import NONE, NULLABLE, AuditFilter, Term
from console.queries.vocabulary import CLIENT_KINDS, RESULT_CLASSES, SOURCES
from console.queries.window import MAX_MINUTES, moment, since
from schema.errors import BadParameter

TEXT_LIMIT = 512
TERMS_LIMIT = 50
DAY = 1440
WEEK = 10_080
_WILDCARDS = 8  # each further % multiplies the cost of a match

# Parameters that are one term each, and those of them that have a `_not` twin.
PLAIN = (
    "user_id",
    "action_prefix",
    "action_in",
    "resource",
    "resource_prefix",
    "result_pattern",
    "result_class",
    "source",
    "client_kind",
    "correlation_id",
    "q",
)
TWINS = ("user_id", "action_prefix", "resource_prefix", "result_class", "source", "client_kind")
WINDOW = ("since_minutes", "since", "until")
PARAMETERS = (
    *WINDOW,
    *PLAIN,
    *(f"{name}_not" for name in TWINS),
    "query",
    "include_self_reads",
)
_CLOSED = {"result_class": RESULT_CLASSES, "client_kind": (*CLIENT_KINDS, "none")}

# What may stand before the colon in a typed query.
QUERY_FIELDS = ("action", "resource", "result", "source", "user", "kind", "correlation")
# Field -> the term of a value, and of one that is said to be the whole.
_BEGINS = {
    "action": "action_prefix",
    "resource": "resource_prefix",
    "kind": "client_kind",
    "correlation": "correlation_id",
    "user": "user_id",
}
_EXACT = {**_BEGINS, "action": "action_in", "resource": "resource", "result": "result_is"}

Resolve = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class Asked:
    """A filter and how it was asked for: `echo` answers the caller, `key` tells two reads apart."""

    filter: AuditFilter
    echo: dict[str, str | int | bool | None]
    key: tuple[tuple[str, str], ...] = field(default=())


def ask(given: Mapping[str, str], *, now: datetime, resolve: Resolve) -> Asked:
    """Parameters of a request -> filter. `resolve` finds the ids of the people meant by a typed
    name."""
    terms = [
        _term(name, text)
        for name, text in given.items()
        if name not in (*WINDOW, "query", "include_self_reads")
    ]
    typed = _Typed(now=now, resolve=resolve)
    if "query" in given:
        typed.read(given["query"])
    terms += typed.terms
    if len(terms) > TERMS_LIMIT:
        raise BadParameter("query", given.get("query", ""), f"at most {TERMS_LIMIT} terms")
    until = moment("until", given["until"]) if "until" in given else None
    upper = _narrower(until, typed.until, min) or now
    lower = _narrower(_lower(given, upper, terms, typed), typed.since, max)
    if lower is not None and lower > upper:
        raise BadParameter("since", _iso(lower), f"a time before until={_iso(upper)}")
    hidden = _flag(given.get("include_self_reads", "false"))
    chosen = AuditFilter(lower, upper, tuple(terms), hidden)
    echo: dict[str, str | int | bool | None] = {name: given.get(name) for name in PARAMETERS}
    echo |= {
        "since": _iso(lower),
        "until": _iso(upper),
        "since_minutes": round((upper - lower).total_seconds() / 60) if lower else None,
        "include_self_reads": hidden,
    }
    return Asked(chosen, echo, tuple(sorted(given.items())))


def _lower(
    given: Mapping[str, str], upper: datetime, terms: list[Term], typed: _Typed
) -> datetime | None:
    if "since" in given:
        return moment("since", given["since"])
    if "since_minutes" in given:
        return upper - timedelta(minutes=_minutes(given["since_minutes"]))
    if typed.since is not None:
        return None  # the typed bound stands alone
    searching = any(term.field == "q" for term in terms)
    return upper - timedelta(minutes=WEEK if searching else DAY)


def window(given: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """`since` and `until` of a list that takes no other filter; the last day without any."""
    bounds = {name: given[name] for name in WINDOW if name in given}
    found = ask(bounds, now=now, resolve=lambda name: ()).filter
    if found.since is None or found.until is None:
        raise LookupError("a window without a typed query has both ends")
    return found.since, found.until


def _term(name: str, text: str) -> Term:
    excluded = name.endswith("_not")
    name = name.removesuffix("_not")
    limited(name, text)
    if name == "action_in":
        values = tuple(part.strip() for part in text.split(",") if part.strip())
        if not 0 < len(values) <= TERMS_LIMIT:
            raise BadParameter(name, text, f"1 to {TERMS_LIMIT} actions, separated by commas")
        return Term(name, values)
    if name == "result_pattern" and (len(text) > 128 or text.count("%") > _WILDCARDS):
        raise BadParameter(name, text, f"at most 128 characters and {_WILDCARDS} times %")
    if name in _CLOSED and text not in _CLOSED[name]:
        raise BadParameter(name, text, "one of " + ", ".join(_CLOSED[name]))
    return Term(name, (text.lower() if name == "q" else text,), excluded)


class _Typed:
    """Reads one typed query. Equal fields widen (`action:a action:b`: either), all else narrows."""

    def __init__(self, *, now: datetime, resolve: Resolve) -> None:
        self._now = now
        self._resolve = resolve
        self._fields: dict[tuple[str, bool], list[str]] = {}
        self._texts: list[Term] = []
        self.since: datetime | None = None
        self.until: datetime | None = None

    @property
    def terms(self) -> list[Term]:
        fields = [
            Term(self._field(name, values), tuple(dict.fromkeys(values)), excluded)
            for (name, excluded), values in self._fields.items()
        ]
        return fields + self._texts

    def _field(self, name: str, values: list[str]) -> str:
        """A result that is a class means the class, not what begins like its name too."""
        classes = name == "result" and all(value in RESULT_CLASSES for value in values)
        return "result_class" if classes else name

    def read(self, text: str) -> None:
        limited("query", text, TEXT_LIMIT * 4)
        for word in typed_words.read(text):
            if not word.closed:
                raise BadParameter("query", text, 'a quote " is not closed')
            self._word(word.field, word.value, excluded=word.excluded, exact=word.exact)

    def _word(self, name: str | None, value: str, *, excluded: bool, exact: bool) -> None:
        if name is None:
            if value.endswith(":") and value[:-1].lower() in (*QUERY_FIELDS, "since", "until"):
                raise BadParameter("query", value, "give a value after the colon")
            if value:
                self._texts.append(Term("q", (limited("query", value).lower(),), excluded))
            return
        if name in ("since", "until"):
            self._bound(name, value, excluded=excluded)
        elif name not in QUERY_FIELDS:
            raise BadParameter.unknown(name, (*QUERY_FIELDS, "since", "until"), what="field")
        elif not value and not exact:
            raise BadParameter("query", f'{name}:""', "give a value after the colon")
        else:
            field, values = self._meaning(name, limited("query", value), exact=exact)
            self._fields.setdefault((field, excluded), []).extend(values)

    def _meaning(self, name: str, value: str, *, exact: bool) -> tuple[str, tuple[str, ...]]:
        """The term's field and values."""
        field = _EXACT.get(name, name)
        if exact:
            return (f"{field}_is" if value == NONE and field in NULLABLE else field), (value,)
        if value == NONE and field in NULLABLE:
            return field, (value,)
        if name == "user":
            return field, self._resolve(value)
        if name == "kind" and value not in _CLOSED["client_kind"]:
            raise BadParameter("kind", value, "one of " + ", ".join(_CLOSED["client_kind"]))
        if name == "source" and value not in SOURCES:
            raise BadParameter("source", value, "one of " + ", ".join(SOURCES))
        return _BEGINS.get(name, name), (value,)

    def _bound(self, name: str, value: str, *, excluded: bool) -> None:
        if excluded:
            raise BadParameter("query", f"-{name}:", f"{name} cannot be negated")
        if getattr(self, name) is not None:
            raise BadParameter("query", f"{name}:{value}", f"give {name} once")
        setattr(self, name, since(name, value, self._now))


def limited(name: str, text: str, limit: int = TEXT_LIMIT) -> str:
    if len(text) > limit:
        raise BadParameter(name, text, f"at most {limit} characters")
    return text


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= MAX_MINUTES):
        raise BadParameter("since_minutes", text, f"a whole number from 1 to {MAX_MINUTES}")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise BadParameter("include_self_reads", text, "true or false")
    return text.lower() in ("true", "1")


def _narrower(
    left: datetime | None, right: datetime | None, choose: Callable[[datetime, datetime], datetime]
) -> datetime | None:
    if left is None or right is None:
        return left or right
    return choose(left, right)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="microseconds") + "Z"
