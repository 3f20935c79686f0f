"""`/admin/marketplace` as it is sent, and what its forms do: with scripts, without, with bad
input."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from console.audit import now
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows
from tests.whole_server import WholeServer

PAGE = "/admin/marketplace"
LIVE = {"Accept": "text/x-notice"}
HOSTILE = "<img src=x onerror=alert(1)>"
TEAM = {"name": "team", "source": "curated"}
ITEMS = [
    {"plugin": "tools", "type": "skill", "name": "mend", "description": HOSTILE},
    {"plugin": "tools", "type": "skill", "name": "idle"},
    {"plugin": "tools", "type": "agent", "name": "editor"},
]


class Place:
    """Ana has used a skill 4 times in the week before the last 7 days and 6 times in them; Ben
    used a tool only."""

    def __init__(self, server: WholeServer) -> None:
        self.server = server
        boss = server.person("boss", is_admin=True)
        self.client = server.client(server.token(boss))
        ago = [10] * 4 + [2] * 6
        used = [(days, "ana", "tools:mend") for days in ago] + [(1, "ben", None)]
        rows: list[dict[str, Any]] = [
            {
                "id": f"e{number}",
                "session_file": f"{who}/s.jsonl",
                "user_id": who,
                "skill_name": skill,
                "tool_name": "Skill" if skill else "Bash",
                "event_type": "tool_use",
                "outcome": "ok",
                "source": "builtin",
                "is_error": False,
                "occurred_at": now() - timedelta(days=days),
            }
            for number, (days, who, skill) in enumerate(used)
        ]
        server.instance.store.write(Rows(USAGE_EVENTS, rows)).result()

    def page(self, query: str = "", *, status: int = 200) -> str:
        answer = self.client.get(f"{PAGE}{query}")
        assert answer.status_code == status, answer.text
        return answer.text

    def act(
        self, fields: dict[str, str], *, live: bool = False, file: bytes | None = None
    ) -> httpx.Response:
        files = {"file": ("market.json", file)} if file is not None else None
        headers = LIVE if live else {}
        return self.client.post(f"{PAGE}/act", data=fields, files=files, headers=headers)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with WholeServer(tmp_path_factory.mktemp("market") / "data") as server:
        place = Place(server)
        assert "No marketplace was imported yet" in place.page("?tab=marketplaces")
        assert "import one" in place.page()
        listing = orjson.dumps({"items": ITEMS})
        done = place.act({**TEAM, "import": "1"}, file=listing)
        assert done.status_code == 303, done.text
        yield place
        place.client.close()


def row(page: str, keep: str) -> str:
    """The text of a row, without its tags."""
    part = page.partition(f'data-keep="{keep}"')[2].partition("</tr>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part.partition(">")[2])).split())


def test_every_figure_stands_beside_of_how_many_it_is(place: Place) -> None:
    page = place.page()
    assert "of 2 active in 30 days" in page
    assert "of 4 offered" in page
    mend = row(page, "skill curated tools:mend")
    assert "10 1 of 2 ↗ +50 %" in mend
    assert (
        'href="/admin/telemetry?tab=skills&amp;skill=tools%3Amend&amp;since_minutes=43200"' in page
    )
    assert HOSTILE not in page
    assert place.client.get(html.unescape(re.findall(r'href="(/admin/telemetry\?[^"]+)"', page)[0]))
    assert "1 of 2" in row(place.page("?tab=plugins"), "team tools")
    assert "skill curated tools:mend" in place.page("?sort=trending&type=skill")
    assert "skill curated tools:mend" not in place.page("?type=plugin")
    idle = place.page("?tab=unused")
    assert "2 of 4 offered items were used by none of 2 active people" in idle
    assert "<bdi>idle</bdi>" in idle
    assert "<bdi>mend</bdi>" not in idle
    assert "<bdi>editor</bdi>" not in place.page("?tab=unused&type=skill")


@pytest.mark.parametrize("query", ["?sort=best", "?type=tool", "?source=x", "?tab=y", "?z=1"])
def test_what_cannot_be_asked_is_said(place: Place, query: str) -> None:
    assert 'role="alert"' in place.page(query, status=400)


def test_an_import_is_tried_first_and_then_done_without_a_script(place: Place) -> None:
    more = orjson.dumps({"items": [*ITEMS, {"plugin": "new", "type": "skill", "name": "one"}]})
    tried = place.act({**TEAM, "try": "1"}, file=more)
    assert "6 items, 2 new, 0 gone" in tried.text
    assert "<img" not in tried.text
    assert 'data-keep="team new"' not in place.page("?tab=plugins")
    listing = re.search(r'name="listing" value="([^"]+)"', tried.text)
    assert listing is not None
    done = place.act({**TEAM, "import": "1", "listing": html.unescape(listing[1])})
    assert (done.status_code, done.headers["Location"]) == (303, f"{PAGE}?tab=marketplaces")
    assert 'data-keep="team new"' in place.page("?tab=plugins")
    assert "0 calls attributed anew" in place.act({"refresh": "*"}, live=True).text
    assert "Refresh</button>" in place.act({"try_refresh": "team"}, live=True).text


def test_a_marketplace_is_removed_and_the_log_has_it(place: Place) -> None:
    listing = orjson.dumps([{"name": "gone", "skills": ["x"]}])
    place.act({"name": "brief", "source": "flea", "import": "1"}, file=listing)
    assert "Remove it" in place.page("?tab=marketplaces&remove=brief")
    assert place.act({"remove": "brief"}).status_code == 303
    assert 'data-keep="brief"' not in place.page("?tab=marketplaces")
    asked = {"resource": "marketplace:brief", "action_in": "marketplace.import"}
    rows = place.client.get("/api/admin/activity", params=asked).json()["rows"]
    assert len(rows) == 2
    assert (
        "/admin/marketplace?tab=marketplaces"
        in place.client.get(f"/admin/activity?row={rows[0]['id']}").text
    )


@pytest.mark.parametrize(
    ("fields", "file", "status", "said"),
    [
        ({"import": "1", "name": "team", "source": "curated"}, b"{", 400, "not json"),
        ({"import": "1", "name": "team", "source": "curated"}, b"[]", 400, "no plugins"),
        ({"import": "1", "name": "team", "source": "mine"}, b"[]", 400, "curated, flea"),
        ({"import": "1", "name": "use", "source": "flea"}, b"[]", 400, "another name"),
        ({"try": "1", "name": "team", "source": "flea"}, None, 400, "json listing"),
        ({"remove": "none"}, None, 404, "none"),
        ({"refresh": "none"}, None, 404, "none"),
        ({"name": "team"}, None, 400, "asks for nothing"),
        ({"remove": "team", "more": "1"}, None, 400, "more"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    place: Place, fields: dict[str, str], file: bytes | None, status: int, said: str
) -> None:
    for live in (False, True):
        answer = place.act(fields, live=live, file=file)
        assert answer.status_code == status
        assert said in html.unescape(answer.text).lower()
