"""Every setting is documented: `docs/SETTINGS.md` is written from the list the server reads.

`python -m tests.test_habit_settings` writes the page anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from console.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "SETTINGS.md"
CODE = ("bench", "console", "ingest", "notebooks", "schema")

# What the terminal and the client read, each where it is used: no list of them is in the code.
CLIENT = (
    ("AGNES_SERVER", "http://127.0.0.1:8000", "The console's address; else that of `agnes login`."),
    ("AGNES_TOKEN", "", "Token to use instead of the one that `agnes login` remembers."),
    (
        "AGNES_CONFIG_DIR",
        "",
        "Folder of remembered sign-ins, of what was pushed and of private sessions; empty: the "
        "user's own.",
    ),
    (
        "AGNES_TRANSCRIPTS",
        "",
        "Folder that `agnes push` sends without a path; empty: the working folder's project.",
    ),
    ("CLAUDE_CONFIG_DIR", "~/.claude", "Where Claude Code keeps its transcripts."),
    ("CLAUDE_CODE_SESSION_ID", "", "The session one is in, for `agnes mark-private`."),
    ("AGNES_CORRELATION_ID", "", "Ties the log's rows of several requests together."),
    ("AGNES_DEBUG", "", "1 shows the traceback of an error."),
)
JOB = (
    ("AGNES_URL", "", "Address of the server that started it; `AGNES_SERVER` is the same."),
    ("AGNES_TOKEN", "", "Its pass, which ends with the run. It must not be printed."),
    ("AGNES_RUN_ID", "", "Id of its run; `AGNES_CORRELATION_ID` is the same."),
)
TESTS = (
    ("AGNES_TEST_CORPUS", "", "Folder of real transcripts and hostile inputs for the tests."),
    (
        "AGNES_TEST_POSTGRES",
        "",
        "Address of a superuser of a PostgreSQL for the tests; empty: one is started where its "
        "programs are; `none`: a stand-in.",
    ),
)

HEAD = """# Settings

Settings are environment variables. An empty one counts as not given.
This page is written from the code; a test compares them.
"""
LIVE = " *Live.*"
SERVER = """Read when `agnes serve` starts. What is *live* can also be set while it runs, and then
counts at once: on `/admin/server-config`, with `PUT /api/admin/config`, with `agnes admin config`.
What the environment says counts more than what is set there."""


def written() -> str:
    """The page as the code has it."""
    server = [
        (each.name, each.default, f"{each.help} Allowed: {each.allowed}.{LIVE * each.live}")
        for each in SETTINGS
    ]
    parts = [
        HEAD,
        _table("The server", SERVER, server),
        _table("The terminal and the client", "Read by each command.", CLIENT),
        _table("A job's notebook", "Set for it by the server; nothing else of ours is.", JOB),
        _table("The tests", "Read by `make test`.", TESTS),
    ]
    return "\n".join(parts)


def _table(title: str, about: str, rows: object) -> str:
    lines = [
        f"## {title}",
        "",
        about,
        "",
        "| name | default | what it does |",
        "| --- | --- | --- |",
    ]
    for name, default, text in rows:  # type: ignore[attr-defined]
        lines.append(f"| `{name}` | {f'`{default}`' if default else ''} | {text} |")
    return "\n".join([*lines, ""])


def test_the_page_says_what_the_code_reads() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == written(), "write it anew: python -m tests.test_habit_settings"


def test_every_setting_has_a_sentence() -> None:
    for setting in SETTINGS:
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)+", setting.name)
        assert setting.help.endswith("."), setting.name
        setting.parse(setting.default)


def test_every_name_in_the_code_is_on_the_page() -> None:
    documented = set(re.findall(r"`(AGNES_[A-Z_]+)`", PAGE.read_text(encoding="utf-8")))
    used: dict[str, str] = {}
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            for name in re.findall(
                r"\bAGNES_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")
            ):
                used[name] = str(path.relative_to(ROOT))
    for name in ("Makefile", ".ci/run"):
        for found in re.findall(
            r"\bAGNES_[A-Z_]*[A-Z]\b", (ROOT / name).read_text(encoding="utf-8")
        ):
            used[found] = name
    assert used
    assert {name: path for name, path in used.items() if name not in documented} == {}


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(written(), encoding="utf-8")
