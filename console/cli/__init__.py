"""The command `agnes`: one table of its commands, each parsed, called and printed in its module.

Nothing heavy is imported here: `lazy.py` says how a command is found, `exits.py` how it ends.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from console.cli.exits import EXIT_CODES
from console.cli.lazy import Command, RootGroup

# A new command is one line here.
COMMANDS = (
    Command("login", "console.cli.login:login", "Sign in and remember it.", "You"),
    Command("logout", "console.cli.login:logout", "End what `agnes login` began.", "You"),
    Command("whoami", "console.cli.login:whoami", "Who you are and what you may open.", "You"),
    Command("push", "console.cli.push:push", "Send Claude Code transcripts.", "You"),
    Command(
        "mark-private", "console.cli.private:mark_private", "Keep a session from being sent.", "You"
    ),
    Command("report", "console.cli.report:app", "Tell the admins what went wrong.", "You"),
    Command("sessions", "console.cli.own_sessions:app", "Your sessions and their replay.", "You"),
    Command("prompt", "console.cli.agent_prompt:prompt", "What your agents are told.", "You"),
    Command("lab", "console.cli.lab:lab", "Ask your own questions in JupyterLab.", "You"),
    Command("query", "console.cli.query:query", "Ask in SQL, of your own rows.", "Data"),
    Command("catalog", "console.cli.catalog:catalog", "The tables that you may question.", "Data"),
    Command("snapshot", "console.cli.snapshot:app", "Parts of tables, kept here.", "Data"),
    Command("pull", "console.cli.pull:pull", "Download synced tables as Parquet.", "Data"),
    Command("schema", "console.cli.catalog:schema", "A table's columns and meanings.", "Data"),
    Command("sample", "console.cli.catalog:sample", "Some rows of a table.", "Data"),
    Command(
        "explain-access", "console.cli.catalog:explain_access", "Why you see these rows.", "Data"
    ),
    Command("me", "", "What this instance has recorded about you.", "You"),
    Command("me activity", "console.cli.me_activity:app", "Your own part of the audit log."),
    Command("admin", "", "Audit log, users, groups, grants, tokens.", "Administration"),
    Command("admin activity", "console.cli.admin_activity:app", "The audit log and its health."),
    Command("admin sessions", "console.cli.admin_sessions:app", "Sessions and their replay."),
    Command("admin telemetry", "console.cli.admin_telemetry:app", "Tools, skills, agents, cost."),
    Command("admin feedback", "console.cli.admin_feedback:app", "Reports people have sent."),
    Command("admin usage", "console.cli.admin_telemetry:usage", "Old name of `telemetry`."),
    Command("admin ask", "console.cli.admin_ask:ask", "Ask in your own words."),
    Command("admin views", "console.cli.admin_views:app", "Your saved views of the pages."),
    Command("admin users", "console.cli.admin_users:app", "People who may sign in."),
    Command("admin groups", "console.cli.admin_groups:app", "Groups and their members."),
    Command("admin grants", "console.cli.admin_grants:app", "What each group may open."),
    Command("admin tokens", "console.cli.admin_tokens:app", "Tokens of people and agents."),
    Command("admin tables", "console.cli.admin_tables:app", "Tables that can be questioned."),
    Command("admin sync", "console.cli.admin_sync:sync", "Read tables anew from their sources."),
    Command("admin scripts", "console.cli.admin_scripts:app", "Notebooks and files run when due."),
    Command("admin config", "console.cli.admin_config:app", "Settings, also of a running server."),
    Command("admin templates", "console.cli.admin_templates:app", "The prompts agents are handed."),
    Command("admin telegram", "console.cli.admin_telegram:app", "Chats that reach admins."),
    Command(
        "admin marketplace", "console.cli.admin_marketplace:app", "Plugins and what they hold."
    ),
    Command(
        "jobs", "console.cli.jobs:app", "Scheduled notebooks and their runs.", "Administration"
    ),
    Command("serve", "console.cli.server:serve", "Run the console.", "Server"),
    Command("init", "console.cli.server:init", "Make the first admin.", "Server"),
    Command("migrate", "console.cli.server:migrate", "Bring the data file up to date.", "Server"),
    Command("seed", "console.cli.seed:seed", "Fill the console with made-up data.", "Server"),
    Command("demo", "console.cli.server:demo", "Run a console with demo data.", "Server"),
    Command("backup", "console.cli.backup:backup", "Take a backup.", "Server"),
    Command("restore", "console.cli.backup:restore", "Make a data folder of one.", "Server"),
    Command("doctor", "console.cli.doctor:doctor", "Check this installation.", "Server"),
)

# \b keeps the lines of a paragraph apart.
EPILOG = (
    "\b\nExit codes:\n"
    + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())
    + "\n\n\b\nSettings:\n"
    "  AGNES_SERVER  address of the console (default http://127.0.0.1:8000)\n"
    "  AGNES_TOKEN   token to use instead of the one of `agnes login`\n"
    "  AGNES_DEBUG   1 shows the traceback of an error"
)


class Agnes(RootGroup):
    """The root, with the table above."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(table=COMMANDS, **attributes)


app = typer.Typer(
    cls=Agnes,
    help="Agnes Console: see what happens on your instance, and send what you did.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"agnes {version('agnes-console')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of `agnes` itself."""


def main() -> None:
    """What the installed command runs; ends the process with one of EXIT_CODES."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its code, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="agnes")
