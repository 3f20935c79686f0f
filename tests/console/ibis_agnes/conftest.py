"""One server with telemetry and a log of three people, and a connection of Ibis for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest

from console.audit import new_id
from console.tables.agnes_tables import agnes_tables
from schema.tables import SESSION_FINDINGS, USAGE_EVENTS
from schema.transaction import Rows
from tests.whole_server import WholeServer

START = datetime(2026, 3, 2, 9)
TOOLS = ("Bash", "Read", "Edit", None)
MODELS = ("small", "large", "very, 'odd' \u2028 \"one\"")


class Place:
    """`rows`: all rows of telemetry; root sees them all, the others their own. `connections` and
    `tokens`: by name."""

    def __init__(
        self,
        server: WholeServer,
        ids: Mapping[str, str],
        rows: list[dict[str, Any]],
        connections: Mapping[str, Any],
        tokens: Mapping[str, str],
    ) -> None:
        self.server, self.ids, self.rows = server, ids, rows
        self.connections, self.tokens = connections, tokens

    def by_hand(self, who: str) -> Any:
        """A table of Ibis, of no server's, with the rows that somebody should see."""
        rows = [row for row in self.rows if who == "root" or row["user_id"] == self.ids[who]]
        schema = agnes_tables()["agnes_telemetry"].schema()
        kinds = pa.schema([field.with_nullable(True) for field in schema])
        found = pa.Table.from_pylist([{n: row.get(n) for n in kinds.names} for row in rows], kinds)
        return ibis.memtable(found)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("ibis") / "data"
    with WholeServer(folder, AGNES_QUERY_PER_MINUTE="100000") as server:
        ids = {
            "ana": server.person("ana"),
            "sol": server.person("sol", "telemetry"),
            "root": server.person("root", is_admin=True),
        }
        rows = [_event(ids, number) for number in range(150)]
        server.instance.store.write(
            Rows(USAGE_EVENTS, rows), Rows(SESSION_FINDINGS, [_finding(ids, n) for n in range(9)])
        ).result()
        tokens = {name: server.token(id) for name, id in ids.items()}
        made = {name: ibis.agnes.connect(server.address, token) for name, token in tokens.items()}
        yield Place(server, ids, rows, made, tokens)
        for connection in made.values():
            connection.disconnect()
        server.instance.questions.close()


def _event(ids: Mapping[str, str], number: int) -> dict[str, Any]:
    who = sorted(ids)[number % 3]
    at = START + timedelta(hours=number)
    return {
        "id": new_id(),
        "session_file": f"{ids[who]}/s{number % 5}.jsonl",
        "user_id": ids[who],
        "username": who,
        "event_type": "tool_use" if number % 5 else "prompt",
        "tool_name": TOOLS[number % 4],
        "model": MODELS[number % 3],
        "is_error": None if number % 11 == 0 else number % 7 == 0,
        "processor_version": number % 3,
        "occurred_at": at,
        "extracted_at": at + timedelta(seconds=number),
    }


def _finding(ids: Mapping[str, str], number: int) -> dict[str, Any]:
    who = sorted(ids)[number % 3]
    about = {"finding_type": "loop", "severity": "error", "turn_index": number}
    return {"id": new_id(), "session_file": f"{ids[who]}/s.jsonl", "user_id": ids[who], **about}
