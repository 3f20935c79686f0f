"""The facets beside the table: what there is, how often, to include or exclude."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from console import activity
from console.pages.activity.reading import Reading
from console.pages.activity.state import ActivityState
from console.pages.facets import Choice, Facet, facet, keyed
from console.queries import typed_words
from console.queries.audit_grammar import TEXT_LIMIT
from console.queries.typed_words import Word

# Title, facet of the answer, field of a typed word, the parameter that asks for the same.
FACETS = (
    ("Result", "result_classes", "result", "result_class"),
    ("Source", "sources", "source", "source"),
    ("People", "users", "user", "user_id"),
    ("Action", "actions", "action", "action_in"),
    ("Resource", "resources", "resource", "resource"),
)


def read(reading: Reading) -> list[Facet]:
    counted = activity.facets(reading.reader, reading.filter)
    shown = [one for one in FACETS if not (reading.own and one[1] == "users")]
    return [_facet(reading, counted, *one) for one in shown]


def _facet(
    reading: Reading, counted: dict[str, Any], title: str, values: str, field: str, parameter: str
) -> Facet:
    rows, other = counted[values], counted["other"][values]
    most = max((row["count"] for row in rows), default=1)
    shared = _shared_mails(reading) if values == "users" else frozenset()
    found = []
    for row in rows:
        if values == "users":
            value = row["id"]
            known = row["label"] != value and row["label"] not in shared
            word = _person(row["label"] if known else value, known=known)
            label = row["name"] or row["label"]
            hint = row["label"] if row["name"] else ""
        else:
            value = label = row["value"]
            word, hint = _word(field, value), ""
        asked = value is not None and reading.state.given.get(parameter) == value
        found.append(
            _choice(
                reading.state, word, label, hint, row["count"], most, parameter if asked else ""
            )
        )
    extra = list(_without_rows(reading, field, {choice.word for choice in found}))
    return facet(title, field, found, other, extra)


def _word(field: str, value: str | None) -> Word:
    (word,) = typed_words.read(typed_words.word(field, value))
    return word


def _person(value: str | None, *, known: bool) -> Word:
    """Whom an account tells by their e-mail; else by the id that stands in the row."""
    return Word("none", "user") if value is None else Word(value, "user", exact=not known)


def _shared_mails(reading: Reading) -> frozenset[str]:
    """E-mails that more than one account has: they tell nobody."""
    people = reading.reader.instance.people.all().values()
    counted = Counter(person.email.casefold() for person in people)
    return frozenset(person.email for person in people if counted[person.email.casefold()] > 1)


def _choice(
    state: ActivityState,
    word: Word,
    label: str | None,
    hint: str,
    count: int,
    most: int,
    parameter: str = "",
) -> Choice:
    text, opposite = state.given.get("query", ""), _opposite(word)
    has = typed_words.read(text)
    without = {parameter: None} if parameter else {}
    included = bool(parameter) or word in has
    # Asked for as a parameter: a click takes that one out.
    taken = text if parameter else typed_words.with_word(text, word)
    usable = len(word.value) <= TEXT_LIMIT
    return Choice(
        label="none" if label is None else label or '""',
        hint=hint,
        count=count,
        share=round(count / most, 4),
        word=str(word),
        key=keyed(str(word.field), str(word)),
        empty=label is None,
        included=included,
        excluded=opposite in has,
        include=state.url(query=taken, **without) if usable else None,
        exclude=state.url(query=typed_words.with_word(text, opposite), **without)
        if usable
        else None,
    )


def _opposite(word: Word) -> Word:
    return Word(word.value, word.field, excluded=not word.excluded, exact=word.exact)


def _without_rows(reading: Reading, field: str, listed: set[str]) -> Iterator[Choice]:
    """What is excluded has no row, nor has what was included in vain; both can be taken back."""
    state = reading.state
    text = state.given.get("query", "")
    people = {one.email: one for one in reading.reader.instance.people.all().values()}
    for word in dict.fromkeys(typed_words.read(text)):
        plain = _opposite(word) if word.excluded else word
        if word.field != field or str(plain) in listed or not (word.excluded or word.exact):
            continue
        person = people.get(word.value) if field == "user" else None
        label = (person.name if person else None) or word.value or '""'
        back = state.url(query=typed_words.with_word(text, word))
        yield Choice(
            label=label,
            hint=person.email if person and person.name else "",
            count=0,
            share=0,
            word=str(plain),
            key=keyed(field, str(plain)),
            included=not word.excluded,
            excluded=word.excluded,
            include=back,
            exclude=back if word.excluded else None,
        )
