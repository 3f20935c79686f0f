"""Every command in the documents is run: ours against a live console, the others are known.

A line that fails says where it stands and what to do. Documents are run in their order, each in a
folder of its own, by an admin; `tests/docs_commands.py` lists what is only parsed, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from console.audit import new_id
from console.cli import app
from ingest.seed import seed
from tests.console.sources.shop import shop
from tests.docs_commands import (
    NOT_RUN,
    OUTSIDE,
    ROOT,
    Line,
    called,
    documents,
    lines,
    parsed,
    why_not_run,
    with_real,
)
from tests.transcripts import Transcript
from tests.whole_server import WholeServer

SESSION = "2f7a4a59-0000-4000-8000-000000000000"
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
ANA, ANALYSTS = "ana@example.org", "analysts"  # whom the documents speak of
DOCUMENTS = [str(path.relative_to(ROOT)) for path in documents() if lines(path)]
_ONE, _OTHER = r"\b(ID|0190aaaa[0-9a-f-]*)$", r"\b0190bbbb[0-9a-f-]*$"


@dataclass
class Place:
    """A console with some data, and a home for a terminal."""

    server: WholeServer
    admin: str
    token: str
    home: Path
    made: dict[str, str] = field(default_factory=dict)  # for one document

    def begin(self, document: str) -> None:
        """What earlier documents made is out of the way; Ana and the analysts are there, unless
        this one makes them."""
        self.made.clear()
        text = "\n".join(line.text for line in lines(ROOT / document))
        for user in self.json("GET", f"/api/admin/users?q={ANA}")["rows"]:
            renamed = {"email": f"{user['id']}@example.org"}
            self.json("PATCH", f"/api/admin/users/{user['id']}", json=renamed)
        for noun in ("groups", "tables"):
            for row in self.json("GET", f"/api/admin/{noun}")["rows"]:
                if row.get("source_type") != "internal":
                    self.json("DELETE", f"/api/admin/{noun}/{row['id']}")
        if "users create" not in text:
            self.json("POST", "/api/admin/users", json={"email": ANA})
        if "orders" in text and "tables register" not in text:
            remote = {"source_type": "sql", "connection": "warehouse", "query_mode": "remote"}
            orders = {"name": "orders", "statement": "orders", **remote}
            self.json("POST", "/api/admin/tables", json=orders)
        if "groups create" not in text:
            self.json("POST", "/api/admin/groups", json={"name": ANALYSTS})

    def once(self, name: str, make: Callable[[], str]) -> str:
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def json(self, method: str, path: str, **options: Any) -> Any:
        with self.server.client(self.token) as client:
            answer = client.request(method, path, **options)
            return answer.json() if answer.content else None

    def values(self, line: Line) -> dict[str, str]:
        """What stands for the ids and addresses that the documents make up."""
        text = " ".join(line.words)
        found = {r"https://agnes\.example\.org": self.server.address}
        about = Path(line.file).stem
        if re.search(r"activity (diff|rollback|show|reveal)", text):
            found |= {r"^(ID|0190[0-9a-f-]+)$": self.once("change", self.change)}
        elif re.search(r"feedback|report", text):
            for pattern, words in ((_ONE, f"{about} hangs"), (_OTHER, f"{about} has crashed")):
                if any(re.search(pattern, word) for word in line.words):
                    found[pattern] = self.once(words, partial(self.report, words))
        elif re.search(r"sessions", text):
            found |= {r"^(SESSION|2f7a4a59[0-9a-f-]*)$": self.once("session", self.session)}
        return {**found, r"^TABLE$": "agnes_audit"}

    def change(self) -> str:
        """A grant that was just given: it can be taken back."""
        group = self.json("POST", "/api/admin/groups", json={"name": new_id()})["id"]
        body = {"group_id": group, "resource_type": "activity"}
        self.json("POST", "/api/admin/grants", json=body)
        query = {"action_in": "resource_grants.add", "limit": 1}
        return str(self.json("GET", "/api/admin/activity", params=query)["rows"][0]["id"])

    def report(self, words: str) -> str:
        body = {"message": words, "ack_preview": True, "idempotency_key": new_id()}
        return str(self.json("POST", "/api/feedback", json=body)["report_id"])

    def session(self) -> str:
        rows = self.json("GET", "/api/admin/sessions/list?since_minutes=43200&limit=1")["rows"]
        return str(rows[0]["session_file"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    data = tmp_path_factory.mktemp("docs") / "data"
    _files(data)
    with (
        shop(None, "docs") as database,
        WholeServer(data, AGNES_SOURCES=f"warehouse={database.address}") as server,
    ):
        admin = server.person("root", is_admin=True)
        folder = server.instance.settings.folder
        seed(server.instance.store, folder, audit_rows=300, sessions=6, usage_events=60, users=3)
        yield Place(server, admin, server.token(admin), home)


def _files(data: Path) -> None:
    """What the documents register, where an operator puts it."""
    for name, text in (
        ("tables/orders.csv", "id,country,amount\n1,FR,5.0\n2,IT,2.5\n"),
        ("scripts/weekly-check.ipynb", NOTEBOOK),
    ):
        (data / name).parent.mkdir(parents=True)
        (data / name).write_text(text)


@pytest.fixture
def folder(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a document's commands run: its files are there, and a session one is in."""
    claude = tmp_path / "claude"
    project = claude / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(tmp_path))
    project.mkdir(parents=True)
    made = Transcript(session=SESSION).prompt("Hello").answer("Yes")
    (project / f"{SESSION}.jsonl").write_bytes(made.data)
    (tmp_path / "question.sql").write_text("FROM agnes_sessions LIMIT 1")
    (tmp_path / "password.txt").write_text("a long password\n")
    settings = {
        "HOME": str(place.home),
        "AGNES_CONFIG_DIR": str(tmp_path / "config"),
        "AGNES_SERVER": place.server.address,
        "AGNES_TOKEN": place.token,
        "CLAUDE_CONFIG_DIR": str(claude),
        "CLAUDE_CODE_SESSION_ID": SESSION,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_works(document: str, place: Place, folder: Path) -> None:
    wrong = []
    place.begin(document)
    for line in lines(ROOT / document):
        if line.program == "agnes":
            told = _ours(line, place)
        elif line.program == "make":
            told = _target(line)
        elif line.program == "curl":
            told = _fetched(line, place)
        else:
            known = line.program in OUTSIDE
            told = "" if known else f"add {line.program} to OUTSIDE, with why no test can run it"
        if told:
            wrong.append(f"{line.place}\n  {told}")
    assert not wrong, "\n" + "\n".join(wrong)


def _ours(line: Line, place: Place) -> str:
    """What is wrong with a command of ours."""
    try:
        command = parsed(line)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told with its place)
        return f"it does not take that: {getattr(error, 'message', None) or error}"
    if line.is_named or why_not_run(line) or "--help" in line.words:
        return ""
    real = with_real(line, place.values(line))
    words = list(real.words[1:])
    asks = any("--yes" in option.opts for option in command.options)
    if asks and "--dry-run" not in words:
        words.append("--yes")
    done = CliRunner().invoke(app, words, input=line.given or None)
    if done.exit_code == 0:
        return ""
    said = [text for text in done.output.strip().splitlines() if "[info" not in text]
    last = " / ".join(said[-3:])
    return (
        f"it ended with {done.exit_code}: {last or repr(done.exception)}. Mend it, or give what it "
        "needs in `values` or `folder` of tests/test_docs_commands.py, or put it into NOT_RUN"
    )


def _target(line: Line) -> str:
    targets = re.findall(r"^([a-z.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [word for word in line.words[1:] if "=" not in word and not word.startswith("-")]
    missing = [word for word in named if word not in targets]
    return f"no such target: {', '.join(missing)}" if missing else ""


_WITH_VALUE = ("-H", "--header", "-X", "--request", "-d", "--data", "-o", "--output")


def _fetched(line: Line, place: Place) -> str:
    """The answer of a `curl`, asked of our console with an admin's token."""
    words, given = list(line.words[1:]), dict[str, list[str]]()
    address = ""
    while words:
        word = words.pop(0)
        if word in _WITH_VALUE:
            given.setdefault(word.lstrip("-")[:1].lower(), []).append(words.pop(0))
        elif not word.startswith("-"):
            address = word
    path = re.sub(r"^(https?://[^/]+|\$\{?AGNES_SERVER\}?)", "", address)
    data = next(iter(given.get("d", [])), None)
    method = next(iter(given.get("x", given.get("r", []))), "POST" if data else "GET")
    with place.server.client(place.token) as client:
        answer: httpx.Response = client.request(method, path, content=data)
    return "" if answer.is_success else f"{method} {path} answers {answer.status_code}"


def test_what_is_only_parsed_is_there() -> None:
    for name in NOT_RUN:
        words = tuple(name.split())
        command, _ = called(words)
        assert command.words[: len(words)] == words, name


@pytest.mark.parametrize(
    "text",
    [
        "agnes no-such-thing",
        "agnes catalog --no-such-option",
        "agnes schema",
        "agnes query one two",
        "agnes admin activity rollback",
    ],
)
def test_a_wrong_command_is_seen(text: str, place: Place, folder: Path) -> None:
    assert _ours(Line("a.md", 1, text, tuple(text.split())), place)


def test_commands_are_found_in_every_form(tmp_path: Path) -> None:
    document = ROOT / "README.md"
    texts = {line.text for line in lines(document)}
    assert any(text.startswith("make demo") for text in texts)
    piped = [line for line in lines(document) if line.words[1:2] == ("init",) and not line.is_named]
    assert piped[0].given == "a long password\n"
