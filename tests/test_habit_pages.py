"""Every page of the specification, as everybody, and every action: it exists, with its rights and
its tests. SPEC sections 2 and 17.

Two tables, one for the pages and one for the actions. What is missing in one fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from console.audit import new_id
from console.handler import POLICY
from console.pages import PAGES
from console.pages.entry import SECTIONS
from console.pages.gate import policy
from schema.policy import SURFACES
from tests.whole_server import WholeServer

TESTS = Path(__file__).resolve().parent
FILE = "one.jsonl"


@dataclass(frozen=True)
class Row:
    """A page: who may open it (as in the table of routes), and where the menu has it, if at all."""

    right: str
    section: str = ""
    name: str = ""  # in the menu


CENTER, ACCESS, DATA, AGENTS, SERVER = SECTIONS
# SPEC section 2, in its order. {user}, {file} and {report} stand for what is there.
TABLE: dict[str, Row] = {
    "/admin/activity": Row("activity", CENTER, "Audit log"),
    "/admin/telemetry": Row("telemetry", CENTER, "Telemetry"),
    "/admin/sessions": Row("sessions", CENTER, "Sessions"),
    "/admin/sessions/{user}/{file}": Row("sessions"),
    "/admin/feedback": Row("feedback", CENTER, "Feedback"),
    "/admin/feedback/{report}": Row("feedback"),
    "/admin/users": Row("admin", ACCESS, "Users"),
    "/admin/users/{user}": Row("admin"),
    "/admin/groups": Row("admin", ACCESS, "Groups"),
    "/admin/access": Row("admin", ACCESS, "Resource access"),
    "/admin/tokens": Row("admin", ACCESS, "Tokens"),
    "/admin/tables": Row("admin", DATA, "Tables"),
    "/admin/marketplace": Row("admin", AGENTS, "Marketplace"),
    "/admin/health": Row("admin", SERVER, "Health"),
    "/admin/jobs": Row("admin", SERVER, "Jobs"),
    "/admin/agent-prompt": Row("admin", AGENTS, "Init prompt"),
    "/admin/workspace-prompt": Row("admin", AGENTS, "Workspace prompt"),
    "/admin/server-config": Row("admin", SERVER, "Server config"),
    "/catalog": Row("signed_in", DATA, "Catalog"),
    "/me": Row("signed_in"),
    "/me/sessions": Row("signed_in"),
    "/me/sessions/{file}": Row("signed_in"),
    "/me/reports": Row("signed_in"),
    "/me/reports/{report}": Row("signed_in"),
    "/me/notifications": Row("signed_in"),
}
MOVED = {
    "/profile/sessions?limit=5": "/me?limit=5",
    "/profile/sessions/": "/me",
    "/activity-center": "/admin/activity",
    "/admin/usage?q=a%26b": "/admin/telemetry?q=a%26b",
    "/admin/scheduler-runs": "/admin/activity?source=scheduler",
    "/admin/scheduler-runs?since_minutes=60": "/admin/activity?source=scheduler&since_minutes=60",
    "/login/": "/login",
    "/logout/": "/logout",
}


@dataclass(frozen=True)
class Visitor:
    name: str
    client: httpx.Client
    rights: frozenset[str] = frozenset()

    def may(self, right: str) -> bool:
        return "admin" in self.rights or right in self.rights


@dataclass
class World:
    server: WholeServer
    visitors: dict[str, Visitor]
    names: dict[str, str] = field(default_factory=dict)

    def address(self, path: str) -> str:
        return path.format(**self.names)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with WholeServer(tmp_path_factory.mktemp("pages") / "data") as server:
        signed_in = frozenset({"signed_in"})
        people = {
            "analyst": (server.person("analyst"), signed_in),
            "granted": (server.person("granted", *SURFACES), signed_in | set(SURFACES)),
            "admin": (server.person("admin", is_admin=True), signed_in | {"admin"}),
        }
        visitors = {"anonymous": Visitor("anonymous", server.client())}
        for name, (user, rights) in people.items():
            client = server.client(cookies=server.cookie(user))
            visitors[name] = Visitor(name, client, rights)
        world = World(server, visitors)
        _fill(world, people)
        yield world
        for one in visitors.values():
            one.client.close()


def _fill(world: World, people: dict[str, tuple[str, frozenset[str]]]) -> None:
    """A transcript and a report of everybody's, so that each page about one has one to show. The
    reports say the same: the second and third are duplicates of the first."""
    for user, _ in people.values():
        with world.server.client(world.server.token(user)) as client:
            line = b'{"type":"user","message":{"role":"user","content":"hello"}}\n'
            sent = client.post("/api/upload/sessions", files={"file": (FILE, line)})
            assert sent.status_code == 201, sent.text
            body = {"message": "it broke", "ack_preview": True, "idempotency_key": new_id()}
            report = client.post("/api/feedback", json=body)
            assert report.status_code == 201, report.text
            world.names[f"report of {user}"] = report.json()["report_id"]
    admin = people["admin"][0]
    world.names |= {"user": admin, "file": FILE, "report": world.names[f"report of {admin}"]}


def _own(world: World, visitor: Visitor, path: str) -> str:
    """`/me/…` is about things of one's own."""
    if visitor.rights and path.startswith("/me/"):
        me = visitor.client.get("/api/me").json()["id"]
        return path.format(file=FILE, report=world.names[f"report of {me}"])
    return world.address(path)


class Document(HTMLParser):
    """What is asked of every page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title, self.within = "", ""
        self.landmarks: dict[str, int] = {}
        self.foreign: list[str] = []
        self.handlers: list[str] = []
        self.menu: list[tuple[str, str, str]] = []  # section, path, name
        self._section, self._path = "", ""
        self._in_nav = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.within = tag
        if tag in ("main", "nav", "h1", "title"):
            self.landmarks[tag] = self.landmarks.get(tag, 0) + 1
        if tag == "nav" and given.get("aria-label") == "Main":
            self._in_nav = True
        if given.get("class") == "me":  # what is everybody's own stands below the sections
            self._section = ""
        if tag == "a" and self._in_nav:
            self._path = given.get("href", "")
        self.handlers += [f"<{tag} {name}>" for name in given if name.startswith("on")]
        for name in ("src", "href", "action", "poster", "data", "formaction"):
            value = given.get(name, "")
            if re.match(r"(?i)\s*(?:[a-z][a-z0-9+.-]*:|//|\\)", value) and not _harmless(value):
                self.foreign.append(f"<{tag} {name}={value}>")

    def handle_endtag(self, tag: str) -> None:
        self.within = ""
        if tag == "nav":
            self._in_nav = False

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if not text:
            return
        if self.within == "title" and self.landmarks["title"] == 1:  # others belong to pictures
            self.title += text
        if self._in_nav and self.within == "h2":
            self._section = text
        if self._in_nav and self.within == "a" and self._section:
            self.menu.append((self._section, self._path, text))


def _harmless(value: str) -> bool:
    return value.startswith(("data:image/", "mailto:"))


@pytest.mark.parametrize("name", ["anonymous", "analyst", "granted", "admin"])
def test_every_page_opens_to_those_who_may(world: World, name: str) -> None:
    visitor, wrong = world.visitors[name], []
    for path, row in TABLE.items():
        address = _own(world, visitor, path)
        answer = visitor.client.get(address)
        if answer.status_code == 303:  # the inbox opens with what is open
            answer = visitor.client.get(answer.headers["Location"])
        if name == "anonymous":
            sent = (answer.status_code, answer.headers.get("Location", ""))
            if sent[0] != 302 or not sent[1].startswith("/login?next=%2F"):
                wrong.append(f"{address}: {sent}, not to sign in")
        elif not visitor.may(row.right):
            if answer.status_code != 403 or not answer.text.startswith("<!doctype html>"):
                wrong.append(f"{address}: {answer.status_code}, not a page that says 403")
        elif answer.status_code != 200:
            wrong.append(f"{address}: {answer.status_code}, not 200")
        else:
            wrong += [f"{address}: {what}" for what in _unlike_a_page(answer, visitor)]
    assert not wrong, "\n".join(wrong)


def _unlike_a_page(answer: httpx.Response, visitor: Visitor) -> Iterator[str]:
    page = Document(answer.text)
    here = answer.request.url.netloc.decode()
    if answer.headers.get("Content-Security-Policy") != policy(here):
        yield "it may ask other hosts"
    if not page.title.endswith("· Agnes") or page.title.startswith("·"):
        yield f"its title is {page.title!r}"
    for landmark in ("h1", "main", "nav"):
        if not page.landmarks.get(landmark):
            yield f"no <{landmark}>"
    if page.landmarks.get("h1", 0) > 1 or page.landmarks.get("main", 0) > 1:
        yield f"more than one: {page.landmarks}"
    yield from (f"another host: {one}" for one in page.foreign)
    yield from (f"a handler in the text: {one}" for one in page.handlers)
    mine = [
        (row.section, path, row.name)
        for path, row in TABLE.items()
        if row.section and visitor.may(row.right)
    ]
    if set(page.menu) != set(mine) or len(page.menu) != len(mine):
        yield f"its menu differs: {sorted(set(page.menu) ^ set(mine))}"
    order = list(dict.fromkeys(section for section, _, _ in page.menu))
    if order != [section for section in SECTIONS if section in order]:
        yield f"its sections stand as {order}"


def test_pages_beside_the_documents_may_ask_no_other_host_either(world: World) -> None:
    """What our own handlers answer: an address that nobody serves, a form that is refused."""
    admin = world.visitors["admin"].client
    for answer in (admin.get("/nowhere"), admin.post("/admin/access/act", data={"group": ""})):
        assert answer.text.startswith("<!doctype html>")
        assert answer.headers["Content-Security-Policy"] == POLICY


def test_the_websocket_of_a_page_is_named_and_nothing_else(world: World) -> None:
    """Safari before 16 does not count it as 'self'."""
    allowed = policy("console.example:8443", "console.example:8443", "inner")
    sockets = "ws://console.example:8443 wss://console.example:8443 ws://inner wss://inner"
    assert allowed == f"{POLICY}; connect-src 'self' blob: {sockets}"
    for hostile in ("a; script-src *", "*", "a.example *", "", "x@y", "a\r\nSet-Cookie: b=c"):
        assert policy(hostile) == f"{POLICY}; connect-src 'self' blob:"
    client = world.visitors["admin"].client
    answer = client.get("/me", headers={"Host": "evil.example; script-src *"})
    assert "evil" not in answer.headers.get("Content-Security-Policy", "")


def test_every_page_stands_in_the_table() -> None:
    examples = {path.format(user=new_id(), file=FILE, report=new_id()) for path in TABLE}
    unknown = [
        page.path
        for page in PAGES
        if not any(re.fullmatch(page.path, example) for example in examples)
    ]
    assert unknown == []
    missing = [
        example
        for example in sorted(examples)
        if not any(re.fullmatch(page.path, example) for page in PAGES)
    ]
    assert missing == []


def test_old_addresses_are_sent_on_with_what_was_asked(world: World) -> None:
    stranger = world.visitors["anonymous"].client
    for old, new in MOVED.items():
        answer = stranger.get(old)
        assert (answer.status_code, answer.headers["Location"]) == (308, new), old
        assert stranger.head(old).status_code == 308


@pytest.mark.parametrize("name", ["anonymous", "analyst", "admin"])
def test_a_slash_at_the_end_is_taken_away(world: World, name: str) -> None:
    visitor = world.visitors[name]
    for path in TABLE:
        address = _own(world, visitor, path)
        answer = visitor.client.get(f"{address}/?a=b%26c")
        found = (answer.status_code, answer.headers.get("Location"))
        assert found == (308, f"{address}?a=b%26c"), address
    assert visitor.client.get(f"{world.server.address}//elsewhere/").status_code == 404


def test_home_is_where_one_works(world: World) -> None:
    homes = {
        "anonymous": "/login?next=/",
        "analyst": "/me",
        "granted": "/admin/activity",
        "admin": "/admin/activity",
    }
    for name, home in homes.items():
        answer = world.visitors[name].client.get("/")
        assert (answer.status_code, answer.headers["Location"]) == (302, home)
