"""`/admin/tables` as it is sent, and what its forms do: with scripts, without, with bad input."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.audit import Caller
from console.changes import objects
from console.tables.agnes_tables import agnes_tables
from schema.table import rows_of
from schema.tables import AUDIT_LOG, RESOURCE_GRANTS, USER_GROUPS
from tests.whole_server import WholeServer

HOSTILE = "<img src=x onerror=alert(1)>"
ACT = "/admin/tables/act"
LIVE = {"Accept": "text/x-notice"}


class Place:
    """A console with files, an admin, and Ana, in a group of her own."""

    def __init__(self, server: WholeServer, folder: Path) -> None:
        self.server, self.folder = server, folder / "tables"
        self.folder.mkdir()
        self.boss = server.person("boss", is_admin=True)
        self.ana = server.person("ana")
        self.client = server.client(server.token(self.boss))

    def file(self, name: str, text: str = "day,amount\n2026-11-01,3\n2026-11-02,4\n") -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def page(self, query: str = "", *, status: int = 200) -> str:
        answer = self.client.get(f"/admin/tables{query}")
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def act(self, **fields: str) -> httpx.Response:
        return self.client.post(ACT, data=fields)

    def refused(self, field: str, **fields: str) -> str:
        """What stands beside `field` after this form was sent with scripts."""
        answer = self.client.post(ACT, data=fields, headers=LIVE)
        assert answer.status_code == 400, answer.text
        assert f'data-field="{field}"' in answer.text, answer.text
        return answer.text

    def registered(self, name: str, **more: str) -> None:
        done = self.act(register="1", name=name, location=self.file(f"{name}.csv"), **more)
        assert done.headers["Location"] == f"/admin/tables?table={name}", done.text

    def rows(self, table: Any, **equal: str) -> list[dict[str, Any]]:
        self.server.instance.store.write(lambda transaction: None).result()
        rows = rows_of(table)
        wanted = rows.filter([rows[name] == value for name, value in equal.items()])
        found: list[dict[str, Any]] = self.server.instance.store.read(wanted).to_pylist()
        return found

    @property
    def group(self) -> str:
        """Ana's."""
        return str(self.rows(USER_GROUPS, name="group of ana")[0]["id"])

    def ana_may_read(self, name: str) -> bool:
        with self.server.client(self.server.token(self.ana)) as client:
            return client.get(f"/api/v2/schema/{name}").status_code == 200


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tables") / "data"
    with WholeServer(folder) as server:
        place = Place(server, folder)
        yield place
        place.client.close()


def test_a_file_is_registered_granted_and_taken_back_without_a_script(place: Place) -> None:
    place.registered("orders", description="What was ordered.")
    listed = place.page()
    assert "What was ordered." in listed
    assert "admins only" in listed
    assert "1–1 of 1 table" in listed
    assert not place.ana_may_read("orders")

    assert place.act(grant="orders", table="orders", group_id=place.group).status_code == 303
    assert place.ana_may_read("orders")
    shown = place.page("?table=orders")
    assert "1 person and admins" in shown
    assert "<b>group of ana</b>" in shown
    assert "2 <span" in shown, "rows, of which the file has two"

    (grant,) = place.rows(RESOURCE_GRANTS, resource_id="orders")
    assert place.act(ungrant=grant["id"], table="orders").status_code == 303
    assert not place.ana_may_read("orders")
    shown = place.page("?table=orders")
    for action in ("registry.create", "resource_grants.add", "resource_grants.remove"):
        assert f">{action}</span>" in shown


def test_what_is_changed_keeps_its_grants_and_what_its_columns_mean(place: Place) -> None:
    place.registered("moved")
    place.act(grant="moved", table="moved", group_id=place.group)
    place.act(describe="moved", table="moved", **{"means.amount": "In euro."})
    wider = place.file("wider.csv", "day,amount,more\n2026-11-01,3,x\n")
    done = place.act(change="moved", table="moved", name="Renamed", location=wider)
    assert done.status_code == 303, done.text
    shown = place.page("?table=moved")
    assert ">Renamed</h2>" in shown
    assert "In euro." in shown
    assert re.search(r">more</td>.*string", shown)
    assert place.ana_may_read("Renamed")
    assert place.page("?table=RENAMED").count("<h2") == shown.count("<h2"), "also by its name"


def test_a_removed_table_comes_back_with_its_grants(place: Place) -> None:
    place.registered("back")
    place.act(grant="back", table="back", group_id=place.group)
    assert "Its 1 grant goes with it" in place.page("?table=back&do=remove")
    assert place.act(remove="back", table="back").status_code == 303
    gone = place.page("?table=back")
    assert "not registered any more" in gone
    assert not place.ana_may_read("back")
    (event,) = place.rows(AUDIT_LOG, action="registry.delete", resource="table:back")
    tried = place.page(f"?table=back&undo={event['id']}")
    assert "What will be written" in tried
    assert "ana@example.org" in tried, "who gains access"
    done = place.act(undo=event["id"], table="back", reason="a mistake")
    assert done.status_code == 303, done.text
    assert place.ana_may_read("back")
    assert "undone by boss" in place.page("?table=back")
    again = place.client.post(ACT, data={"undo": event["id"], "table": "back"}, headers=LIVE)
    assert again.status_code == 409
    assert "table is already as it was before" in again.text


def test_what_is_wrong_stands_beside_its_field(place: Place) -> None:
    file = place.file("fine.csv")
    place.registered("taken")
    assert "there is no such file" in place.refused(
        "location", register="1", name="x", location="no.csv"
    )
    place.refused("location", register="1", name="x", location="/etc/passwd.csv")
    place.refused("location", register="1", name="x", location="")
    place.refused("name", register="1", name="two words", location=file)
    place.refused("name", register="1", name="agnes_mine", location=file)
    assert HOSTILE not in place.refused("name", register="1", name=HOSTILE, location=file)
    place.refused("group_id", grant="taken", table="taken", group_id="")
    place.refused("meanings.day", describe="taken", table="taken", **{"means.day": "x" * 501})
    place.refused("other", register="1", other="x")
    for name in ("TAKEN", "taken"):
        twice = {"register": "1", "name": name, "location": file}
        answer = place.client.post(ACT, data=twice, headers=LIVE)
        assert answer.status_code == 409
        assert 'data-field="name"' in answer.text
    for given in ({}, {"register": "1", "remove": "taken"}):
        assert place.client.post(ACT, data=given).status_code == 400
    refused = place.rows(AUDIT_LOG, action="registry.create", result="error.bad_parameter")
    assert refused, "a refusal is a row, too"


def test_a_form_of_another_page_is_refused(place: Place) -> None:
    with place.server.client(cookies=place.server.cookie(place.boss)) as browser:
        answer = browser.post(ACT, data={"remove": "orders", "table": "orders"})
    assert answer.status_code == 403
    assert "XSRF" in answer.text


def test_a_file_that_is_gone_is_said(place: Place) -> None:
    place.registered("lost")
    (place.folder / "lost.csv").unlink()
    listed = place.page("?q=lost")
    assert "1 of 1 cannot be read" in listed
    assert "there is no such file" in listed
    place.file("lost.csv", "other\n1\n")
    assert "unreadable" in place.page("?table=lost"), "its columns are not there"


def test_internal_tables_are_told_and_cannot_be_changed(place: Place) -> None:
    shown = place.page("?tab=internal")
    for name in agnes_tables():
        assert f'href="/catalog?table={name}"' in shown
    assert shown.count("user_id") == 4
    assert "reporter_user" in shown
    assert "those of others masked" in shown
    assert "Register a file" not in shown
    assert "nothing to change" in place.page("?table=agnes_audit", status=404)
    assert place.act(remove="agnes_audit", table="agnes_audit").status_code == 400


def test_what_cannot_be_asked_is_said(place: Place) -> None:
    assert "no table 'nothing' is registered" in place.page("?table=nothing", status=404)
    for query in ("?do=x", "?tab=x", "?other=1", "?offset=-1"):
        place.page(query, status=400)
    hostile = place.client.get("/admin/tables", params={"q": HOSTILE})
    assert hostile.status_code == 200
    assert HOSTILE not in hostile.text
    assert "were searched for" in hostile.text


def test_the_log_leads_to_the_tables_of_a_question(place: Place) -> None:
    place.registered("joined")
    sql = "SELECT count(*) FROM joined, agnes_audit"
    assert place.client.post("/api/query", json={"sql": sql}).status_code == 200
    (event,) = place.rows(AUDIT_LOG, action="query.hybrid", user_id=place.boss)
    shown = html.unescape(place.client.get(f"/admin/activity?row={event['id']}").text)
    assert 'href="/admin/tables?table=joined">joined</a>' in shown
    assert 'href="/catalog?table=agnes_audit">agnes_audit</a>' in shown


def test_a_table_of_files_is_synced_shown_and_failing_stands_out(place: Place) -> None:
    place.file("shops-1.csv", "town,n\n" + f"Brno,1\n{HOSTILE},2\n" * 2)
    given = {"source_type": "files", "location": "shops-*.csv", "schedule": "every 6h"}
    done = place.act(register="1", name="shops", **given)
    assert done.headers["Location"] == "/admin/tables?table=shops", done.text
    shown = place.page("?table=shops")
    assert "It was never synced." in shown
    assert "not synced yet" in shown
    said = place.client.post(ACT, data={"sync": "shops", "table": "shops"}, headers=LIVE)
    assert said.text.startswith("shops was synced: 4 rows in")
    raw = place.client.get("/admin/tables?table=shops").text
    assert HOSTILE not in raw, "values of a profile are text"
    shown = html.unescape(raw)
    for text in ("reads all anew", "every 6h", ">Brno <span", "1 syncs, 0 failed", ", next "):
        assert text in shown, text
    assert 'href="/api/data/shops/download"' in shown
    (row,) = place.rows(AUDIT_LOG, action="sync.trigger")
    assert '"trigger":"cli"' in row["params"], "a token sent it"

    catalog = place.client.get("/catalog?table=shops").text
    assert 'href="/api/data/shops/download"' in catalog
    assert "agnes pull shops" in catalog

    place.file("shops-2.csv", "town,n\nPraha,many\n")
    place.act(sync="shops", table="shops")
    assert "int64 → string" in place.page("?table=shops")
    for path in place.folder.glob("shops-*.csv"):
        path.unlink()
    said = place.client.post(ACT, data={"sync": "shops", "table": "shops"}, headers=LIVE)
    assert "could not be synced" in said.text
    shown = place.page("?table=shops")
    assert "The last sync failed" in shown
    assert "3 syncs, 1 failed" in shown
    listed = place.page("?tab=files")
    assert "failed at its last sync:</b>" in listed
    assert ">shops<" in listed
    assert ">shops<" not in place.page("?tab=url")
    again = place.client.post(ACT, data={"sync": "nothing", "table": "nothing"}, headers=LIVE)
    assert again.status_code == 404


def test_each_source_has_a_form_whose_fields_are_refused_by_name(place: Place) -> None:
    assert 'name="statement"' in place.page("?do=register&source=sql")
    assert 'name="location"' in place.page("?do=register&tab=url")
    form = {"register": "1", "name": "x"}
    place.refused("location", **form, source_type="url", location="ftp://example.org/x.csv")
    place.refused("location", **form, source_type="url", location="http://127.0.0.1/x.csv")
    place.refused("location", **form, source_type="files", location="/etc/*.csv")
    place.refused("schedule", **form, source_type="files", location="a.csv", schedule="hourly")
    place.refused("connection", **form, source_type="sql")
    place.refused("source_type", **form, source_type="ftp")
    place.page("?do=register&source=ftp", status=400)


def test_how_a_table_is_synced_is_changed_on_its_page(place: Place) -> None:
    place.file("kept.csv")
    place.act(register="1", name="kept", source_type="files", location="kept.csv")
    shown = place.page("?table=kept&do=change")
    assert f'value="{place.folder}/kept.csv"' in shown
    given = {"location": "kept.csv", "sync_mode": "append", "schedule": "30 5 * * *"}
    done = place.act(change="kept", table="kept", name="kept", **given)
    assert done.status_code == 303, done.text
    shown = place.page("?table=kept")
    assert "adds what is new" in shown
    assert "30 5 * * *" in shown


def test_lists_have_no_figures_and_are_shown(place: Place) -> None:
    place.file("nested.ndjson", '{"tags": [1, 2], "n": 1}\n')
    place.act(register="1", name="nested", source_type="files", location="nested.ndjson")
    said = place.client.post(ACT, data={"sync": "nested", "table": "nested"}, headers=LIVE)
    assert said.text.startswith("nested was synced: 1 rows")
    assert ">tags</td>" in place.page("?table=nested")


def test_what_was_never_synced_is_not_said_to_be_read(place: Place) -> None:
    place.act(register="1", name="nowhere", source_type="files", location="nowhere-*.csv")
    place.act(sync="nowhere", table="nowhere")
    for query in ("?table=nowhere", "?q=nowhere"):
        shown = place.page(query)
        assert "Nobody can question it until a sync goes well." in shown
        assert "synced before" not in shown
    done = place.client.post(ACT, data={"remove": "nowhere", "table": "nowhere"}, headers=LIVE)
    assert done.text == "nowhere is not registered any more. Its source stays as it is."


def test_a_table_at_its_source_is_not_called_readable_unasked(place: Place) -> None:
    columns = '[{"name":"n","type":"int64","meaning":""}]'
    about = {"source_type": "sql", "query_mode": "remote", "connection": "shop"}
    row = {"id": "far", "name": "far", "statement": "orders", "columns": columns, **about}
    place.server.instance.store.write(objects.register(Caller(), row)).result()
    for query in ("?table=far", "?tab=sql"):
        shown = place.page(query)
        assert ">at its source</span>" in shown
        assert ">readable</span>" not in shown
