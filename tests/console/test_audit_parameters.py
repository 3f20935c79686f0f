"""What may be asked of the audit log: hostile values are literal or refused, and what is refused is
named. The server's own log stays one line an event."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.export import cell
from console.queries import typed_words
from console.queries.typed_words import Word
from tests.console.access_world import PASSWORD, World, submit
from tests.console.audit_log import (
    ACTIVITY,
    EXPORT,
    FACETS,
    HISTOGRAM,
    KPIS,
    ask,
    bounds,
    event,
    window,
    write,
)
from tests.console.upload_wire import wire
from tests.upload_corpus import payloads

SYNC = f"{ACTIVITY}/sync"
FILTERED = (ACTIVITY, KPIS, FACETS, HISTOGRAM, EXPORT)
ENVELOPE = {"ok", "title", "error", "detail"}

QUERIES = payloads(
    "query_param",
    shapes=["limit=1e999", "from=2026-13-01", "sort=password_hash", "user=admin&user=me"],
)
PATTERNS = payloads("filter_regex", shapes=["(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
HEADERS = payloads("header_injection", shapes=["x\r\nSet-Cookie: a=b", "https:evil.example"])
LINES = payloads(
    "log_injection",
    shapes=["a\nERROR fake admin login", "\x1b[2Kx", "%s%s%n", "a\u2028b", "a\u0085b"],
)
CELLS = payloads("csv_export", shapes=["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "'=1"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("parameters")) as world:
        yield world


def refused(world: World, path: str, query: str, *names: str) -> str:
    """The message of a clear 400 that names all `names`."""
    answer = world.admin.get(f"{path}?{query}")
    assert answer.status_code == 400, (path, query, answer.text)
    body = answer.json()
    assert body.keys() == ENVELOPE
    assert body["ok"] is False
    for name in names:
        assert name in body["error"], body
    return str(body["error"])


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", [*FILTERED, SYNC])
def test_a_hostile_query_string_is_refused(world: World, path: str, query: str) -> None:
    refused(world, path, query)


@pytest.mark.parametrize("path", FILTERED)
@pytest.mark.parametrize(
    ("query", "names"),
    [
        *(
            (f"since_minutes={value}", "since_minutes")
            for value in ("0", "43201", "-1", "x", "1.5")
        ),
        ("since_minutes=00000000019999999999", "since_minutes"),
        ("since_minutes=%D9%A3", "since_minutes"),
        *((f"since={value}", "since") for value in ("x", "2026-13-01", "0001-01-01", "1969-12-31")),
        *((f"until={value}", "until") for value in ("24h", "9999-12-31T23:59:59-14:00", "1e9")),
        ("since=2026-01-02&until=2026-01-01", "since"),
        ("result_class=bad", "result_class"),
        ("result_class_not=bad", "result_class"),
        ("client_kind=browser", "client_kind"),
        ("action_in=,", "action_in"),
        ("action_in=" + "a," * 51, "action_in"),
        ("include_self_reads=maybe", "include_self_reads"),
        ("q=" + "a" * 513, "q"),
        ("q=a%00b", "q"),
        ("q=%FF", "q"),
        ("resource=%ED%A0%80", "resource"),
        ("result_pattern=" + "%25" * 9, "result_pattern"),
        ("user_id=a&user_id=b", "user_id"),
        ("q=a&q=", "q"),
        ("query=since:1d+since:2d", "since"),
        ("query=-since:1d", "since"),
        ("query=action:", "action:"),
        ("query=kind:browser", "kind"),
        ("query=source:nowhere", "source"),
        ('query="open', "query"),
        ("query=" + "a+" * 51, "query"),
        ("query=since:99d", "since"),
    ],
)
def test_a_filter_that_cannot_be_is_named(world: World, path: str, query: str, names: str) -> None:
    refused(world, path, query, names)


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        (ACTIVITY, "limit=0", "limit"),
        (ACTIVITY, "limit=201", "limit"),
        (ACTIVITY, "limit=1e999", "limit"),
        (ACTIVITY, "limit=" + "9" * 5000, "limit"),
        (ACTIVITY, "sort=params", "sort"),
        (ACTIVITY, "sort=action:sideways", "sort"),
        (SYNC, "limit=501", "limit"),
        (SYNC, "limit=-1", "limit"),
        (SYNC, "since_minutes=43201", "since_minutes"),
        (SYNC, "since=never", "since"),
        (SYNC, "since=2026-01-02&until=2026-01-01", "since"),
        (EXPORT, "format=xlsx", "format"),
        (EXPORT, "limit=5", "limit"),
    ],
)
def test_an_argument_of_one_endpoint_is_held_to_its_range(
    world: World, path: str, query: str, name: str
) -> None:
    refused(world, path, query, name)


def test_an_empty_value_counts_as_not_given(world: World) -> None:
    answer = world.admin.get(f"{ACTIVITY}?limit=&sort=&q=&since=&user_id=")
    assert answer.status_code == 200
    assert answer.json()["filter"]["limit"] == 50


@pytest.mark.parametrize(
    ("path", "query", "near"),
    [
        (ACTIVITY, "action_prefx=a", "did you mean action_prefix?"),
        (ACTIVITY, "limits=5", "did you mean limit?"),
        (FACETS, "results_class=error", "did you mean result_class?"),
        (SYNC, "tableid=x", "did you mean table_id?"),
        (EXPORT, "fromat=csv", "did you mean format?"),
        (ACTIVITY, "query=acton:x", "did you mean action?"),
        (ACTIVITY, "query=zzz:x", "known: action"),
        (ACTIVITY, "action_in_not=x", "action_in"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    world: World, path: str, query: str, near: str
) -> None:
    assert near in refused(world, path, query)


@pytest.mark.parametrize("way", ["result_pattern", "query", "q"])
@pytest.mark.parametrize("pattern", [*PATTERNS, "%a" * 8 + "b", "a" * 100, "\\", "%\\%", "_" * 128])
def test_a_pattern_answers_at_once_or_is_refused(world: World, way: str, pattern: str) -> None:
    within = window()
    long = "a" * 200
    write(world, *(event(within[0], result="error." + long, resource=long) for _ in range(50)))
    started = time.monotonic()
    answer = world.admin.get(ACTIVITY, params={**bounds(within), way: pattern})
    assert answer.status_code in (200, 400)
    assert time.monotonic() - started < 5  # a pattern that explodes takes hours
    if answer.status_code == 400:
        assert answer.json().keys() == ENVELOPE


SPECIAL = "aA%_'\"\\ $é🎉?*[(\u202e\u2028\t"
texts = st.text(st.sampled_from(SPECIAL), min_size=1, max_size=4)


@settings(max_examples=30)
@given(texts, st.lists(texts, min_size=1, max_size=6), st.booleans())
def test_what_is_searched_for_is_literal(
    world: World,
    wanted: str,
    notes: list[str],
    typed: bool,  # noqa: FBT001 (drawn)
) -> None:
    within = window()
    rows = [
        event(within[0], resource=note, params=orjson.dumps({"n": number}).decode())
        for number, note in enumerate(notes)
    ]
    write(world, *rows)
    asked = {"q": wanted}
    if typed:
        asked = {"query": '"' + wanted.replace("\\", "\\\\").replace('"', '\\"') + '"'}
    found = ask(world.admin, ACTIVITY, {**bounds(within), **asked})["rows"]
    expected = {row["id"] for row in rows if wanted.lower() in str(row["search"])}
    assert {row["id"] for row in found} == expected


@settings(max_examples=60)
@given(
    st.text(max_size=30), st.sampled_from(["q", "query", "resource_prefix", "cursor_id", "user"])
)
def test_no_text_breaks_a_question(world: World, text: str, name: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    quoted = "".join(f"%{byte:02x}" for byte in raw)
    answer = world.admin.get(f"{ACTIVITY}?{name}={quoted}")
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert answer.json().keys() == ENVELOPE


def test_without_bounds_the_window_is_a_day_and_with_a_search_a_week(world: World) -> None:
    for asked, minutes in (
        ({}, 1440),
        ({"q": "x"}, 10_080),
        ({"query": "x"}, 10_080),
        ({"query": "action:x"}, 1440),
        ({"q": "x", "since_minutes": "30"}, 30),
        ({"since_minutes": "43200"}, 43_200),
        ({"query": "since:2h"}, 120),
    ):
        echo = ask(world.admin, ACTIVITY, asked)["filter"]
        since, until = (datetime.fromisoformat(echo[name]) for name in ("since", "until"))
        assert until - since == timedelta(minutes=minutes)
        assert echo["since_minutes"] == minutes


def test_minutes_count_back_from_until_and_since_wins_over_them(world: World) -> None:
    until = "2026-01-10T00:00:00Z"
    echo = ask(world.admin, ACTIVITY, {"until": until, "since_minutes": "60"})["filter"]
    assert (echo["since"], echo["until"]) == (
        "2026-01-09T23:00:00.000000Z",
        "2026-01-10T00:00:00.000000Z",
    )
    asked = {"until": until, "since_minutes": "60", "since": "2026-01-01"}
    echo = ask(world.admin, ACTIVITY, asked)["filter"]
    assert echo["since"] == "2026-01-01T00:00:00.000000Z"
    typed = ask(world.admin, ACTIVITY, {"query": f"until:{until}"})["filter"]
    assert typed["since"] == "2026-01-09T00:00:00.000000Z"


def test_a_zone_is_understood_and_both_ends_belong_to_the_window(world: World) -> None:
    within = window()
    rows = write(world, event(within[0]), event(within[1]), event(within[1]))
    there = (within[0] + timedelta(hours=2)).isoformat() + "+02:00"
    asked = {"since": there, "until": bounds(within)["until"]}
    assert len(ask(world.admin, ACTIVITY, asked)["rows"]) == len(rows)


# Facets: each value has a word that asks for it

FACETS_OF = {
    "users": "user",
    "actions": "action",
    "result_classes": "result",
    "resources": "resource",
    "sources": "source",
}
ODD_TEXTS = ["", " ", "a b", 'a"b', "a\\", '\\"', "line\nbreak", "\t", "é🎉", "\u2028"]
ODD_WORDS = "none error error. web odd -a =a := a:b % _ x@y s@example.org user:none"
ODD = st.sampled_from([*ODD_TEXTS, *ODD_WORDS.split()])
odd_rows = st.fixed_dictionaries(
    {
        "user_id": st.none() | ODD.filter(lambda value: value != "none"),
        "action": ODD,
        "result": st.none() | ODD,
        "resource": st.none() | ODD,
        "client_kind": st.none() | ODD,
    }
)


@pytest.fixture(scope="module")
def namesakes(world: World) -> list[str]:
    """Two people of one name."""
    made = []
    for number in (1, 2):
        person = {"email": f"s{number}@example.org", "name": "Someone", "password": PASSWORD}
        made.append(world.admin.post("/api/admin/users", json=person).json()["id"])
    return made


def words_of(facet: str, value: dict[str, Any]) -> tuple[str, str]:
    """The words that ask for a facet's value, and for all others."""
    field = FACETS_OF[facet]
    exact = value["id"] if facet == "users" else value["value"]
    if facet == "users" and value["label"] != exact:
        exact = value["label"]  # an e-mail
    elif facet == "users" and exact is not None:
        word = str(Word(exact, "user", exact=True))
        return word, f"-{word}"
    return typed_words.word(field, exact), typed_words.word(field, exact, excluded=True)


@settings(max_examples=8)
@given(log=st.lists(odd_rows, min_size=1, max_size=10), facet=st.sampled_from(sorted(FACETS_OF)))
def test_the_word_of_a_facets_value_gives_exactly_its_rows(
    world: World, namesakes: list[str], log: list[dict[str, str | None]], facet: str
) -> None:
    within = window()
    rows: list[dict[str, Any]] = [*log, *({"user_id": id} for id in namesakes)]
    write(world, *(event(within[0], **row) for row in rows))
    asked = {**bounds(within), "include_self_reads": "true"}
    values = ask(world.admin, FACETS, asked)[facet]
    assert sum(value["count"] for value in values) == len(rows)
    for value in values:
        included, excluded = words_of(facet, value)
        for word, count in ((included, value["count"]), (excluded, len(rows) - value["count"])):
            found = ask(world.admin, KPIS, {**asked, "query": word})
            assert found["events_total"] == count, word


# Headers


@pytest.mark.parametrize("payload", [*HEADERS, "a b", "ä", "x" * 129, "a,b", "\x1b[2K"])
def test_a_correlation_id_that_is_none_is_replaced(world: World, payload: str) -> None:
    """Sent byte by byte: a well-made client refuses to."""
    lines = [f"Authorization: Bearer {world.token(world.admin_id)}", "Host: console"]
    with wire(world.address) as line:
        head = "\r\n".join([f"GET {ACTIVITY} HTTP/1.1", *lines, "X-Correlation-ID: "]).encode()
        line.socket.sendall(head + payload.encode() + b"\r\nConnection: close\r\n\r\n")
        answer = line.answer()
    assert "set-cookie" not in answer.headers
    assert answer.status in (200, 400)  # what is no header at all is refused before it is ours
    if answer.status == 200:
        given, plain = answer.headers["x-correlation-id"], payload.partition("\r\n")[0]
        harmless = re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", plain)
        assert given == plain if harmless else re.fullmatch(r"[0-9a-f-]{36}", given)


@pytest.mark.parametrize("payload", HEADERS)
def test_a_sign_in_leads_to_no_other_host(world: World, payload: str) -> None:
    world.clock.at += 3600
    email = f"{len(world.instance.people.all())}@example.org"
    world.user(email, password=PASSWORD)
    with world.browser() as browser:
        answer = submit(browser, email=email, password=PASSWORD, next=payload)
    assert answer.status_code in (302, 303)
    place = answer.headers["Location"]
    assert place.startswith("/")
    assert not place.startswith(("//", "/\\"))
    assert not [line for line in answer.headers.get_list("set-cookie") if line.startswith("a=")]


@pytest.mark.parametrize("payload", HEADERS)
def test_the_name_of_an_export_is_the_servers_own(world: World, payload: str) -> None:
    answer = world.admin.get(EXPORT, params={"q": payload, "format": "json"})
    assert answer.status_code == 200
    name = answer.headers["Content-Disposition"]
    assert name.startswith('attachment; filename="agnes-audit-2')
    assert name.endswith('.ndjson"')
    assert "set-cookie" not in answer.headers


# The server's own log

SAY = """
import json, logging, sys
import structlog
from console.logs import configure

form, payload = sys.argv[1], json.loads(sys.argv[2])
configure("info", form)
log = structlog.get_logger("test")
log.info("request", path=payload, parts=[payload], nothing=None)
log.error(payload)
logging.getLogger("library").warning("said %s", payload)
try:
    raise ValueError(payload)
except ValueError:
    log.exception("failed", reason=payload)
    logging.getLogger("library").exception("failed too")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_whatever_is_in_it(form: str) -> None:
    payload = " ".join([*LINES, "\x00\r\n\x9b1A\ud800"])
    command = [sys.executable, "-W", "error", "-c", SAY, form, json.dumps(payload)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stderr.decode()
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert len(lines) == 5, text
    for line in lines:
        assert line.isprintable(), line
        assert "fake admin login" in line
    if form == "json":
        for line in lines:
            assert json.loads(line)["level"] in ("info", "warning", "error")


def test_a_refused_text_stands_in_messages_escaped(world: World) -> None:
    for payload in LINES:
        answer = world.admin.get(ACTIVITY, params={"sort": payload})
        assert answer.status_code == 400
        assert answer.json()["error"].replace("…", "").isascii()
        assert answer.json()["error"].isprintable()


# Spreadsheets


@pytest.mark.parametrize("payload", CELLS)
def test_no_exported_cell_runs_and_every_text_can_be_had_back(world: World, payload: str) -> None:
    within = window()
    write(world, event(within[0], resource=payload, user_id=world.admin_id))
    answer = world.admin.get(EXPORT, params=bounds(within))
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert row["resource"] == "'" + payload
    assert row["resource"].removeprefix("'") == payload


@given(st.text())
def test_a_cell_is_its_text_or_begins_with_an_apostrophe(text: str) -> None:
    shown = cell(text)
    assert shown.removeprefix("'") == text
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
