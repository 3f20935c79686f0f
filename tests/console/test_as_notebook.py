"""What leaves the page in other words (notebook, command, request, export) holds the page's rows,
whatever is filtered, whoever asks; and on one's own page nobody else's."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from typing import Any

import httpx
import nbformat
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient
from typer.testing import CliRunner

from console.as_command import OPTIONS, address, command, curl, held
from console.as_notebook import Written, conditions
from console.audit import now
from console.cli import app
from console.cli.filters import FILTERS
from console.pages import activity_notebook
from console.queries.audit_filter import FIELDS, AuditFilter, Term
from console.queries.audit_grammar import PARAMETERS, ask
from console.queries.vocabulary import with_derived
from schema.policy import SURFACES
from schema.table import rows_of
from schema.tables import AUDIT_LOG, RESOURCE_GRANTS, USER_GROUP_MEMBERS, USER_GROUPS
from schema.transaction import Rows
from tests.console import access_world
from tests.console.access_world import World
from tests.console.audit_log import ACTIVITY, KPIS, Row, bounds, event, iso, paged, window, write
from tests.console.audit_log import ask as answer_of
from tests.console.test_one_truth import chosen, logs

EXAMPLES = max(15, settings().max_examples // 5)
MINE = "/api/me/activity"
HOSTILE = (
    *("it's", 'say "hi"', "back\\slash", "'); import os; ('", '"""', "'''", "{0}", "{here}", "%s"),
    *("line\nbreak", "\r", "\u2028", "🎉", "a\tb", "$(id)", "`id`", "!!", "-x", "--help", "#", " "),
)


class Place:
    """A server whose `boss` is an admin, `holder` has the grant and `anna` has nothing."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.anna = world.user("anna@example.org")
        self.holder = world.user("holder@example.org")
        at = {"created_at": now()}
        world.store.write(
            Rows(USER_GROUPS, [{"id": "g", "name": "readers", **at}]),
            Rows(
                USER_GROUP_MEMBERS, [{"group_id": "g", "user_id": self.holder, "added_at": now()}]
            ),
            Rows(
                RESOURCE_GRANTS,
                [{"id": "r", "group_id": "g", "resource_type": SURFACES[0], **at}],
            ),
        ).result()
        people = {"boss": world.admin_id, "holder": self.holder, "anna": self.anna}
        self.tokens = {name: world.token(user) for name, user in people.items()}
        self.clients = {name: world.client(token) for name, token in self.tokens.items()}

    @contextmanager
    def signed_in(self, who: str) -> Iterator[None]:
        """What `agnes login` leaves for terminal and notebooks."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AGNES_SERVER", self.world.address)
            patch.setenv("AGNES_TOKEN", self.tokens[who])
            yield

    def log(self, rows: list[Row], **columns: Any) -> dict[str, str]:
        """Write these as events of an hour of their own; the hour as parameters."""
        within = window()
        made = []
        for row in rows:
            at = within[0] + timedelta(seconds=row["moment"])
            about = {name: value for name, value in row.items() if name != "moment"}
            made.append(event(at, **{**about, **columns}))
        write(self.world, *made)
        return bounds(within)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        routes = [*access_world.ROUTES, *activity_notebook.ROUTES]
        patch.setattr(access_world, "ROUTES", routes)
        with World(tmp_path_factory.mktemp("notebooks")) as world:
            made = Place(world)
            yield made
            for client in made.clients.values():
                client.close()


def cells(place: Place, who: str, path: str, asked: dict[str, str]) -> list[str]:
    """The code of the notebook that the page hands out."""
    answer = place.clients[who].get(f"{path}/notebook", params=asked)
    assert answer.status_code == 200, answer.text
    book = nbformat.reads(answer.text, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(book)
    assert place.tokens[who] not in answer.text
    return [cell.source for cell in book.cells if cell.cell_type == "code"]


def run(place: Place, who: str, code: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The ids that the cells find for `who`, and the names that they leave behind."""
    names: dict[str, Any] = {}
    with place.signed_in(who), redirect_stdout(io.StringIO()):
        for cell in code:
            exec(cell, names)  # noqa: S102 (ours: what a kernel would do with it)
    return sorted(names["found"].id.to_pyarrow().to_pylist()), names


def ids(rows: list[Row]) -> list[str]:
    return sorted(row["id"] for row in rows)


@settings(max_examples=EXAMPLES)
@example([], {"query": 'user:none -user:u-1 kind:web kind:none -kind:cli "plain" -"a_b"'})
@example([], {"query": "action:=sync.table action:=user.create -result:=ok resource:=none"})
@given(logs, chosen)
@pytest.mark.parametrize("who", ["boss", "holder"])
def test_a_notebook_finds_exactly_the_rows_of_the_page(
    place: Place, who: str, log: list[Row], asked: dict[str, str]
) -> None:
    asked = {**asked, **place.log(log)}
    shown = ids(paged(place.clients[who], asked))
    found, _ = run(place, who, cells(place, who, "/admin/activity", asked)[:2])
    assert found == shown


@settings(max_examples=EXAMPLES)
@given(logs, chosen, st.lists(st.booleans(), min_size=14, max_size=14))
def test_on_ones_own_page_everything_holds_ones_own_rows_only(
    place: Place,
    log: list[Row],
    asked: dict[str, str],
    mine: list[bool],
) -> None:
    rows = [
        {**row, "user_id": place.anna} if own else row for row, own in zip(log, mine, strict=False)
    ]
    asked = {**asked, **place.log(rows)}
    if asked.get("user_id") == "u-1":
        asked["user_id"] = place.anna
    everything = paged(place.clients["boss"], asked)
    expected = ids([row for row in everything if row["user_id"] == place.anna])
    anna = place.clients["anna"]
    listed = answer_of(anna, MINE, {**asked, "limit": 200})["rows"]
    assert ids(listed) == expected
    assert {row["user_id"] for row in listed} <= {place.anna}
    exported = anna.get(f"{MINE}/export", params={**asked, "format": "json"})
    assert ids([orjson.loads(line) for line in exported.content.splitlines()]) == expected
    assert run(place, "anna", cells(place, "anna", "/me", asked)[:2])[0] == expected


@settings(max_examples=EXAMPLES)
@given(logs, chosen, st.sampled_from(["", "duration_ms:asc", "action:desc"]))
def test_command_and_request_give_the_rows_of_the_page(
    place: Place, log: list[Row], asked: dict[str, str], sort: str
) -> None:
    asked = {**asked, **place.log(log)}
    order = {"sort": sort} if sort else {}
    shown = [
        row["id"] for row in answer_of(place.world.admin, ACTIVITY, {**asked, **order})["rows"]
    ]
    params = held(asked, ask(asked, now=now(), resolve=lambda name: (name,))) | order
    assert by_command(place, command("admin activity", params)) == shown
    assert by_request(place, curl(f"{{here}}{address(ACTIVITY, params)}")) == shown


def by_command(place: Place, text: str) -> list[str]:
    with place.signed_in("boss"):
        said = CliRunner().invoke(app, [*shlex.split(text)[1:], "--json"], prog_name="agnes")
    assert said.exit_code == 0, (text, said.output)
    return [row["id"] for row in orjson.loads(said.output)["rows"]]


def by_request(place: Place, text: str) -> list[str]:
    words = shlex.split(text.replace("{here}", place.world.address, 1))
    assert words[:4] == ["curl", "-fsS", "-H", "Authorization: Bearer $AGNES_TOKEN"]
    assert '"Authorization: Bearer $AGNES_TOKEN"' in text  # the shell fills it in
    (url,) = words[4:]
    answer = httpx.get(url, headers={"Authorization": f"Bearer {place.tokens['boss']}"})
    return [row["id"] for row in answer.raise_for_status().json()["rows"]]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_a_value(place: Place, value: str) -> None:
    within = place.log([{"moment": 1, "resource": value}, {"moment": 2, "resource": "else"}])
    for asked in ({"resource": value}, {"resource_prefix_not": value}, {"q": value.strip() or "x"}):
        asked = {**asked, **within}
        shown = ids(paged(place.world.admin, asked))
        assert run(place, "boss", cells(place, "boss", "/admin/activity", asked)[:2])[0] == shown
        params = held(asked, ask(asked, now=now(), resolve=lambda name: (name,)))
        assert sorted(by_command(place, command("admin activity", params))) == shown
        assert sorted(by_request(place, curl("{here}" + address(ACTIVITY, params)))) == shown
    assert shown or not value.strip()


def test_what_the_mask_hides_is_asked_of_the_server(place: Place) -> None:
    long = "table:" + "x" * 140
    note = orjson.dumps({"note": "y" * 150 + " needle"}).decode()
    within = place.log(
        [
            {"moment": 1, "resource": long, "user_id": "u-1"},
            {"moment": 2, "resource": long + "z", "user_id": "u-1"},
            {"moment": 3, "params": note, "user_id": "u-1"},
        ]
    )
    for asked, count in (
        ({"resource": long}, 1),
        ({"resource_prefix": long}, 2),
        ({"resource_prefix_not": long}, 1),
        ({"query": f"resource:={long} action:user."}, 1),
        ({"query": f"-resource:={long}"}, 2),
        ({"query": "needle result:success"}, 1),
        ({"query": "-needle"}, 2),
    ):
        asked = {**asked, **within}
        found, _ = run(place, "boss", cells(place, "boss", "/admin/activity", asked)[:2])
        assert found == ids(paged(place.world.admin, asked))
        assert len(found) == count, asked


def test_a_window_that_counts_back_is_held_as_it_was(place: Place) -> None:
    at = now()
    for given_, words in (
        ({}, ""),
        ({"since_minutes": "90"}, ""),
        ({"query": f"Since:2h action:sync. until:{iso(at)}"}, "action:sync."),
        ({"query": 'since:"2h"'}, ""),
    ):
        asked = ask(given_, now=at, resolve=lambda name: (name,))
        params = held(given_, asked)
        assert params.get("query", "") == words
        later = ask(params, now=at + timedelta(days=1), resolve=lambda name: (name,))
        assert (later.filter.since, later.filter.until) == (asked.filter.since, asked.filter.until)


def test_figures_table_and_picture_of_the_notebook(place: Place) -> None:
    rows = [
        {"moment": 10 * number, "duration_ms": number, "user_id": "u-1", "client_kind": "web"}
        for number in range(20)
    ]
    within = place.log([*rows, {"moment": 900, "result": "error.timeout", "duration_ms": None}])
    code = cells(place, "boss", "/admin/activity", within)
    _, names = run(place, "boss", [*code[:3], "figures = " + code[3], *code[4:]])
    card = answer_of(place.world.admin, KPIS, within)
    (figures,) = names["figures"].to_dict("records")
    assert figures["events"] == card["events_total"] == 21
    assert figures["people"] == card["active_users"] == 1
    assert figures["errors"] == card["errors"] == 1
    assert round(figures["p95_duration_ms"]) == card["p95_duration_ms"]
    assert figures["rows_with_duration"] / 21 == pytest.approx(card["duration_coverage"], abs=1e-4)
    assert names["bars"]["events"].sum() == 21
    assert names["bars"]["errors"].sum() == 1


def test_a_notebook_runs_from_top_to_bottom_in_a_kernel(place: Place) -> None:
    within = place.log([{"moment": second, "action": "sync.table"} for second in range(3)])
    asked = {**within, "action_prefix": "sync."}
    text = place.clients["boss"].get("/admin/activity/notebook", params=asked).text
    book = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    with place.signed_in("boss"):
        NotebookClient(book, timeout=60, kernel_name="python3").execute()
    outputs = [out for cell in book.cells for out in cell.get("outputs", ())]
    said = "".join(out.text for out in outputs if out.output_type == "stream")
    assert said == "3 events in this window\n3 of them match\n"
    assert "image/png" in outputs[-1].data
    assert sum("text/html" in out.get("data", ()) for out in outputs) == 2  # table and figures


def test_running_a_notebook_is_an_export_in_the_log(place: Place) -> None:
    within = place.log([{"moment": 1}])
    run(place, "boss", cells(place, "boss", "/admin/activity", {**within, "source": "system"})[:2])
    rows = paged(place.world.admin, {"action_in": "activity.read", "include_self_reads": "true"})
    given_ = [orjson.loads(row["params"]) for row in rows]
    since = {"since": within["since"]}
    assert any(one["endpoint"] == "export" and since.items() <= one.items() for one in given_)
    assert any(one["endpoint"] == "notebook" and one.get("source") == "system" for one in given_)


def test_a_notebook_of_ones_own_names_nobody_else(place: Place) -> None:
    place.world.user("secret.person@example.org")
    asked = {"query": "user:example.org -user:secret.person"}
    text = place.clients["anna"].get("/me/notebook", params=asked).text
    assert place.anna in text
    assert place.holder not in text
    assert place.world.admin_id not in text
    full = place.clients["boss"].get("/admin/activity/notebook", params=asked).text
    assert place.holder in full
    assert "is holder@example.org" in full


def test_a_notebook_needs_the_right_of_its_page(place: Place) -> None:
    assert place.clients["anna"].get("/admin/activity/notebook").status_code == 403
    assert place.clients["holder"].get("/admin/activity/notebook").status_code == 200
    bad = place.clients["boss"].get("/admin/activity/notebook", params={"result_class": "bad"})
    assert bad.status_code == 400
    assert bad.text.startswith("<!doctype html>")
    made = place.clients["anna"].get("/me/notebook")
    name = made.headers["Content-Disposition"]
    assert name.startswith('attachment; filename="agnes-audit-')
    assert name.endswith('.ipynb"')


def test_my_event_by_its_id_is_mine(place: Place) -> None:
    within = place.log([{"moment": 1, "user_id": place.anna}, {"moment": 2, "user_id": "u-2"}])
    mine, other = (
        row["id"]
        for row in sorted(paged(place.world.admin, within), key=lambda row: row["timestamp"])
    )
    assert place.clients["anna"].get(f"{MINE}/{mine}").json()["user_id"] == place.anna
    for who in ("anna", "boss", "holder"):
        assert place.clients[who].get(f"{MINE}/{other}").status_code == 404
    assert (
        by_command(place, "agnes me activity --include-self-reads --since 2003-01-01") is not None
    )


def test_paging_my_rows_reaches_each_once(place: Place) -> None:
    within = place.log([{"moment": second, "user_id": place.anna} for second in range(7)])
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = answer_of(place.clients["anna"], MINE, {**within, **cursor, "limit": 2})
        found += [row["id"] for row in page["rows"]]
        place_ = page["next_cursor"]
        cursor = {"cursor_ts": place_["ts"], "cursor_id": place_["id"]} if place_ else {}
    assert len(found) == len(set(found)) == 7


# One place for each word


def test_every_field_of_the_filter_can_be_written() -> None:
    for field in FIELDS:
        for values in (("x",), ("x", "none"), ("x", "y")):
            for excluded in (False, True):
                term = Term(field, values, excluded)
                written = conditions(AuditFilter(terms=(term,), include_self_reads=True))
                if field == "q":
                    assert written == []
                    continue
                events = with_derived(rows_of(AUDIT_LOG))
                compiled = eval(written[0], {"events": events})  # noqa: S307 (ours)
                assert compiled.type() == term.condition(events).type()


def test_the_expression_reads_as_a_person_would_write_it() -> None:
    given_ = {"query": "action:sync. -result:error -user:none source:web source:cli"}
    filter = ask(given_, now=now(), resolve=lambda name: (name,)).filter
    assert conditions(filter)[:-1] == [
        "events.action.startswith('sync.')",
        "~(events.result_class == 'error')",
        "~events.user_id.isnull()",
        "events.source.isin(['web', 'cli'])",
    ]
    assert conditions(filter)[-1].startswith("~events.action.isin((")


def test_operators_stand_in_brackets_where_python_would_read_otherwise() -> None:
    events: Any = Written("events")
    either = (events.result == "a") | (events.result == "b") | events.result.isnull()
    assert str(either) == (
        "(events.result == 'a') | (events.result == 'b') | events.result.isnull()"
    )
    assert str(~either.fill_null(False)) == f"~({either}).fill_null(False)"
    assert str(either & events.user_id.notnull()) == f"({either}) & events.user_id.notnull()"


def test_every_parameter_has_its_option() -> None:
    of_terminal = {one.param: one.flags[0] for one in FILTERS if one.param and not one.switch}
    assert of_terminal.items() <= OPTIONS.items()
    assert set(OPTIONS) == {*PARAMETERS, "sort"} - {"since_minutes", "include_self_reads"}
    flags = {flag for one in FILTERS for flag in one.flags} | {"--sort"}
    assert set(OPTIONS.values()) <= flags
