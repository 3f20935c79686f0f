"""`/admin/server-config` and the two prompts as they are sent, and what their forms do: with
scripts, without, with bad input."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from console.prompts import PROMPTS
from console.settings import SETTINGS
from tests.whole_server import WholeServer

CONFIG, AGENT = "/admin/server-config", "/admin/agent-prompt"
LIVE = {"Accept": "text/x-notice"}
HOSTILE = "<img src=x onerror=alert(1)>"


class Place:
    def __init__(self, server: WholeServer) -> None:
        self.server = server
        self.boss = server.person("boss", is_admin=True)
        self.ana = server.person("ana")
        self.client = server.client(server.token(self.boss))

    def page(self, path: str, *, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def act(self, page: str, *, live: bool = False, **fields: str) -> httpx.Response:
        return self.client.post(f"{page}/act", data=fields, headers=LIVE if live else {})

    def events(self, **asked: str) -> list[dict[str, Any]]:
        answer = self.client.get("/api/admin/activity", params=asked)
        found: list[dict[str, Any]] = answer.json()["rows"]
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    given = {"AGNES_AUDIT_RETENTION_DAYS": "90", "ANTHROPIC_API_KEY": "sk-never-shown"}
    with WholeServer(tmp_path_factory.mktemp("config") / "data", **given) as server:
        place = Place(server)
        yield place
        place.client.close()


def test_every_setting_stands_with_its_value_and_where_that_comes_from(place: Place) -> None:
    page = place.page(CONFIG)
    assert re.findall(r'data-keep="([A-Z_]+)"', page) == [one.name for one in SETTINGS]
    assert "sk-never-shown" not in page
    key = page.partition('data-keep="ANTHROPIC_API_KEY"')[2].partition("</li>")[0]
    assert ">set<" in key
    assert "Change…" not in key
    days = page.partition('data-keep="AGNES_AUDIT_RETENTION_DAYS"')[2].partition("</li>")[0]
    assert ">environment<" in days
    assert "Change…" not in days
    assert place.page(f"{CONFIG}?tab=environment").count("data-keep") >= 2
    assert "No setting has these words" in place.page(f"{CONFIG}?q=nothing+is+called+so")
    assert "is no setting" in place.page(f"{CONFIG}?setting=retention_days")
    place.page(f"{CONFIG}?nothing=1", status=400)


def test_a_setting_is_set_undone_and_unset_without_a_script(place: Place) -> None:
    settings, opened = place.server.instance.settings, f"{CONFIG}?setting=AGNES_QUERY_WAIT"
    assert 'value="30"' in place.page(opened)
    done = place.act(CONFIG, set="AGNES_QUERY_WAIT", value=" 12 ")
    assert (done.status_code, done.headers["Location"]) == (303, opened)
    assert settings.query_wait == 12
    shown = place.page(opened)
    assert 'value="12"' in shown
    assert ">set here<" in shown
    (event,) = place.events(resource="config:AGNES_QUERY_WAIT")
    assert f"?setting=AGNES_QUERY_WAIT&amp;undo={event['id']}" in shown
    tried = place.page(f"{opened}&undo={event['id']}")
    assert "What will be written" in tried
    assert place.act(CONFIG, undo=event["id"], reason="too short").status_code == 303
    assert settings.query_wait == 30
    assert "undone by" in place.page(opened)
    place.act(CONFIG, set="AGNES_QUERY_WAIT", value="5")
    said = place.act(CONFIG, live=True, unset="AGNES_QUERY_WAIT").text
    assert "Query wait is 30." in said
    assert settings.query_wait == 30


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"set": "AGNES_QUERY_WAIT", "value": HOSTILE}, 400, "a whole number"),
        ({"set": "AGNES_AUDIT_RETENTION_DAYS", "value": "3"}, 409, "environment"),
        ({"set": "AGNES_ENGINE", "value": "x"}, 400, "cannot change"),
        ({"set": "NOTHING", "value": "x"}, 400, "unknown setting"),
        ({"undo": "nothing"}, 404, "nothing"),
        ({"value": "3"}, 400, "asks for nothing"),
        ({"set": "AGNES_QUERY_WAIT", "unset": "AGNES_QUERY_WAIT"}, 400, "asks for nothing"),
        ({"set": "AGNES_QUERY_WAIT", "more": "1"}, 400, "more"),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(
    place: Place, fields: dict[str, str], status: int, said: str
) -> None:
    for live in (False, True):
        answer = place.act(CONFIG, live=live, **fields)
        assert answer.status_code == status
        assert said in html.unescape(answer.text).lower()
        assert "<img" not in answer.text


def test_a_prompt_is_written_shown_for_somebody_and_brought_back(place: Place) -> None:
    page = place.page(AGENT)
    assert "Nobody has changed it" in page
    assert html.escape(PROMPTS["agent"].default.splitlines()[0], quote=True) in page
    version = re.search(r'name="version" value="(\w+)"', page)
    assert version is not None
    body = f"For {{{{ user_email }}}}\r\n{HOSTILE}"
    done = place.act(AGENT, save="1", body=body, version=version[1])
    assert (done.status_code, done.headers["Location"]) == (303, AGENT)
    shown = place.page(f"{AGENT}?as_user={place.ana}")
    assert "For ana@example.org" in shown
    assert HOSTILE not in shown
    assert "What differs from the default" in shown
    late = place.act(AGENT, save="1", body="mine", version=version[1])
    assert late.status_code == 409
    assert "has changed it meanwhile" in late.text
    assert "mine</textarea>" in late.text
    assert HOSTILE not in late.text
    newest = re.search(r'name="over" value="(\w+)"', late.text)
    assert newest is not None
    assert place.act(AGENT, over=newest[1], body="mine").status_code == 303
    assert place.client.get("/api/templates/agent").json()["text"] == "mine"
    assert place.act(AGENT, default="1").status_code == 303
    assert "Nobody has changed it" in place.page(AGENT)
    assert len(place.events(resource="template:agent", result_class="success")) == 3


def test_words_are_shown_before_they_are_saved(place: Place) -> None:
    fields = {"preview": "1", "body": f"Hi {{{{ user_name }}}} {HOSTILE}", "as_user": place.ana}
    for live in (False, True):
        shown = place.act("/admin/workspace-prompt", live=live, **fields)
        assert "Hi ana" in shown.text
        assert HOSTILE not in shown.text
    assert "Nobody has changed it" in place.page("/admin/workspace-prompt")
    wrong = place.act(AGENT, live=True, preview="1", body="one\n{{ two }}")
    assert (wrong.status_code, "line 2" in wrong.text) == (400, True)
    place.page(f"{AGENT}?as_user=nobody", status=404)


def test_the_log_leads_to_what_was_changed(place: Place) -> None:
    place.act(CONFIG, set="AGNES_QUERY_WAIT", value="9")
    place.act(AGENT, save="1", body="another")
    for action, to in (
        ("instance_config.update", "/admin/server-config?setting=AGNES_QUERY_WAIT"),
        ("instance_templates.set", AGENT),
    ):
        (event, *_) = place.events(action_in=action)
        assert f'href="{to}"' in place.page(f"/admin/activity?row={event['id']}")
