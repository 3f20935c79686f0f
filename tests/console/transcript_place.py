"""A world with people and their uploaded transcripts, for the tests of who reads them and how."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import httpx

from console.audit import RecentReads, new_id, now
from console.queries.indexing import files_of
from console.reasons import Reasons
from console.transcript import indexing
from ingest import index_files
from ingest.session_files import FOLDER
from ingest.transcript import build
from schema.bind import Text
from schema.tables import RESOURCE_GRANTS, USER_GROUP_MEMBERS
from schema.transaction import Rows
from tests.console.access_world import World
from tests.ingest.transcript.written import agent, answer, call, file, result, says, user

SESSIONS, MINE = "/api/admin/sessions", "/api/me/sessions"
PNG = base64.b64encode(b"\x89PNG and so on").decode()


def picture(media_type: str, data: str = PNG) -> dict[str, Any]:
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": media_type, "data": data},
    }


TALK = file(
    user([says("look"), picture("image/png")], "u1", timestamp="2026-03-01T10:00:00Z"),
    agent({"type": "thinking", "thinking": "hm"}, says("so"), uuid="a1"),
    agent(call("t1", "Edit"), call("t2", "Bash"), uuid="a2", timestamp="2026-03-01T10:00:01Z"),
    result("fine", "t1", uuid="r1", timestamp="2026-03-01T10:00:03.5Z"),
    result("Exit code 1", "t2", error=True, uuid="r2", timestamp="2026-03-01T10:00:09Z"),
    user([answer([picture("image/svg+xml", "PHN2Zz4=")], "t1")], "r3"),
    {"type": "system", "subtype": "turn_duration"},
).getvalue()
SIDE = file(
    user("do it", "s1", isSidechain=True, agentId="x"),
    agent(call("t9", "Read"), uuid="s2", isSidechain=True, agentId="x"),
    result("no", "t9", error=True, uuid="s3", isSidechain=True, agentId="x"),
).getvalue()


class Place(World):
    """`owner` has transcripts; `granted` may read sessions; `analyst` is nobody special."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.owner, self.granted, self.analyst = (self.user() for _ in range(3))
        group = new_id()
        member = {"group_id": group, "user_id": self.granted, "added_at": now()}
        grant = {"id": new_id(), "group_id": group, "resource_type": "sessions"}
        self.store.write(
            Rows(USER_GROUP_MEMBERS, [member]),
            Rows(RESOURCE_GRANTS, [{**grant, "created_at": now()}]),
        ).result()
        self.clients = {
            "stranger": self.client(),
            **{
                name: self.client(self.token(id))
                for name, id in (
                    ("owner", self.owner),
                    ("granted", self.granted),
                    ("analyst", self.analyst),
                    ("admin", self.admin_id),
                )
            },
        }
        return self

    def __exit__(self, *error: Any) -> None:
        for client in self.clients.values():
            client.close()
        super().__exit__(*error)

    @property
    def folder(self) -> Path:
        return self.settings.folder / FOLDER

    def upload(self, name: str, data: bytes, *, parent: str | None = None) -> str:
        """The session_file of a transcript of `owner`."""
        more: Any = {"data": {"parent": parent}} if parent else {}
        answer = self.clients["owner"].post(
            "/api/upload/sessions", files={"file": (name, data)}, **more
        )
        return str(got(answer)["session_file"])

    def make_index(self, session_file: str, subagents: Iterable[str] = ()) -> None:
        """As the indexing process would."""
        paths = [self.folder / one for one in subagents]
        made = build(self.folder / session_file, paths)
        file_hash = indexing.hash_of(self.store.rows(files_of, Text(session_file)))
        assert file_hash
        index_files.write(self.settings.folder, session_file, file_hash, made)
        assert indexing.index_of(self.instance, session_file) == made

    def a_minute_later(self) -> None:
        self.instance.recent_reads = RecentReads()

    def an_hour_later(self) -> None:
        self.instance.reasons = Reasons()


def got(answer: httpx.Response, status: int = 0) -> Any:
    assert answer.is_success if not status else answer.status_code == status, answer.text
    return answer.json()


def all_pages(client: httpx.Client, path: str, limit: int, **more: Any) -> list[dict[str, Any]]:
    """Every event, page by page."""
    events: list[dict[str, Any]] = []
    first: int | None = 0
    while first is not None:
        page = got(client.get(path, params={"from": first, "limit": limit, **more}))
        assert len(page["events"]) <= limit
        assert page["next"] in (None, first + limit)
        events += page["events"]
        first = page["next"]
    return events
