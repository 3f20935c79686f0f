"""Every setting of the server, in one list: its name in the environment, its default, what it does.

`docs/SETTINGS.md` is written from this list; a test compares them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from platformdirs import user_data_path

from console.live import Live
from console.setting import (
    DAYS,
    FLAG,
    LIMIT,
    POSITIVE,
    WORDS,
    Setting,
    hour,
    hours,
    interval,
    line,
    public,
    repository,
    service,
)
from console.sign_in_settings import SIGN_IN
from console.tables import connections


def _every(job: str) -> Setting:
    """The interval of one scheduled notebook."""
    return Setting(
        f"SCHEDULER_{job.upper()}_INTERVAL",
        "",
        f"Seconds between two runs of `{job}`; 0: never; empty: as `notebooks/schedule.toml` says.",
        interval,
        "seconds, or 0",
        live=True,
    )


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "AGNES_DATA_DIR",
        "",
        "Folder of the database and the uploaded files; empty: the user's data folder.",
    ),
    Setting(
        "AGNES_ENGINE",
        "",
        "Where the tables live, as `duckdb:///path`; empty: `agnes.duckdb` in the data folder.",
    ),
    Setting("AGNES_MEMORY_LIMIT", "320MB", "Memory of the database engine, in DuckDB's notation."),
    Setting("AGNES_THREADS", "2", "Threads of one query.", **POSITIVE),
    Setting("AGNES_READERS", "8", "Queries that run at the same time.", **POSITIVE),
    Setting(
        "AGNES_QUERY_SECONDS", "30", "Seconds that a question in SQL may take.", **LIMIT, live=True
    ),
    Setting(
        "AGNES_QUERY_MEMORY_MB",
        "1024",
        "Memory of the engine for one question, in MB; its process may take twice as much, and "
        "512 MB.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_QUERY_EXTRACT_MB",
        "512",
        "Most bytes of rows that one question may work on, in MB.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_QUERY_JSON_ROWS",
        "100000",
        "Rows of an answer in JSON at most, up to 100,000; one with more is cut.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_QUERY_JSON_MB",
        "64",
        "Most bytes of an answer in JSON, in MB before it is written as text; one with more is "
        "cut.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_QUERY_ARROW_ROWS",
        "5000000",
        "Rows of an answer in Arrow at most, up to 5,000,000; one with more is cut.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_QUERY_ARROW_MB",
        "8192",
        "Most bytes of an answer in Arrow, in MB; one with more is cut.",
        **LIMIT,
        live=True,
    ),
    Setting("AGNES_QUERY_CHILDREN", "8", "Questions that run at the same time.", **LIMIT),
    Setting(
        "AGNES_QUERY_AT_ONCE", "4", "Questions of one person at the same time.", **LIMIT, live=True
    ),
    Setting(
        "AGNES_QUERY_WAIT", "30", "Seconds that a question waits for its turn.", **LIMIT, live=True
    ),
    Setting(
        "AGNES_QUERY_PER_MINUTE",
        "1200",
        "Questions that one person may start in a minute.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_TABLE_FOLDERS",
        "",
        "Folders whose files can be registered as tables, in place or to be synced; empty: "
        "`tables` in the data folder.",
        **WORDS,
    ),
    Setting(
        "AGNES_SYNC_SECONDS",
        "600",
        "Seconds that one attempt to sync a table may take.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_SYNC_MEMORY_MB",
        "512",
        "Memory that one attempt to sync a table may take, in MB.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_SYNC_MAX_MB",
        "2048",
        "What one attempt may read, unpacked, and write, in MB.",
        **LIMIT,
        live=True,
    ),
    Setting(
        "AGNES_SYNC_ALLOW_PRIVATE",
        "",
        "Hosts, as `name` or `name:port`, that tables may be fetched from although their address "
        "is not public; empty: none.",
        **WORDS,
    ),
    Setting(
        "AGNES_SOURCES",
        "",
        "Other databases that tables can be read from, each with the name that the registry knows "
        "it by. Give a role that may only read what is meant.",
        connections.parsed,
        connections.ALLOWED,
    ),
    Setting(
        "ANTHROPIC_API_KEY",
        "",
        "Key of the language model that writes SQL for questions in one's own words; empty: none "
        "is asked, and nothing else needs one.",
    ),
    Setting("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "Where its Messages API is."),
    Setting("AGNES_ASK_MODEL", "claude-haiku-4-5", "Its name there.", line, live=True),
    Setting("AGNES_ASK_SECONDS", "30", "How long it may take to answer.", **POSITIVE, live=True),
    Setting("AGNES_ASK_TOKENS", "1024", "Tokens of its answer at most.", **POSITIVE, live=True),
    Setting(
        "AGNES_ASK_PER_HOUR",
        "60",
        "Questions that one person may ask it in an hour.",
        **POSITIVE,
        live=True,
    ),
    Setting(
        "AGNES_INSTANCE_NAME",
        "Agnes",
        "What this instance is called, in the prompts that agents are handed.",
        line,
        "one line of up to 200 characters",
        live=True,
    ),
    Setting(
        "AGNES_PUBLIC_URL",
        "",
        "Address under which people open the console, for links in messages; empty: the one that "
        "it listens at.",
        public,
        "an address of http or https",
        live=True,
    ),
    Setting(
        "AGNES_TELEGRAM_BOT_TOKEN",
        "",
        "Token of the Telegram bot that writes to admins; empty: they find everything in the "
        "console.",
    ),
    Setting(
        "AGNES_TELEGRAM_API",
        "https://api.telegram.org",
        "Where its Bot API is.",
        service,
        "an address of https, or of this machine",
    ),
    Setting(
        "AGNES_TELEGRAM_DIGEST_HOUR",
        "8",
        "Hour of the day (UTC) at which what was held back is sent as one message.",
        hour,
        "0 to 23",
        live=True,
    ),
    Setting(
        "AGNES_BACKUP_DIR",
        "",
        "Folder of the backups, one a day; empty: none is made by itself, and `agnes backup` puts "
        "its own into `backups` in the data folder.",
    ),
    Setting("AGNES_BACKUPS_KEPT", "7", "Backups kept in that folder; 1 or more.", **LIMIT),
    Setting(
        "AGNES_UPLOAD_MAX_MB",
        "128",
        "Largest transcript, in MB after decompression.",
        **POSITIVE,
        live=True,
    ),
    Setting(
        "USAGE_EVENTS_RETENTION_DAYS",
        "0",
        "Usage events older than this are deleted each day; daily figures stay. 0: all are kept.",
        **DAYS,
        live=True,
    ),
    Setting(
        "AGNES_AUDIT_RETENTION_DAYS",
        "0",
        "Audit rows older than this are deleted each day. 0: all are kept.",
        **DAYS,
        live=True,
    ),
    Setting(
        "AGNES_FEEDBACK_RETENTION_DAYS",
        "0",
        "Feedback reports older than this are deleted each day. 0: all are kept.",
        **DAYS,
        live=True,
    ),
    Setting(
        "AGNES_GITHUB_ISSUES",
        "",
        "Repository in which a report can be made an issue, as `https://github.com/owner/name`; "
        "empty: none.",
        repository,
        "https://host/owner/name",
        live=True,
    ),
    Setting(
        "AGNES_SESSION_HOURS",
        "12",
        "Hours after which a signed-in browser must sign in again.",
        hours,
        "1 to 8760",
        live=True,
    ),
    *SIGN_IN,
    Setting(
        "AGNES_TRUSTED_PROXIES", "", "Addresses whose X-Forwarded-* headers are believed.", **WORDS
    ),
    Setting(
        "AGNES_ORIGINS",
        "",
        "Further host:port under which browsers reach the console, behind a proxy.",
        **WORDS,
    ),
    Setting(
        "AGNES_SECURE_COOKIES",
        "0",
        "Send cookies over TLS only, even when the proxy does not say https.",
        **FLAG,
    ),
    Setting(
        "AGNES_METRICS_PUBLIC",
        "0",
        "Serve /metrics to every address, not to loopback only.",
        **FLAG,
    ),
    Setting(
        "AGNES_TRANSCRIPT_REASON",
        "0",
        "Opening somebody else's transcript needs a reason, which that person sees.",
        **FLAG,
        live=True,
    ),
    Setting(
        "AGNES_PRICES",
        "",
        "File with the prices of tokens by model and their date; empty: those that are shipped.",
    ),
    Setting("AGNES_JOBS", "1", "Run the scheduled notebooks; 0: only on demand.", **FLAG),
    Setting(
        "AGNES_JOB_CONCURRENCY", "1", "Notebooks that run at the same time.", **POSITIVE, live=True
    ),
    Setting(
        "AGNES_JOB_RUNS_KEPT",
        "200",
        "Runs kept of each job, with their notebooks.",
        **POSITIVE,
        live=True,
    ),
    Setting(
        "AGNES_NOTEBOOKS",
        "",
        "Folder of `schedule.toml` and its notebooks; empty: the one that is installed.",
    ),
    Setting(
        "AGNES_SCRIPTS_DIR",
        "",
        "Folder whose notebooks and Python files can be registered as scripts; empty: `scripts` "
        "in the data folder.",
    ),
    *map(_every, ("process_sessions", "failure_scan", "rollups", "sync_tables", "prune")),
    *map(_every, ("weekly_report", "failure_review", "feedback_digest", "backup")),
    Setting(
        "AGNES_LOG_LEVEL",
        "info",
        "debug, info, warning or error.",
        str.lower,
        "debug, info, warning, error",
    ),
    Setting(
        "AGNES_LOG_FORMAT",
        "auto",
        "auto (text on a terminal, else JSON), json or text.",
        str.lower,
        "auto, json, text",
    ),
)


class Settings(Live):
    """Settings read from an environment; each is an attribute without `agnes_`, in lower case.
    What may be changed while the server runs is looked up in those of the instance, once it
    `follow`s them."""

    def __init__(self, environ: Mapping[str, str] | None = None, **overrides: str) -> None:
        environ = os.environ if environ is None else environ
        super().__init__()
        for setting in SETTINGS:
            given = overrides.get(setting.name) or environ.get(setting.name) or ""
            self.take(setting, given)

    @cached_property
    def folder(self) -> Path:
        """The data folder, absolute. Kept: looking it up asks the disk."""
        return Path(self.data_dir or user_data_path("agnes")).expanduser().resolve()

    @property
    def database(self) -> Path:
        from schema.engine import Location

        return Location.parse(self.engine).path if self.engine else self.folder / "agnes.duckdb"
