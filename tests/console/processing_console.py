"""A whole server in which transcripts are processed, and shortcuts for those who ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import orjson

from console import work
from console.client import Client
from schema.table import Table, rows_of
from schema.tables import AUDIT_LOG, SESSION_VERDICTS, USAGE_EVENTS, USAGE_SESSION_SUMMARY
from tests.transcripts import Transcript
from tests.whole_server import WholeServer

RUN = "/api/admin/run-session-processor"
REPROCESS = "/api/admin/telemetry/reprocess"
PRUNE = "/api/admin/telemetry/prune"
BOTH = ["usage", "failure_scan"]
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
DETAILS = {
    "processor",
    "scanned",
    "processed",
    "skipped",
    "capped",
    "errors",
    "items_extracted",
    "errors_detail",
}


class Console:
    """A server, an admin who asks, and somebody who uploads."""

    def __init__(self, server: WholeServer) -> None:
        self.server = server
        self.instance = server.instance
        self.admin_id = server.person("admin", is_admin=True)
        self.user = server.person("worker")
        self.mine = server.token(self.user)
        self.admin = server.client(server.token(self.admin_id))
        self.admin.timeout = httpx.Timeout(120)

    def upload(self, name: str, what: Transcript | bytes) -> str:
        data = what if isinstance(what, bytes) else what.data
        with self.server.client(self.mine) as client:
            answer = client.post("/api/upload/sessions", files={"file": (name, data)})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session_file"])

    def run(self, name: str = "usage") -> Any:
        return self.admin.post(RUN, params={"processor": name})

    def rows(self, table: Table, **equal: Any) -> list[dict[str, Any]]:
        self.instance.store.write(lambda transaction: None).result()
        found = self.instance.store.read(rows_of(table)).to_pylist()
        return [row for row in found if all(row[key] == part for key, part in equal.items())]

    def log(self, action: str) -> list[dict[str, Any]]:
        found = sorted(self.rows(AUDIT_LOG, action=action), key=lambda row: str(row["id"]))
        return [{**row, "params": orjson.loads(row["params"] or "{}")} for row in found]

    def pass_(self, run: str = "run 1") -> str:
        return self.instance.gate.passes.issue(run, lifetime=timedelta(minutes=5))

    def kernel(self, secret: str) -> Client:
        return Client(self.server.address, secret)


def drain(console: Console) -> None:
    console.instance.claims.end("nobody")
    with console.kernel(console.pass_("drain")) as client:
        work.Worker(client, BOTH).run()
    console.instance.claims.end("job drain")


def made(console: Console) -> dict[str, list[str]]:
    passing = ("extracted_at", "decided_at", "detected_at")
    return {
        table.name: sorted(
            str({name: part for name, part in row.items() if name not in passing})
            for row in console.rows(table)
        )
        for table in (USAGE_EVENTS, USAGE_SESSION_SUMMARY, SESSION_VERDICTS)
    }
