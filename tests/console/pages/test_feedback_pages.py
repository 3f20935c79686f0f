"""`/admin/feedback`, a report and one's own reports as they are sent: one filter for all of it,
what somebody sees of others, what is written, and what is made of hostile words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import orjson
import pytest

from console.as_command import FEEDBACK_OPTIONS
from console.audit import RecentReads, new_id, now
from console.cli.admin_feedback import _FILTERS as OF_TERMINAL
from console.feedback.asked import FILTERS
from console.pages.feedback import issue
from console.pages.feedback.excerpt import SHOWN
from schema.table import rows_of
from schema.tables import AUDIT_LOG, FEEDBACK_REPORTS
from schema.transaction import Rows
from tests.browser.reports_told import failing
from tests.whole_server import WholeServer

REPOSITORY = "https://github.com/acme/agnes"
MANY = 60
ROW = re.compile(r'<tr data-report="([0-9a-f-]+)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    folder = tmp_path_factory.mktemp("feedback") / "data"
    with WholeServer(folder, AGNES_GITHUB_ISSUES=REPOSITORY) as server:
        yield server


@pytest.fixture(autouse=True)
def a_minute_later(server: WholeServer) -> None:
    server.instance.recent_reads = RecentReads()


@pytest.fixture(scope="module")
def people(server: WholeServer) -> dict[str, str]:
    found = {name: server.person(name) for name in ("ana", "ben")}
    return {
        **found,
        "boss": server.person("boss", is_admin=True),
        "sue": server.person("sue", "feedback"),
    }


def told(server: WholeServer, reporter: str, message: str, **more: Any) -> str:
    """A report as it is kept; its id."""
    row = {
        "id": new_id(),
        "created_at": now(),
        "updated_at": now(),
        "reporter_user": reporter,
        "message": message,
        "environment": orjson.dumps({"agnes": "0.3.1", "os": "Linux"}).decode(),
        "fingerprint": new_id().replace("-", "") * 2,
        "idempotency_key": new_id(),
        "version": 1,
        "status": "open",
        **more,
    }
    server.instance.store.write(Rows(FEEDBACK_REPORTS, [row])).result()
    return str(row["id"])


def shown(server: WholeServer, user: str, path: str, status: int = 200) -> str:
    with server.client(server.token(user)) as client:
        answer = client.get(path)
    assert answer.status_code == status, answer.text[:500]
    return answer.text


def act(server: WholeServer, user: str, *, path: str = "/admin/feedback/act", **form: Any) -> Any:
    with server.client(server.token(user)) as client:
        return client.post(path, data=form, headers={"Accept": "text/x-notice"})


def listed(server: WholeServer, user: str, query: str) -> tuple[list[str], str]:
    text = shown(server, user, f"/admin/feedback?{query}")
    return ROW.findall(text), text


def test_the_bare_address_is_what_is_open(server: WholeServer, people: dict[str, str]) -> None:
    mark = "bareaddress"
    ids = [
        told(server, people["ana"], mark, category=mark, status=one) for one in ("open", "resolved")
    ]
    with server.client(server.token(people["boss"])) as client:
        assert client.get("/admin/feedback").headers["Location"] == "/admin/feedback?status=open"
    assert listed(server, people["boss"], f"status=open&category={mark}")[0] == ids[:1]
    assert set(listed(server, people["boss"], f"status=any&category={mark}")[0]) == set(ids)
    assert set(listed(server, people["boss"], f"category={mark}")[0]) == set(ids)
    shown(server, people["boss"], "/admin/feedback?status=some", status=400)


def test_cards_list_pages_and_export_tell_the_same(
    server: WholeServer, people: dict[str, str]
) -> None:
    mark, at = "manyofthem", now() - timedelta(hours=2)
    kept = []
    for place in range(MANY):
        seconds = timedelta(seconds=place)
        status = ("open", "triaged", "resolved")[place % 3]
        more = {"created_at": at + seconds, "status": status, "category": mark}
        kept.append(told(server, people["ana"], f"{mark} {place}", **more))
    duplicate = {"merged_into": kept[-1], "category": mark, "created_at": at}
    told(server, people["ben"], f"{mark} again", **duplicate)
    first, text = listed(server, people["boss"], f"category={mark}&status=any")
    assert len(first) == 50
    for words in (f"of {MANY}", f"{MANY} reports, each with its duplicates: {MANY + 1} in all"):
        assert words in text
    following = html.unescape(re.findall(r'<a class="btn" href="\?([^"]+)" rel="next"', text)[0])
    second, after = listed(server, people["boss"], following)
    assert [*first, *second] == list(reversed(kept))
    before = html.unescape(re.findall(r'<a class="btn" href="\?([^"]+)" rel="prev"', after)[0])
    assert listed(server, people["boss"], before)[0] == first
    exports = re.findall(r'href="(/api/admin/feedback/export[^"]+)" download>([^<]+)', text)
    (as_json,) = (html.unescape(link) for link, title in exports if title.startswith("JSON"))
    assert parse_qs(urlsplit(as_json).query) == {"format": ["json"], "category": [mark]}
    rows = [orjson.loads(line) for line in shown(server, people["boss"], as_json).splitlines()]
    assert [row["id"] for row in rows] == list(reversed(kept))


def test_an_empty_inbox_says_why_and_what_can_be_done(
    server: WholeServer, people: dict[str, str]
) -> None:
    query = "category=nothinghasit&status=open&since_minutes=1440"
    ids, text = listed(server, people["boss"], query)
    assert ids == []
    for words in ("No report matches.", "the last 24 h", "Show every status", "Look at all time"):
        assert words in text


def test_a_report_shows_all_that_came_with_it(server: WholeServer, people: dict[str, str]) -> None:
    excerpt = failing("no such table: <b>orders</b>")
    id = told(server, people["ana"], "it fails", session_excerpt=excerpt, excerpt_turns=4)
    text = shown(server, people["boss"], f"/admin/feedback/{id}")
    assert "no such table: &lt;b&gt;orders&lt;/b&gt;" in text
    assert "This is all there is." in text
    assert 'href="#t3"' in text  # the failed result
    words = shown(server, people["boss"], f"/admin/feedback/{id}/excerpt/3")
    assert words == "no such table: <b>orders</b>"
    shown(server, people["boss"], f"/admin/feedback/{id}/excerpt/99", status=404)
    shown(server, people["ana"], f"/admin/feedback/{id}/excerpt/3", status=403)
    assert shown(server, people["ana"], f"/me/reports/{id}/excerpt/3") == words
    shown(server, people["ben"], f"/me/reports/{id}/excerpt/3", status=404)


def test_of_a_long_excerpt_the_end_is_shown_and_all_of_it_when_asked(
    server: WholeServer, people: dict[str, str]
) -> None:
    line = '{"type":"user","message":{"role":"user","content":"word %d"}}'
    excerpt = "\n".join(line % place for place in range(SHOWN + 7))
    id = told(server, people["ana"], "a long one", session_excerpt=excerpt)
    text = shown(server, people["boss"], f"/admin/feedback/{id}")
    assert f"the last {SHOWN} of {SHOWN + 7} events" in text
    assert "word 6<" not in text
    assert "word 7<" in text
    assert 'href="?all=1"' in text
    whole = shown(server, people["boss"], f"/admin/feedback/{id}?all=1")
    assert "word 6<" in whole


def test_a_line_of_a_megabyte_is_no_part_of_the_page(
    server: WholeServer, people: dict[str, str]
) -> None:
    id = told(server, people["ana"], "huge", session_excerpt=failing("z" * 900_000))
    text = shown(server, people["boss"], f"/admin/feedback/{id}")
    assert text.count("z" * 1000) <= 2
    assert f"/admin/feedback/{id}/excerpt/3" in text
    assert len(shown(server, people["boss"], f"/admin/feedback/{id}/excerpt/3")) == 900_000


def test_ones_own_report_is_nobody_elses(server: WholeServer, people: dict[str, str]) -> None:
    id = told(server, people["ana"], "only mine to see", resolution="soon", status="resolved")
    assert "soon" in shown(server, people["ana"], f"/me/reports/{id}")
    assert "only mine to see" in shown(server, people["ana"], "/me/reports")
    for somebody in ("ben", "boss"):
        shown(server, people[somebody], f"/me/reports/{id}", status=404)
        assert "only mine to see" not in shown(server, people[somebody], "/me/reports")
    shown(server, people["ana"], f"/admin/feedback/{id}", status=403)
    shown(server, people["boss"], f"/admin/feedback/{new_id()}", status=404)


def test_a_look_stands_in_the_log_once(server: WholeServer, people: dict[str, str]) -> None:
    id = told(server, people["ana"], "looked at")
    for _ in range(2):
        shown(server, people["sue"], f"/admin/feedback/{id}")
    log = rows_of(AUDIT_LOG)
    mine = log.filter(log.user_id == people["sue"], log.action == "feedback.read")
    params = [orjson.loads(row["params"]) for row in server.instance.store.read(mine).to_pylist()]
    assert params.count({"endpoint": "report", "id": id}) == 1


def test_only_admins_delete_and_nobody_by_accident(
    server: WholeServer, people: dict[str, str]
) -> None:
    id = told(server, people["ana"], "to be deleted")
    form = {"report": f"{id}:1", "do": "delete"}
    assert act(server, people["boss"], **form).status_code == 400
    assert act(server, people["sue"], **form, sure="yes").status_code == 403
    shown(server, people["boss"], f"/admin/feedback/{id}")
    assert act(server, people["boss"], **form, sure="yes").status_code == 200
    shown(server, people["boss"], f"/admin/feedback/{id}", status=404)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "mine"}, "no report is chosen"),
        ({"do": "mine", "report": "here:now"}, "&lt;id&gt;:&lt;version&gt;"),
        ({"do": "entered", "report": "a:1", "tag": "x", "resolution": "y"}, "Enter does nothing"),
        ({"do": "entered", "report": "a:1"}, "Enter does nothing"),
        ({"do": "fly", "report": "a:1"}, "one of open"),
        ({"do": "undo", "steps": "{"}, "does not say what"),
        ({"do": "undo", "steps": '[{"id":1}]'}, "does not say what"),
        ({"do": "undo", "steps": "[]"}, "1 to 200 reports"),
        ({"do": "merge", "report": "a:1"}, "cannot be merged|no report"),
    ],
)
def test_what_cannot_be_done_is_said(
    server: WholeServer, people: dict[str, str], form: dict[str, str], says: str
) -> None:
    answer = act(server, people["boss"], **form)
    assert answer.status_code in (400, 404)
    assert re.search(says, answer.text), answer.text


def undo_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    (steps,) = re.findall(r'name="steps" value="([^"]+)"', answer.text)
    return html.unescape(steps)


def test_undo_brings_back_every_field_and_a_whole_merge(
    server: WholeServer, people: dict[str, str]
) -> None:
    boss, store = people["boss"], server.instance.store
    ids = [told(server, people["ana"], f"undone {place}", tags='["old"]') for place in range(3)]
    told_apart = told(server, people["ben"], "undone too", merged_into=ids[1], kept_apart=False)

    def places() -> dict[str, Any]:
        rows = rows_of(FEEDBACK_REPORTS)
        names = ("merged_into", "kept_apart", "status", "tags", "resolution", "assignee")
        found = store.read(rows.filter(rows.id.isin([*ids, told_apart]))).to_pylist()
        return {row["id"]: tuple(row[name] or None for name in names) for row in found}

    before = places()
    reports = [f"{id}:1" for id in ids]
    steps = undo_of(act(server, boss, do="resolve", report=reports[:2], resolution="why"))
    assert places() != before
    undone = act(server, boss, do="undo", steps=steps)
    assert undone.status_code == 200
    assert 'name="steps"' not in undone.text  # what is undone is not undone again by accident
    assert places() == before
    steps = undo_of(act(server, boss, do="merge", report=reports, into=ids[0]))
    assert {row[0] for id, row in places().items() if id != ids[0]} == {ids[0]}
    assert act(server, boss, do="undo", steps=steps).status_code == 200
    assert places() == before
    again = act(server, boss, do="undo", steps=steps)
    assert again.status_code == 409
    assert "changed meanwhile" in again.text


def test_the_palette_finds_reports_as_far_as_one_sees_them(
    server: WholeServer, people: dict[str, str]
) -> None:
    id = told(server, people["ana"], "a zebra <b>crossed</b>\x1b[31m the sync")

    def found(who: str, text: str) -> list[tuple[str, str]]:
        rows = orjson.loads(shown(server, people[who], f"/api/palette?q={text}"))["rows"]
        return [(row["href"], row["label"]) for row in rows if row["kind"] == "report"]

    label = "a zebra <b>crossed</b>[31m the sync"
    assert found("boss", "zebra") == found("sue", id) == [(f"/admin/feedback/{id}", label)]
    assert found("ana", "zebra") == [(f"/me/reports/{id}", label)]
    assert found("ben", "zebra") == []


def test_a_session_that_is_gone_is_said_to_be(server: WholeServer, people: dict[str, str]) -> None:
    file = f"{people['ana']}/gone.jsonl"
    more = {"session_file": file, "session_excerpt": failing("it broke")}
    id = told(server, people["ana"], "where is it", **more)
    for who, path in (("boss", "/admin/feedback"), ("ana", "/me/reports")):
        text = shown(server, people[who], f"{path}/{id}")
        assert "This is all there is." in text
        assert "is not here any more." in text
    text = shown(server, people["sue"], f"/admin/feedback/{id}")
    assert "the full session is for those who may open sessions" in text.lower()
    assert "is not here any more" not in text


def test_an_issue_holds_the_words_and_nothing_of_the_session() -> None:
    message = "the ``` sync hangs @everybody\n# not a heading\n" + "ü" * 9_000
    report = {
        "message": message,
        "environment": {"os": "Linux `x`", "agnes": "0.3.1"},
        "duplicates": 2,
        "fingerprint": "ab" * 32,
        "session_excerpt": "SECRET TURNS",
        "reporter": {"email": "ana@example.org", "name": "Ana", "user_id": "u"},
    }
    found = issue.link(REPOSITORY, report, "https://agnes.example/admin/feedback/1")
    assert found is not None
    assert len(found.encode()) <= issue.LONGEST
    assert found.startswith(f"{REPOSITORY}/issues/new?")
    body = parse_qs(urlsplit(found).query)["body"][0]
    assert body.startswith("````text\nthe ``` sync hangs @everybody\n# not a heading\nü")
    assert "[…]\n````" in body
    assert "https://agnes.example/admin/feedback/1" in body
    assert "SECRET" not in unquote(found)
    assert "ana" not in unquote(found).lower()
    assert issue.link("", report, "") is None


def test_every_parameter_has_its_option_in_the_terminal() -> None:
    of_terminal = {one.param: one.flags[0] for one in OF_TERMINAL if one.param}
    assert of_terminal.items() <= FEEDBACK_OPTIONS.items()
    assert set(FEEDBACK_OPTIONS) - {"sort"} == set(FILTERS) - {"since_minutes", "heads"}
