"""The Telemetry page as HTML: inert whatever transcripts name, and only links one may follow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from console.audit import new_id
from console.pages.telemetry.state import TABS
from console.pages.telemetry.words import GROUPS
from schema.tables import USAGE_EVENTS
from schema.transaction import Rows
from tests.console.telemetry_place import SPAN, bounds, event, window
from tests.whole_server import WholeServer

PATH = "/admin/telemetry"
SHAPES = (
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(1)</script>",
    "' onmouseover='x",
    "{{ 7*7 }}",
    "javascript:alert(1)",
    "\u202egnp.exe",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("telemetry-html") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def span(server: WholeServer) -> dict[str, str]:
    """A window with calls that are named in every bad way, half of them failed."""
    within = window()
    names = ("tool_name", "skill_name", "subagent_type", "model", "source", "ref_id", "event_type")
    rows = [
        event(
            within[0] + SPAN / 2,
            outcome=outcome,
            user_id=shape,
            session_file=f"u/{shape}.jsonl",
            **dict.fromkeys(names, shape),
        )
        for shape in (*SHAPES, f"mcp__{SHAPES[0]}__x")
        for outcome in ("ok", "error")
    ]
    server.instance.store.write(Rows(USAGE_EVENTS, rows)).result()
    return bounds(within)


def shown(server: WholeServer, surfaces: tuple[str, ...], asked: dict[str, str]) -> str:
    person = server.person(new_id(), *surfaces)
    with server.client(server.token(person)) as client:
        answer = client.get(PATH, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_names_are_text_in_every_table(server: WholeServer, span: dict[str, str]) -> None:
    person = server.person(new_id(), "telemetry", "sessions")
    looks = [{"group_by": group, "stack": "groups"} for group in GROUPS]
    looks += [{"tab": tab} for tab in TABS]
    looks += [{"tool_name": shape, "group_by": "tool"} for shape in SHAPES]
    with server.client(server.token(person)) as client:
        for asked in looks:
            html = client.get(PATH, params={**span, **asked}).raise_for_status().text
            assert "<img src=x" not in html, asked
            assert "<script>alert" not in html, asked
            assert not re.search(r"<[^>]* onmouseover='x", html), asked
            assert 'href="javascript' not in html, asked
            assert ">49<" not in html, asked


def test_only_who_may_open_sessions_is_led_to_them(
    server: WholeServer, span: dict[str, str]
) -> None:
    asked = {**span, "tool_name": SHAPES[0]}
    both = shown(server, ("telemetry", "sessions"), asked)
    assert 'class="panel failures"' in both
    assert 'href="/admin/sessions' in both
    alone = shown(server, ("telemetry",), asked)
    assert 'class="panel failures"' not in alone
    assert 'href="/admin/sessions' not in alone
    assert 'href="/admin/activity' not in alone
    with server.client(server.token(server.person(new_id(), "sessions"))) as client:
        assert client.get(PATH).status_code == httpx.codes.FORBIDDEN
