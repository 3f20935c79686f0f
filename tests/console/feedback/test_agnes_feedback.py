"""`agnes_feedback`: one's own reports, each with what became of its group, also where somebody else
began that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from console.audit import new_id
from console.feedback.reading import Reader, shown
from console.queries import feedback as queries
from console.tables.agnes_tables import agnes_tables
from schema.bind import Texts
from schema.policy import Principal
from schema.tables import FEEDBACK_REPORTS
from schema.transaction import Rows
from tests.whole_server import WholeServer

AT = datetime(2026, 3, 2, 9)
NOT_OFFERED = {"idempotency_key", "anchor_uuid"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("agnes") / "data") as server:
        yield server


def report(who: str, **more: Any) -> dict[str, Any]:
    row = {"id": new_id(), "created_at": AT, "reporter_user": who, "message": "it hangs"}
    return {**row, "status": "open", "version": 1, "kept_apart": False, **more}


def asked(server: WholeServer, who: str, sql: str) -> list[list[Any]]:
    with server.client(server.token(who)) as client:
        answer = client.post("/api/query", json={"sql": sql})
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


def test_every_column_is_offered_and_explained_but_two() -> None:
    table = agnes_tables()["agnes_feedback"]
    assert set(table.columns) == set(FEEDBACK_REPORTS.columns) - NOT_OFFERED
    assert all(table.columns.values())


def test_a_duplicate_has_what_became_of_its_group_and_others_stay_unseen(
    server: WholeServer,
) -> None:
    ana, ben = server.person("ana"), server.person("ben", "feedback")
    root = server.person("root", is_admin=True)
    answer = {"resolution": "use 0.3", "fixed_in": "0.3", "resolved_by": root, "resolved_at": AT}
    head = report(ben, status="resolved", tags='["sync"]', reopened=2, **answer)
    same = report(ana, merged_into=head["id"], error="Bash: exit 1", updated_at=AT)
    alone = report(ana, kept_apart=True, status=None)
    server.instance.store.write(Rows(FEEDBACK_REPORTS, [head, same, alone])).result()

    columns = "id, status, resolution, fixed_in, tags, reopened, kept_apart, error"
    sql = f"SELECT {columns} FROM agnes_feedback ORDER BY status"
    assert asked(server, ana, sql) == [
        [alone["id"], "open", None, None, None, None, True, None],
        [same["id"], "resolved", "use 0.3", "0.3", '["sync"]', 2, False, "Bash: exit 1"],
    ]
    of_ben = asked(server, ben, "SELECT id FROM agnes_feedback")
    assert of_ben == [[head["id"]]], "a grant on the inbox widens nothing here"
    rows = asked(server, root, "SELECT id, status, assignee, resolved_at FROM agnes_feedback")
    assert len(rows) == 3

    # What the table says of each report is what the inbox says.
    me = Principal(root, is_admin=True)
    reader = Reader(server.instance, me)
    found = reader.ask(queries.by_ids, reader.seen, Texts(tuple(row[0] for row in rows)))
    assert {row["id"]: shown(reader, row)["status"] for row in found} == {
        row[0]: row[1] for row in rows
    }


def test_the_answer_of_a_group_is_new_at_once(server: WholeServer) -> None:
    eva, other = server.person("eva"), server.person("other")
    head = report(other)
    same = report(eva, merged_into=head["id"])
    server.instance.store.write(Rows(FEEDBACK_REPORTS, [head, same])).result()
    sql = "SELECT status FROM agnes_feedback"
    assert asked(server, eva, sql) == [["open"]]
    server.instance.store.write(
        lambda transaction: transaction.update(
            FEEDBACK_REPORTS, {"id": head["id"]}, {"status": "wontfix"}
        )
    ).result()
    assert asked(server, eva, sql) == [["wontfix"]]
