"""`make screens`: a picture of every state of the pages, for docs/screens/, and their index.

The console is a real one with made-up data of a fixed seed. A state is one line of SCREENS; what is
to be done before its picture is taken, a function of its page.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, PASSWORD, QUIET, signed_in, until_live
from tests.browser.replay_talks import everything
from tests.browser.reports_told import Reporter, failing
from tests.server_process import ServerProcess, admin_token, agnes

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SEED = ("--seed", "7", "--audit-rows", "20000", "--sessions", "40", "--usage-events", "4000")
PEOPLE = (("boss@example.org", "Bea Orlova", True), ("ana@example.org", "Ana Lind", False))
MOST = 150_000  # bytes of a picture
COLOURS = 192  # enough for text and flat areas; a third of the bytes

Act = Callable[[Page], None]


@dataclass(frozen=True)
class Screen:
    """`path` may name what the data are made of: {grant} and {sync} are ids of events, {session} is
    a session. `act` brings the page into its state; `stop`: the server is stopped first, so it
    comes last."""

    name: str
    says: str
    path: str
    act: Act | None = None
    who: str | None = "boss@example.org"
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    stop: bool = False


def press(key: str) -> Act:
    return lambda page: page.keyboard.press(key)


def opened(menu: str) -> Act:
    return lambda page: page.locator("details.menu > summary", has_text=menu).first.click()


def typed(text: str) -> Act:
    def act(page: Page) -> None:
        press("/")(page)
        page.keyboard.type(text)
        page.wait_for_selector("[role=listbox] [role=option]")

    return act


def drawn(page: Page) -> None:
    page.wait_for_selector("[data-chart] .dressed")


def cell(page: Page) -> None:
    """The sessions of one kind and week."""
    page.locator(".cells summary").click()
    page.locator(".cells td a").first.click()
    page.wait_for_selector(".cells td.on", state="attached")
    drawn(page)


def found(page: Page) -> None:
    page.wait_for_selector(".hits a.line")


def beside(page: Page) -> None:
    """What comes after the first paint: the chart, neighbours, popularity."""
    drawn(page)
    page.wait_for_selector(".beside")
    page.wait_for_selector(".popular")


def lost(page: Page) -> None:
    page.wait_for_selector("#lost:not([hidden])", timeout=30_000)


def indexed(page: Page) -> None:
    page.wait_for_selector("[data-cells]", timeout=60_000)


def at_error(page: Page) -> None:
    indexed(page)
    press("e")(page)
    page.wait_for_selector("[data-events] .here")


def asking(page: Page) -> None:
    page.locator(".asking summary").click()


def belled(page: Page) -> None:
    page.locator("#bell > summary").click()
    page.wait_for_selector("#bell header")


def ticked(page: Page) -> None:
    for key in ("j", "x", "j", "x"):
        press(key)(page)


def overtaken(page: Page) -> None:
    """Somebody else answers while one writes."""
    page.locator("#resolution").fill("It is fixed in 0.4.1: update and sync again.")
    page.evaluate(
        """async () => fetch(location.pathname.replace("/admin", "/api/admin"), {
            method: "PATCH",
            headers: {"X-XSRFToken": document.querySelector("[name=_xsrf]").value},
            body: JSON.stringify({version: Number(
                document.querySelector("[form=answer][name=report]").value.split(":")[1]
            ), resolution: "We look into it.", status: "triaged"}),
        })"""
    )
    page.get_by_role("button", name="Resolve and answer").click()
    page.wait_for_selector("[data-told] .conflict")


LOG = "/admin/activity"
INBOX = "/admin/feedback"
REPORT = "/admin/feedback/{report}"
ACCESS = "/admin/users/{ana}?tab=access"
REPLAY = "/admin/sessions/{session}"
TALK = "/admin/sessions/{talk}"
ASK_JOB = "/admin/jobs?job=weekly_report&ask=weekly_report"
CONFIG_ONE = "/admin/server-config?setting=AGNES_QUERY_SECONDS"
TALL = 1200
SYNCS = "?query=action:sync.+result:error&since_minutes=10080"
SESSIONS = "/admin/sessions?since_minutes=43200"
CALLS = "/admin/telemetry?since_minutes=43200"
SCREENS = (
    Screen("log", "The audit log: pulse, cards, histogram, facets, events.", LOG, height=TALL),
    Screen("log-dark", "The same at night.", LOG, scheme="dark", height=TALL),
    Screen("log-390", "The same on a telephone.", LOG, width=390, height=844),
    Screen("filtered", "Failed syncs of seven days.", LOG + SYNCS),
    Screen("export", "Taking along exactly what is filtered.", LOG + SYNCS, opened("Export")),
    Screen("copy", "The same filter as a command or a request.", LOG + SYNCS, opened("Copy as")),
    Screen("range", "Choosing a time range.", LOG, opened("Last 24 h")),
    Screen("views", "Saved views.", LOG, opened("Views")),
    Screen("sync", "Syncs: tables by time.", f"{LOG}?tab=sync", height=TALL),
    Screen("changes", "What changed.", f"{LOG}?tab=changes"),
    Screen("queries", "Most asked, slowest, most failing.", f"{LOG}?tab=queries", height=TALL),
    Screen("performance", "How long actions take.", f"{LOG}?tab=performance", drawn),
    Screen("usage", "Who uses it, and how.", f"{LOG}?tab=usage&since_minutes=43200", drawn),
    Screen(
        "panel",
        "One event beside the list, with its sync.",
        LOG + SYNCS + "&row={sync}",
        height=TALL,
    ),
    Screen("diff", "What a change changed.", LOG + "?row={grant}", height=TALL),
    Screen(
        "undo",
        "What undoing it would do, before it is done.",
        LOG + "?row={grant}&undo=1",
        height=TALL,
    ),
    Screen("panel-390", "One event on a telephone.", LOG + "?row={grant}", width=390, height=844),
    Screen("empty", "Nothing found: which window, which filter.", f"{LOG}?resource=table:none"),
    Screen("error", "A filter that cannot be asked.", f"{LOG}?query=acton:sync."),
    Screen("palette", "Going anywhere by name.", LOG, typed("an")),
    Screen("shortcuts", "The keys of this page.", LOG, press("?")),
    Screen("me", "One's own activity, without any grant.", "/me", who="ana@example.org"),
    Screen("sessions", "Sessions: what happened in 30 days.", SESSIONS, drawn, height=TALL),
    Screen("sessions-dark", "The same at night.", SESSIONS, drawn, scheme="dark", height=TALL),
    Screen("sessions-390", "The same on a telephone.", SESSIONS, width=390, height=1600),
    Screen("sessions-failed", "Only those that failed.", SESSIONS + "&verdict=failed"),
    Screen("sessions-cell", "Those of one kind and week.", SESSIONS, cell, height=TALL),
    Screen("sessions-search", "What was said, found.", SESSIONS + "&q=error", found, height=TALL),
    Screen("sessions-none", "No session found.", SESSIONS + "&q=nothing-like-it&verdict=clean"),
    Screen("telemetry", "What is called, and how it ends.", CALLS, drawn, height=TALL),
    Screen("telemetry-dark", "Skills at night.", f"{CALLS}&tab=skills", drawn, scheme="dark"),
    Screen("telemetry-390", "On a telephone.", CALLS, drawn, width=390, height=1600),
    Screen("telemetry-none", "No call found.", f"{CALLS}&tool_name=None&only_errors=true"),
    Screen("telemetry-ask", "Asking in one's own words.", CALLS, asking),
    Screen("telemetry-users", "Who uses what.", f"{CALLS}&tab=users", drawn, height=1800),
    Screen("telemetry-cost", "Tokens by model, and their cost.", f"{CALLS}&tab=cost"),
    Screen("telemetry-beside", "Around a call.", f"{CALLS}&tool_name=Bash", beside, height=2000),
    Screen("user", "A person: their sessions.", "/admin/users/{person}?since_minutes=525600"),
    Screen("user-activity", "What they did.", "/admin/users/{person}?tab=activity"),
    Screen("user-390", "A person on a telephone.", "/admin/users/{person}", width=390, height=1200),
    Screen("my-sessions", "One's own sessions.", "/me/sessions"),
    Screen("my-first", "Before the first one.", "/me/sessions", who="ana@example.org"),
    Screen("catalog", "Tables to question.", "/catalog"),
    Screen("catalog-table", "One of them.", "/catalog?table=agnes_telemetry", height=TALL),
    Screen("catalog-dark", "The same at night.", "/catalog?table=agnes_audit", scheme="dark"),
    Screen("catalog-390", "On a telephone.", "/catalog?table=agnes_audit", width=390, height=1600),
    Screen("feedback", "What people report.", INBOX, ticked, height=TALL),
    Screen("feedback-dark", "The same at night.", INBOX, scheme="dark"),
    Screen("feedback-390", "On a telephone.", INBOX, width=390, height=1600),
    Screen("feedback-none", "No report found.", f"{INBOX}?tag=none-of-these&status=resolved"),
    Screen("report", "One report, and what came with it.", REPORT, height=TALL),
    Screen("report-conflict", "Two editors at once.", REPORT, overtaken, height=TALL),
    Screen("report-390", "On a telephone.", REPORT, scheme="dark", width=390, height=1600),
    Screen("my-reports", "What became of one's own.", "/me/reports", who="ana@example.org"),
    Screen("notifications", "What one was told.", "/me/notifications"),
    Screen("notifications-390", "The bell on a telephone.", LOG, belled, width=390, height=844),
    Screen("users", "Everybody with an account.", "/admin/users"),
    Screen("users-create", "Adding somebody.", "/admin/users?do=create", scheme="dark"),
    Screen("user-access", "What somebody may open, and why.", ACCESS, height=TALL),
    Screen("groups", "Groups, and what they open.", "/admin/groups"),
    Screen("group", "One of them.", "/admin/groups?group={group}"),
    Screen("access", "Groups and resources.", "/admin/access"),
    Screen("access-one", "Who can see it, and why.", "/admin/access?resource=table:orders"),
    Screen("access-390", "On a telephone.", "/admin/access", width=390, height=844),
    Screen("tokens", "Everybody's tokens.", "/admin/tokens"),
    Screen("tables", "Files that are tables, and who may read them.", "/admin/tables"),
    Screen("tables-internal", "The console's own.", "/admin/tables?tab=internal"),
    Screen("tables-one", "One of them.", "/admin/tables?table=orders", height=TALL),
    Screen("tables-register", "Registering a file.", "/admin/tables?do=register", scheme="dark"),
    Screen("tables-synced", "One that syncs.", "/admin/tables?table=shops", height=TALL),
    Screen(
        "tables-synced-390",
        "The same on a telephone.",
        "/admin/tables?table=shops",
        width=390,
        height=1800,
        scheme="dark",
    ),
    Screen("tables-390", "On a telephone.", "/admin/tables?table=orders", width=390, height=1600),
    Screen("market", "What marketplaces offer, and its use.", "/admin/marketplace"),
    Screen("market-plugins", "By plugin.", "/admin/marketplace?tab=plugins", scheme="dark"),
    Screen("market-import", "Importing.", "/admin/marketplace?tab=marketplaces"),
    Screen("market-390", "On a telephone.", "/admin/marketplace", width=390, height=1600),
    Screen("prompt", "What agents are told first.", "/admin/agent-prompt", height=TALL),
    Screen("prompt-390", "On a telephone.", "/admin/workspace-prompt", width=390, height=1600),
    Screen("config", "Settings, and where each value comes from.", "/admin/server-config"),
    Screen("config-one", "Changing one.", CONFIG_ONE, height=TALL, scheme="dark"),
    Screen("config-390", "On a telephone.", CONFIG_ONE, width=390, height=1200),
    Screen("jobs", "Scheduled notebooks and their runs.", "/admin/jobs"),
    Screen("jobs-ask", "A run with parameters.", ASK_JOB, height=TALL, scheme="dark"),
    Screen("health", "The server's own health.", "/admin/health", height=TALL),
    Screen("health-390", "On a telephone.", "/admin/health", width=390, height=2000),
    Screen("replay", "A session, verdict first.", REPLAY, indexed, height=TALL),
    Screen("replay-error", "At what went wrong in it.", TALK, at_error, height=TALL),
    Screen("replay-dark", "The same at night.", TALK, at_error, scheme="dark"),
    Screen("replay-390", "A session on a telephone.", TALK, at_error, width=390, height=844),
    Screen("replay-events", "Each kind of event.", TALK, indexed, height=2600),
    Screen("replay-events-dark", "The same at night.", TALK, indexed, scheme="dark", height=2600),
    Screen("replay-events-390", "The same on a telephone.", TALK, indexed, width=390, height=2600),
    Screen("sign-in", "Signing in.", "/login", who=None),
    Screen("lost", "The connection is lost; nothing else is.", LOG, lost, stop=True),
)


def main() -> None:
    """Every picture, or those named in the command."""
    wanted = [one for one in SCREENS if one.name in sys.argv[1:] or len(sys.argv) == 1]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        seeded = agnes("seed", *SEED, "--users", "30", "--data-dir", data)
        if seeded.returncode != 0:
            sys.exit(seeded.stderr)
        with ServerProcess(data) as server, sync_playwright() as playwright:
            known = prepared(server)
            cookies = {who: signed_in(server, who) for who, *_ in PEOPLE}
            found = next(filter(None, map(shutil.which, CHROMIUM)), None)
            browser = playwright.chromium.launch(executable_path=found, args=QUIET)
            for screen in sorted(wanted, key=lambda one: one.stop):
                size = taken(browser, server, screen, known, cookies)
                sys.stdout.write(f"{screen.name:12} {size / 1000:6.0f} kB\n")
            browser.close()
    (FOLDER / "README.md").write_text(index(), encoding="utf-8")


def prepared(server: ServerProcess) -> dict[str, str]:
    """Make the people and a change that can be undone; what paths may name."""
    with server.client(admin_token(server)) as api:
        made = {}
        for email, name, is_admin in PEOPLE:
            person = {"email": email, "name": name, "password": PASSWORD, "is_admin": is_admin}
            made[email] = api.post("/api/admin/users", json=person).raise_for_status().json()["id"]
    with signed_in_client(server) as boss:
        group = made_by(boss, "/api/admin/groups", {"name": "analysts"})
        member = {"user_id": made["ana@example.org"]}
        made_by(boss, f"/api/admin/groups/{group}/members", member)
        register(server, boss, group)
        grant = {"group_id": group, "resource_type": "activity"}
        old = made_by(boss, "/api/admin/grants", grant)
        boss.delete(f"/api/admin/grants/{old}").raise_for_status()
        made_by(boss, "/api/admin/grants", grant)
        renamed = {"name": "data analysts"}
        boss.patch(f"/api/admin/groups/{group}", json=renamed).raise_for_status()
        views = "/api/admin/observability/views"
        for name, query in (
            ("Failed syncs", {"query": "action:sync. result:error"}),
            ("Sign-ins", {"query": "action:auth.", "since_minutes": "10080"}),
        ):
            made_by(boss, views, {"name": name, "query": query})
        asked = {"sort": "findings:desc", "since_minutes": "525600", "limit": "1"}
        found = boss.get("/api/admin/sessions/list", params=asked).raise_for_status().json()
        talk = {"file": ("conversation.jsonl", everything("conversation").data)}
        sent = boss.post("/api/upload/sessions", files=talk)
        return {
            "grant": first(boss, "resource_grants.add"),
            "sync": first(boss, "sync.table"),
            "session": found["rows"][0]["session_file"],
            "person": found["rows"][0]["user_id"],
            "talk": sent.raise_for_status().json()["session_file"],
            "report": told(server),
            "ana": made["ana@example.org"],
            "group": group,
        }


def told(server: ServerProcess) -> str:
    """Some reports; the id of one that came with turns of a session, and twice."""
    first_id = ""
    for email, *_ in reversed(PEOPLE):
        with signed_in_client(server, email) as client:
            turns = failing("rsync: connection unexpectedly closed")
            mine = Reporter(email, client)
            sent = mine.send("the sync tool hangs", category="sync", session_excerpt=turns)
            first_id = first_id or sent
            for text in ("the catalog forgets my filter", "a query says out of memory"):
                mine.send(f"{text}, says {email.partition('@')[0]}", tags=["linux"])
    return first_id


def register(server: ServerProcess, boss: httpx.Client, group: str) -> None:
    """Two files as tables: one that a group may read, one that is gone."""
    folder = server.folder / "tables"
    folder.mkdir()
    lines = [f"{number},c{number % 40},{number * 7 % 90}.50" for number in range(5000)]
    (folder / "orders.csv").write_text("\n".join(["order,customer,amount", *lines]))
    (folder / "budget.csv").write_text("month,amount\n2026-11,9000\n")
    for name, holds in (("orders", "What customers ordered."), ("budget", "Planned, by month.")):
        about = {"name": name, "location": f"{name}.csv", "description": holds}
        made_by(boss, "/api/admin/tables", about)
    (folder / "budget.csv").unlink()
    grant = {"group_id": group, "resource_type": "table", "resource_id": "orders"}
    made_by(boss, "/api/admin/grants", grant)
    sync(folder, boss)


def sync(folder: Path, boss: httpx.Client) -> None:
    """One table of files that was synced some times, and once could not be."""
    about = {"name": "shops", "source_type": "files", "location": "shops/*.csv"}
    about |= {"schedule": "every 6h", "description": "Shops and their towns, from the till."}
    made_by(boss, "/api/admin/tables", about)
    place = folder / "shops"
    for day in range(1, 6):
        place.mkdir(exist_ok=True)
        towns = ("Brno", "Praha", "Ostrava")
        lines = [f"{n},{towns[n % 3]},{n * day % 70}" for n in range(400 * day)]
        more = f",2026-11-0{day}" if day == 3 else ""
        head = "shop,town,visits,since" if more else "shop,town,visits"
        (place / "day.csv").write_text("\n".join([head, *(line + more for line in lines)]))
        if day == 5:
            shutil.rmtree(place)
        made_by(boss, "/api/sync/trigger", {"tables": ["shops"]})


def signed_in_client(server: ServerProcess, email: str = PEOPLE[0][0]) -> httpx.Client:
    """Somebody in a browser, so that the log says how people come."""
    client = server.client()
    for name, value in signed_in(server, email).items():
        client.cookies.set(name, value)
    client.headers["X-XSRFToken"] = client.cookies["_xsrf"]
    return client


def made_by(client: httpx.Client, path: str, body: Mapping[str, object]) -> str:
    return str(client.post(path, json=body).raise_for_status().json().get("id", ""))


def first(client: httpx.Client, action: str) -> str:
    failed = {"result_class": "error", "since_minutes": "10080"} if "sync" in action else {}
    asked = {"action_in": action, "limit": "1", **failed}
    rows = client.get("/api/admin/activity", params=asked).raise_for_status().json()["rows"]
    return str(rows[0]["id"])


def taken(
    browser: Browser,
    server: ServerProcess,
    screen: Screen,
    known: dict[str, str],
    cookies: dict[str, dict[str, str]],
) -> int:
    """Take the picture of `screen`; its size in bytes."""
    context = browser.new_context(
        base_url=server.address,
        viewport={"width": screen.width, "height": screen.height},
        color_scheme="dark" if screen.scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    if screen.who is not None:
        for name, value in cookies[screen.who].items():
            context.add_cookies([{"name": name, "value": value, "url": server.address}])
    page = context.new_page()
    page.goto(screen.path.format(**known))
    if page.locator("[data-live]").count():
        until_live(page)
        page.wait_for_function("!document.querySelector('[data-later], [aria-busy]')")
    if screen.stop:
        server.stop()
    if screen.act is not None:
        screen.act(page)
    page.wait_for_timeout(300)  # pictures and fonts settle
    content = smaller(page.screenshot())
    context.close()
    if len(content) > MOST:
        sys.exit(f"{screen.name}: {len(content)} bytes, more than {MOST}")
    (FOLDER / f"{screen.name}.png").write_bytes(content)
    return len(content)


def smaller(png: bytes) -> bytes:
    """The same picture with a palette."""
    out = BytesIO()
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def index() -> str:
    lines = [
        "# Screens",
        "",
        "Every state of the pages, made by `make screens` from made-up data of a fixed seed.",
    ]
    for screen in SCREENS:
        lines += ["", f"## {screen.says.rstrip('.')}", "", f"![{screen.says}]({screen.name}.png)"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
