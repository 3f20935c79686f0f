"""A report and its answer, as the two people live it: typed into a real terminal, told on Telegram,
found in the inbox and in the log, answered there, heard of by whoever sent it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pexpect
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, chromium, signed_in, swept, until_live
from tests.console.stand_in_telegram import TOKEN, Telegram, serving
from tests.server_process import AGNES, PATIENCE, ServerProcess, agnes, clean_environment
from tests.terminal import Terminal
from tests.transcripts import Transcript

pytestmark = pytest.mark.browser
__all__ = ["chromium", "swept"]  # fixtures

BOSS, ANA = "boss@example.org", "ana@example.org"
CHAT = 4711
MESSAGE = "the sync tool hangs"
ERROR = "sync: no answer from orders after 30 s"
SECRET = "AKIA" + "QWERTYUIOPASDFGH"
ANSWER = "Update to 0.3: it gives up after ten seconds"
ASKED = "Anything else sends nothing: "


def project(home: Path) -> tuple[Path, Path]:
    """A folder that somebody works in, and the transcript of what they did there."""
    folder = home / "month end"
    folder.mkdir(parents=True)
    name = re.sub(r"[^A-Za-z0-9]", "-", str(folder))
    talk = Transcript(session="8d0c9b1e-7c53-4b1b-a1f6-5b8e0f3a2c11")
    talk = talk.prompt(f"sync the orders with {SECRET}").call("Bash", error=ERROR)
    file = home / ".claude" / "projects" / name / f"{talk.session}.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(talk.answer("It does not come back.").data)
    return folder, file


def terminal(server: ServerProcess, admin: httpx.Client, home: Path) -> Terminal:
    """That of somebody new, who is signed in."""
    person = {"email": ANA, "name": "Ana", "password": PASSWORD}
    user = admin.post("/api/admin/users", json=person).raise_for_status().json()["id"]
    wanted = {"user_id": user, "name": "terminal"}
    token = admin.post("/api/admin/tokens", json=wanted).raise_for_status().json()["token"]
    settings = {
        "AGNES_SERVER": server.address,
        "AGNES_TOKEN": token,
        "AGNES_CONFIG_DIR": str(home / "config"),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
    }
    return Terminal(server, settings)


def typed(of: Terminal, folder: Path) -> str:
    """What the terminal shows while Ana reports, and says the word."""
    shell = pexpect.spawn(
        str(AGNES),
        ["report", "-m", MESSAGE],
        cwd=str(folder),
        env=clean_environment(**of.settings, PAGER="cat", TERM="xterm"),
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(40, 160),
    )
    shell.expect_exact(ASKED)
    screen = shell.before or ""
    assert of.json("report", "list")["rows"] == [], "nothing is sent before the word"
    shell.sendline("send")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0, shell.before
    return screen


def message(telegram: Telegram) -> tuple[int, str]:
    assert telegram.arrived.acquire(timeout=PATIENCE), "no message came"
    return telegram.sent[-1]


def opened(chromium: Browser, server: ServerProcess, who: str, path: str) -> Page:
    context = chromium.new_context(base_url=server.address)
    for name, value in signed_in(server, who).items():
        context.add_cookies([{"name": name, "value": value, "url": server.address}])
    page = context.new_page()
    page.goto(path)
    until_live(page)
    return page


@pytest.mark.timeout(600)
def test_a_report_reaches_the_admin_and_its_answer_the_reporter(
    chromium: Browser, tmp_path: Path
) -> None:
    folder, file = project(tmp_path / "home")
    data = tmp_path / "data"
    words = ("init", "--email", BOSS, "--password-stdin", "--json", "--data-dir", data)
    made = json.loads(agnes(*words, given=PASSWORD + "\n").stdout)
    with serving() as (telegram, bot):
        started = ServerProcess(data, AGNES_TELEGRAM_BOT_TOKEN=TOKEN, AGNES_TELEGRAM_API=bot)
        with started as server, server.client(made["token"]) as admin:
            link = {"user_id": made["user_id"], "chat_id": CHAT}
            admin.post("/api/admin/telegram/links", json=link).raise_for_status()
            ana = terminal(server, admin, tmp_path / "home")
            ana("push", file)

            screen = typed(ana, folder)
            assert SECRET not in screen
            report = _arrived(admin)
            (mine,) = ana.json("report", "list")["rows"]
            assert mine["id"] == report["id"]
            _logged(admin, report)

            chat, text = message(telegram)
            inbox = f"{server.address}/admin/feedback/{report['id']}"
            assert (chat, text) == (
                CHAT,
                f"Agnes: New report {report['fingerprint'][:12]}\n{inbox}",
            )
            _answered(opened(chromium, server, BOSS, "/admin/feedback"), inbox, report)

            shown = ana("report", "show", report["id"]).stdout
            assert "resolved" in shown
            assert ANSWER in shown
            page = opened(chromium, server, ANA, "/me")
            expect(page.locator("#bell .count")).to_have_text("1 not read")
            page.locator("#bell summary").click()
            page.locator("#bell li a", has_text="is resolved, with an answer").click()
            page.wait_for_url(f"**/me/reports/{report['id']}")
            expect(page.get_by_role("region", name="Answer to the reporter")).to_contain_text(
                ANSWER
            )
            assert len(telegram.sent) == 1


def _arrived(admin: httpx.Client) -> dict[str, Any]:
    """The one report there is, whole: what was said, of which failure, in which session."""
    (row,) = admin.get("/api/admin/feedback").raise_for_status().json()["rows"]
    answer = admin.get(f"/api/admin/feedback/{row['id']}").raise_for_status()
    assert SECRET not in answer.text
    report: dict[str, Any] = answer.json()
    assert (report["message"], report["status"]) == (MESSAGE, "open")
    assert report["reporter"]["email"] == ANA
    assert report["error"] == f"Bash: {ERROR}"
    assert report["session"]["exists"] is True
    assert report["session"]["turn"] is not None
    return report


def _logged(admin: httpx.Client, report: dict[str, Any]) -> None:
    params = {"action_prefix": "feedback.report"}
    (row,) = admin.get("/api/admin/activity", params=params).raise_for_status().json()["rows"]
    assert (row["resource"], row["result"]) == (f"report:{report['id']}", "success")
    assert (row["user_email"], row["source"]) == (ANA, "cli")
    assert json.loads(row["params"])["ack_preview"] is True
    assert MESSAGE not in row["params"]


def _answered(page: Page, inbox: str, report: dict[str, Any]) -> None:
    """The admin finds it in the list, in the log and under the message's link, and answers."""
    line = page.locator(f'tr[data-report="{report["id"]}"]')
    expect(line).to_contain_text(MESSAGE)
    page.goto(f"/admin/activity?query=resource:report:{report['id']}")
    expect(page.locator("[data-audit-row]", has_text="feedback.report")).to_have_count(1)
    page.goto(inbox)
    until_live(page)
    expect(page.locator("h1")).to_contain_text(MESSAGE)
    expect(page.locator(".events")).to_contain_text(ERROR)
    turn = f"{report['session']['href']}"
    expect(page.locator(f'a[href*="{turn.partition("#")[0]}"]').first).to_be_visible()
    page.locator("#resolution").fill(ANSWER)
    page.get_by_role("button", name="Resolve and answer").click()
    expect(page.locator(".who .tag").first).to_have_text("resolved")
