"""The conversation as it comes to the browser: whole, inert, and only for those who may read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from console.audit import RecentReads
from console.pages.replay.words import cleaned
from console.queries.indexing import files_of
from console.reasons import Reasons
from console.transcript import indexing
from ingest import index_files
from ingest.session_files import FOLDER
from ingest.transcript import build
from schema.bind import Text
from schema.tables import AUDIT_LOG
from tests.console.pages.replay.drawn import Drawn, drawn
from tests.console.processing_console import Console
from tests.console.transcript_place import SIDE, TALK, picture
from tests.ingest.transcript.written import agent, answer, call, file, result, says, user
from tests.transcripts import talk
from tests.upload_corpus import payloads
from tests.whole_server import WholeServer

HOSTILE: list[str] = payloads(
    "render_transcript",
    "render_ansi",
    "render_json_in_script",
    "render_table_cell",
    shapes=[
        "</pre></code><script>window.__xss=1</script>",
        "<img src=x onerror=window.__xss=1>",
        '"><svg onload=window.__xss=1>',
        "' autofocus onfocus=window.__xss=1 x='",
        "[click](javascript:window.__xss=1)",
        "{{7*7}}{% raw %}",
        "\x1b]0;title\x07",
        "\u2028window.__xss=1",
    ],
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with WholeServer(tmp_path_factory.mktemp("replay") / "data") as server:
        made = Console(server)
        yield made
        made.admin.close()


def indexed(console: Console, name: str, data: bytes, *subagents: bytes) -> str:
    """The session_file of an upload of which the index stands."""
    key = console.upload(name, data)
    folder = console.instance.settings.folder
    paths = []
    with console.server.client(console.mine) as client:
        for number, one in enumerate(subagents):
            sent: Any = {"file": (f"agent-x{number}.jsonl", one)}
            told = client.post("/api/upload/sessions", files=sent, data={"parent": key}).json()
            paths.append(folder / FOLDER / told["session_file"])
    made = build(folder / FOLDER / key, paths)
    file_hash = indexing.hash_of(console.instance.store.rows(files_of, Text(key)))
    assert file_hash
    index_files.write(folder, key, file_hash, made)
    assert indexing.index_of(console.instance, key) == made
    return key


def section(console: Console, key: str, **asked: Any) -> Drawn:
    answer = console.admin.get(f"/admin/sessions/{key}/events", params=asked)
    assert answer.status_code == 200, answer.text
    found = drawn(answer.text)
    assert found.faults == []
    assert len(found.ids) == len(set(found.ids))
    return found


def transcripts() -> dict[str, bytes]:
    """Synthetic ones, and those of the corpus where there is one."""
    many = talk("many")
    for number in range(130):
        many = many.call("Bash", {"command": f"step {number % 3}"}).answer(f"**{number}**")
    found = {"talk": TALK, "many": many.data, "odd": ODD}
    if folder := os.environ.get("AGNES_TEST_CORPUS"):
        real = sorted((Path(folder) / "transcripts").glob("*__*.jsonl"))
        assert real
        found |= {path.stem: path.read_bytes() for path in real}
    return found


ODD = file(
    b"no JSON",
    {"type": "queue-operation", "operation": "enqueue", "content": "and this"},
    user("<command-name>/clear</command-name><command-args>all</command-args>"),
    user("[Request interrupted by user]"),
    agent({"type": "redacted_thinking", "data": "x"}, {"type": "strange", "text": "?"}),
    agent(call("p1"), call("p2"), call("p3", "Edit", file_path=3, old_string=None), key="m9"),
    user([answer("b", "p2"), answer("a", "p1", error=True), answer([picture("image/png")], "p3")]),
    result("of nobody", "gone"),
    agent({"type": "tool_use", "id": 3, "name": ["x"], "input": "text"}),
    {"type": "system", "subtype": "compact_boundary", "content": "compacted"},
    {"type": "unheard-of", "message": 3},
    agent(says("You've hit your limit"), isApiErrorMessage=True),
).getvalue()


@pytest.fixture(params=transcripts().items(), ids=lambda pair: str(pair[0]))
def session(request: pytest.FixtureRequest, console: Console) -> str:
    name, data = request.param
    clean = "".join(one if one.isalnum() else "-" for one in name)
    return indexed(console, f"{clean}.jsonl", data, *([SIDE] if name == "talk" else []))


def test_every_event_of_a_transcript_is_drawn_once_and_in_order(
    console: Console, session: str
) -> None:
    """As the normaliser counts them: whole, and in sections."""
    path = f"/api/admin/sessions/{session}/transcript"
    events: list[dict[str, Any]] = []
    for limit in (500, 100, 7):
        first: int | None = 0
        turns: list[int] = []
        while first is not None and not (limit == 7 and first > 70):
            page = console.admin.get(path, params={"from": first, "limit": limit}).json()
            found = section(console, session, **{"from": first, "limit": limit})
            assert found.turns == [one["turn"] for one in page["events"]]
            assert found.events == sorted(found.events)
            assert {int(one[1:]) for one in found.ids if one[0] == "t"} == set(found.turns)
            here = {one["turn"]: one for one in page["events"]}
            assert found.kinds == {turn: one["kind"] for turn, one in here.items()}
            for turn, home in found.joined.items():
                if here[turn]["kind"] == "tool_result":
                    assert here[turn]["call_turn"] == home
            turns += found.turns
            events += page["events"] if limit == 500 else []
            first = page["next"]
        assert turns == list(range(len(turns)))
        assert len(turns) == len(events) or limit == 7


def test_the_words_of_every_prompt_and_answer_are_there(console: Console, session: str) -> None:
    path = f"/api/admin/sessions/{session}/transcript"
    for one in console.admin.get(path, params={"limit": 500}).json()["events"]:
        if one["kind"] != "text" or one["subtype"] not in ("human", "queued", "api_error"):
            continue
        found = section(console, session, **{"from": one["turn"], "limit": 1})
        words = cleaned(one["text"]).split()[:100]
        assert " ".join(words) in " ".join(found.text.split())


def everywhere(text: str, number: int) -> list[Any]:
    """Records with `text` wherever a text may stand."""
    key = f"h{number}"
    given: dict[str, dict[str, Any]] = {
        "Bash": {"command": text, "description": text},
        "Edit": {"file_path": text, "old_string": text, "new_string": text + "x"},
        "MultiEdit": {"file_path": text, "edits": [{"old_string": text, "new_string": "y"}]},
        "Write": {"file_path": text, "content": text},
        "Grep": {"pattern": text, "path": text},
        "TodoWrite": {"todos": [{"content": text, "status": text}]},
        "Task": {"subagent_type": text, "description": text, "prompt": text},
        "Skill": {"skill": text, "args": text},
        "WebFetch": {"url": text, "prompt": text},
        "ExitPlanMode": {"plan": text},
        "AskUserQuestion": {"questions": [{"question": text, "options": [{"label": text}]}]},
        f"mcp__{text}__{text}": {text: text, "deep": {text: [text]}},
        text: {text: text},
    }
    calls = [
        call(f"{key}-{place}", tool, **asked) for place, (tool, asked) in enumerate(given.items())
    ]
    image = picture(text)
    return [
        user(text, uuid=text, cwd=text),
        user([says(text), image]),
        agent({"type": "thinking", "thinking": text}, says(text), message={"model": text}),
        agent(*calls, key=key),
        *(result(text, f"{key}-{place}", error=bool(place % 2)) for place in range(len(calls))),
        user([answer([{"type": "text", "text": text}, image], f"{key}-0")]),
        {"type": "system", "subtype": text, "content": text},
        {"type": "attachment", "attachment": {"type": text, "prompt": text}},
        {"type": text, "content": text},
        user(f"<system-reminder>{text}</system-reminder>", isMeta=True),
        user(f"<command-name>/{text}</command-name><command-args>{text}</command-args>"),
        user(text, isSidechain=True, agentId=text),
        agent(call(f"{key}-s", text), isSidechain=True, agentId=text, key=f"{key}-s"),
    ]


def test_hostile_texts_stay_texts_wherever_they_stand(console: Console) -> None:
    records = [one for number, text in enumerate(HOSTILE) for one in everywhere(text, number)]
    key = indexed(console, "hostile.jsonl", file(*records).getvalue())
    total = console.admin.get(f"/api/admin/sessions/{key}/outline").json()["total"]
    said = ""
    for first in range(0, total, 250):
        found = section(console, key, **{"from": first, "limit": 250})
        said += found.text
        for link in found.links:
            assert link.startswith(("#t", "/admin/sessions", "/api/admin/sessions", "http"))
    assert total >= 40 * len(HOSTILE)
    assert "\x1b" not in said
    for text in HOSTILE:
        assert cleaned(text) in said


def test_lines_that_could_not_be_read_stand_in_their_place(console: Console) -> None:
    data = file(user("one"), b"{broken", user("two"), b'{"cut": "sho').getvalue()
    key = indexed(console, "unread.jsonl", data)
    said = " ".join(section(console, key).text.split())
    places = [said.index(part) for part in ("one", "line 2: no JSON", "two", "line 4: ")]
    assert places == sorted(places)
    assert "line 2" in section(console, key, **{"from": 1, "limit": 1}).text
    assert "line" not in section(console, key, limit=1).text


def test_kinds_choose_and_first_counts_the_chosen(console: Console) -> None:
    key = indexed(console, "kinds.jsonl", TALK, SIDE)
    found = section(console, key, kinds="errors")
    assert found.events == [7, 13]
    assert section(console, key, kinds="tools", limit=2).turns == [4, 5]
    assert section(console, key, kinds="tools", limit=2, **{"from": 2}).turns == [6, 7]


def test_a_call_and_a_result_on_other_pages_lead_to_each_other(console: Console) -> None:
    key = indexed(console, "far.jsonl", TALK, SIDE)
    assert "#t6" in section(console, key, limit=5).links
    assert "#t4" in section(console, key, limit=5, **{"from": 6}).links


def test_without_an_index_the_conversation_can_be_read_all_the_same(console: Console) -> None:
    key = console.upload("unindexed.jsonl", TALK)
    assert section(console, key).turns[:11] == list(range(11))


def test_all_the_words_of_an_event_come_as_plain_text(console: Console) -> None:
    long = "<b>\n" + "line\n" * 50_000
    data = file(user("x"), agent(call("t1", "Bash", command="ls")), result(long, "t1")).getvalue()
    key = indexed(console, "long.jsonl", data)
    found = section(console, key)
    assert f"/admin/sessions/{key}/events/2" in found.links
    assert len(found.text) < 5_000
    whole = console.admin.get(f"/admin/sessions/{key}/events/2")
    assert whole.text == long
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    input_ = console.admin.get(f"/admin/sessions/{key}/events/1")
    assert orjson.loads(input_.text) == {"command": "ls"}
    assert console.admin.get(f"/admin/sessions/{key}/events/3").status_code == 404


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *(("limit", "0"), ("limit", "501"), ("limit", "x"), ("from", "-1"), ("kinds", "all")),
        ("reason", "because"),
    ],
)
def test_what_cannot_be_asked_is_named(console: Console, name: str, given: str) -> None:
    key = console.upload("asked.jsonl", TALK)
    answer = console.admin.get(f"/admin/sessions/{key}/events", params={name: given})
    assert answer.status_code == 400
    assert name in answer.json()["error"]


def test_who_may_read_what(console: Console) -> None:
    key = console.upload("mine.jsonl", TALK)
    name = key.partition("/")[2]
    with console.server.client(console.mine) as owner:
        for path in (f"/me/sessions/{name}/events", f"/me/sessions/{name}/events/0"):
            assert owner.get(path).status_code == 200
            assert console.admin.get(path).status_code == 404
        assert owner.get(f"/admin/sessions/{key}/events").status_code == 403
    with console.server.client() as stranger:
        assert stranger.get(f"/me/sessions/{name}/events").status_code == 401
    links = drawn(own(console, name).text).links
    assert f"/api/me/sessions/{name}/images/1" in links
    assert not any(link.startswith(("/admin", "/api/admin")) for link in links)


def own(console: Console, name: str) -> httpx.Response:
    with console.server.client(console.mine) as owner:
        return owner.get(f"/me/sessions/{name}/events")


def test_where_a_reason_is_asked_for_nothing_is_shown_without_one(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.instance.settings, "transcript_reason", True)
    console.instance.reasons = Reasons()
    key = console.upload("private.jsonl", TALK)
    for path in (f"/admin/sessions/{key}/events", f"/admin/sessions/{key}/events/0"):
        answer = console.admin.get(path)
        assert answer.status_code == 403
        assert "say why" in answer.json()["error"]
    assert own(console, "private.jsonl").status_code == 200
    console.instance.reasons.state(console.admin_id, console.user, "an incident")
    assert console.admin.get(f"/admin/sessions/{key}/events").status_code == 200


def test_reading_on_is_one_row_and_is_kept_by_nobody(console: Console) -> None:
    key = console.upload("read.jsonl", TALK)
    console.instance.recent_reads = RecentReads()
    about = {"action": "session.transcript_view", "resource": f"session:{key}"}
    for first in (0, 2, 4):
        answer = console.admin.get(f"/admin/sessions/{key}/events", params={"from": first})
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert len(console.rows(AUDIT_LOG, **about)) == 1
