"""The box of the Telemetry page: who has it, what it says without a key, and its answers as a page
for a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from console.pages.telemetry import ask
from tests.console.stand_in_model import Model, serving
from tests.whole_server import WholeServer

PAGE = "/admin/telemetry"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WholeServer, Model]]:
    folder = tmp_path_factory.mktemp("box") / "data"
    with (
        pytest.MonkeyPatch.context() as patch,
        serving() as (model, address),
        WholeServer(folder, ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=address) as server,
    ):
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield server, model


@pytest.fixture(scope="module")
def boss(world: tuple[WholeServer, Model]) -> Iterator[httpx.Client]:
    server = world[0]
    cookies = server.cookie(server.person("boss", is_admin=True))
    with server.client(cookies=cookies) as client:
        yield client


def post(client: httpx.Client, question: str, *, live: bool = False) -> httpx.Response:
    token = re.search(r'name="_xsrf" value="([^"]+)"', client.get(PAGE).text)
    assert token
    headers = {"Accept": "text/x-notice"} if live else {}
    form = {"_xsrf": token[1], "question": question}
    return client.post(f"{PAGE}/ask", data=form, headers=headers)


def test_admins_have_the_box_and_others_do_not(
    world: tuple[WholeServer, Model], boss: httpx.Client
) -> None:
    server = world[0]
    assert 'name="question"' in boss.get(PAGE).text
    assert 'name="question"' in boss.get(PAGE, params={"sort": "nonsense"}).text
    cookies = server.cookie(server.person("tess", "telemetry"))
    with server.client(cookies=cookies) as analyst:
        shown = analyst.get(PAGE)
        assert shown.status_code == 200
        assert "Ask in your own words" not in shown.text


def test_without_a_key_the_box_says_what_to_set(
    world: tuple[WholeServer, Model], boss: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world[0].instance.settings, "anthropic_api_key", "")
    shown = boss.get(PAGE).text
    assert "ANTHROPIC_API_KEY" in shown
    assert 'name="question"' not in shown


def test_an_answer_is_a_page_where_there_are_no_scripts(
    world: tuple[WholeServer, Model], boss: httpx.Client
) -> None:
    world[1].proposes(f"SELECT '{HOSTILE}' AS \"{HOSTILE}\", 7 AS n", f"Says {HOSTILE}")
    answer = post(boss, f"what? {HOSTILE}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert HOSTILE not in answer.text
    assert answer.text.count("&lt;img") >= 5  # question, rationale, SQL twice, column, cell
    assert "1 of 1 row" in answer.text
    assert f'href="{PAGE}"' in answer.text
    part = post(boss, "what?", live=True)
    assert part.headers["Content-Type"].startswith("text/plain")
    assert "<html" not in part.text
    assert HOSTILE not in part.text


@pytest.mark.parametrize("live", [True, False])
def test_what_goes_wrong_is_said_there_too(
    world: tuple[WholeServer, Model], boss: httpx.Client, *, live: bool
) -> None:
    model = world[1]
    model.proposes("SELECT * FROM users")
    refused = post(boss, "who?", live=live)
    assert refused.status_code == 200
    assert "The SQL was refused" in refused.text
    assert "SELECT * FROM users" in refused.text
    model.says(b"nothing")
    broken = post(boss, "who?", live=live)
    assert broken.status_code == 502
    assert "not JSON" in broken.text
    assert ("<html" in broken.text) != live
    assert post(boss, "   ", live=live).status_code == 400
    model.proposes("SELECT 1 WHERE false")
    assert "The answer has no rows" in post(boss, "nothing?", live=live).text


def test_cells_are_short_texts_and_numbers_stand_right() -> None:
    rows = [{"a": True, "b": 1, "c": "x" * 500}, {"a": None, "b": 2.5, "c": [1]}]
    found = ask.shown({"columns": ["a", "b", "c"], "rows": rows * 100, "row_count": 200})
    assert found["numbers"] == [False, True, False]
    assert len(found["cells"]) == 100
    assert found["cells"][1] == ["–", "2.5", "[1]"]
    assert found["cells"][0][:2] == ["yes", "1"]
    assert len(found["cells"][0][2]) == 200
