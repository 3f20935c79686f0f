"""Every setting of the server, in one list: its name in the environment, its default, what it does.

`docs/SETTINGS.md` is written from this list; a test compares them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_data_path

from console.credentials import is_this_machine
from schema.errors import BadParameter


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str
    allowed: str = "a text"


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(text)


def _positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise ValueError(text)
    return number


def _limit(text: str) -> int:
    number = _positive(text)
    if number > _MOST:
        raise ValueError(text)
    return number


def _interval(text: str) -> int | None:
    if not text:
        return None
    seconds = int(text)
    if seconds < 0:
        raise ValueError(text)
    return seconds


def _days(text: str) -> int:
    days = int(text)
    if not 0 <= days <= 36_500:
        raise ValueError(text)
    return days


def _hour(text: str) -> int:
    hour = int(text)
    if not 0 <= hour <= 23:
        raise ValueError(text)
    return hour


def _public(text: str) -> str:
    """An address of http or https without a query, and without a slash at its end."""
    if not text:
        return ""
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError(text)
    return text.rstrip("/")


def _service(text: str) -> str:
    """The same, with TLS unless it is on this machine."""
    address = _public(text)
    if urlsplit(address).scheme != "https" and not is_this_machine(address):
        raise ValueError(text)
    return address


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _repository(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text)
    names = [name for name in parts.path.split("/") if name]
    extra = parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme != "https" or not parts.hostname or len(names) != 2 or extra:
        raise ValueError(text)
    return f"https://{parts.netloc}/{names[0]}/{names[1].removesuffix('.git')}"


_MOST = 1_000_000_000
_LIMIT: dict[str, Any] = {"parse": _limit, "allowed": f"a whole number from 1 to {_MOST:,}"}
_POSITIVE: dict[str, Any] = {"parse": _positive, "allowed": "a whole number above 0"}
_DAYS: dict[str, Any] = {"parse": _days, "allowed": "a number of days, 0 to keep everything"}
_FLAG: dict[str, Any] = {"parse": _flag, "allowed": "1 or 0"}
_WORDS: dict[str, Any] = {"parse": _words, "allowed": "a comma list"}


def _every(job: str) -> Setting:
    """The interval of one scheduled notebook."""
    return Setting(
        f"SCHEDULER_{job.upper()}_INTERVAL",
        "",
        f"Seconds between two runs of `{job}`; 0: never; empty: as `notebooks/schedule.toml` says.",
        _interval,
        "seconds, or 0",
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
    Setting("AGNES_THREADS", "2", "Threads of one query.", **_POSITIVE),
    Setting("AGNES_READERS", "8", "Queries that run at the same time.", **_POSITIVE),
    Setting("AGNES_QUERY_SECONDS", "30", "Seconds that a question in SQL may take.", **_LIMIT),
    Setting(
        "AGNES_QUERY_MEMORY_MB",
        "1024",
        "Memory of the engine for one question, in MB; its process may take twice as much, and "
        "512 MB.",
        **_LIMIT,
    ),
    Setting(
        "AGNES_QUERY_EXTRACT_MB",
        "512",
        "Most bytes of rows that one question may work on, in MB.",
        **_LIMIT,
    ),
    Setting(
        "AGNES_QUERY_JSON_ROWS",
        "100000",
        "Rows of an answer in JSON at most, up to 100,000; one with more is cut.",
        **_LIMIT,
    ),
    Setting(
        "AGNES_QUERY_JSON_MB",
        "64",
        "Most bytes of an answer in JSON, in MB before it is written as text; one with more is "
        "cut.",
        **_LIMIT,
    ),
    Setting(
        "AGNES_QUERY_ARROW_ROWS",
        "5000000",
        "Rows of an answer in Arrow at most, up to 5,000,000; one with more is cut.",
        **_LIMIT,
    ),
    Setting(
        "AGNES_QUERY_ARROW_MB",
        "8192",
        "Most bytes of an answer in Arrow, in MB; one with more is cut.",
        **_LIMIT,
    ),
    Setting("AGNES_QUERY_CHILDREN", "8", "Questions that run at the same time.", **_LIMIT),
    Setting("AGNES_QUERY_AT_ONCE", "4", "Questions of one person at the same time.", **_LIMIT),
    Setting("AGNES_QUERY_WAIT", "30", "Seconds that a question waits for its turn.", **_LIMIT),
    Setting(
        "AGNES_QUERY_PER_MINUTE",
        "1200",
        "Questions that one person may start in a minute.",
        **_LIMIT,
    ),
    Setting(
        "AGNES_TABLE_FOLDERS",
        "",
        "Folders whose CSV and Parquet files can be registered as tables; empty: `tables` in the "
        "data folder.",
        **_WORDS,
    ),
    Setting(
        "ANTHROPIC_API_KEY",
        "",
        "Key of the language model that writes SQL for questions in one's own words; empty: none "
        "is asked, and nothing else needs one.",
    ),
    Setting("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "Where its Messages API is."),
    Setting("AGNES_ASK_MODEL", "claude-haiku-4-5", "Its name there."),
    Setting("AGNES_ASK_SECONDS", "30", "How long it may take to answer.", **_POSITIVE),
    Setting("AGNES_ASK_TOKENS", "1024", "Tokens of its answer at most.", **_POSITIVE),
    Setting(
        "AGNES_ASK_PER_HOUR",
        "60",
        "Questions that one person may ask it in an hour.",
        **_POSITIVE,
    ),
    Setting(
        "AGNES_PUBLIC_URL",
        "",
        "Address under which people open the console, for links in messages; empty: the one that "
        "it listens at.",
        _public,
        "an address of http or https",
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
        _service,
        "an address of https, or of this machine",
    ),
    Setting(
        "AGNES_TELEGRAM_DIGEST_HOUR",
        "8",
        "Hour of the day (UTC) at which what was held back is sent as one message.",
        _hour,
        "0 to 23",
    ),
    Setting(
        "AGNES_UPLOAD_MAX_MB", "128", "Largest transcript, in MB after decompression.", **_POSITIVE
    ),
    Setting(
        "USAGE_EVENTS_RETENTION_DAYS",
        "0",
        "Usage events older than this are deleted each day; daily figures stay. 0: all are kept.",
        **_DAYS,
    ),
    Setting(
        "AGNES_AUDIT_RETENTION_DAYS",
        "0",
        "Audit rows older than this are deleted each day. 0: all are kept.",
        **_DAYS,
    ),
    Setting(
        "AGNES_FEEDBACK_RETENTION_DAYS",
        "0",
        "Feedback reports older than this are deleted each day. 0: all are kept.",
        **_DAYS,
    ),
    Setting(
        "AGNES_GITHUB_ISSUES",
        "",
        "Repository in which a report can be made an issue, as `https://github.com/owner/name`; "
        "empty: none.",
        _repository,
        "https://host/owner/name",
    ),
    Setting(
        "AGNES_SESSION_HOURS",
        "12",
        "Hours after which a signed-in browser must sign in again.",
        **_POSITIVE,
    ),
    Setting(
        "AGNES_TRUSTED_PROXIES", "", "Addresses whose X-Forwarded-* headers are believed.", **_WORDS
    ),
    Setting(
        "AGNES_ORIGINS",
        "",
        "Further host:port under which browsers reach the console, behind a proxy.",
        **_WORDS,
    ),
    Setting(
        "AGNES_SECURE_COOKIES",
        "0",
        "Send cookies over TLS only, even when the proxy does not say https.",
        **_FLAG,
    ),
    Setting(
        "AGNES_METRICS_PUBLIC",
        "0",
        "Serve /metrics to every address, not to loopback only.",
        **_FLAG,
    ),
    Setting(
        "AGNES_TRANSCRIPT_REASON",
        "0",
        "Opening somebody else's transcript needs a reason, which that person sees.",
        **_FLAG,
    ),
    Setting(
        "AGNES_PRICES",
        "",
        "File with the prices of tokens by model and their date; empty: those that are shipped.",
    ),
    Setting("AGNES_JOBS", "1", "Run the scheduled notebooks; 0: only on demand.", **_FLAG),
    Setting("AGNES_JOB_CONCURRENCY", "1", "Notebooks that run at the same time.", **_POSITIVE),
    Setting(
        "AGNES_JOB_RUNS_KEPT", "200", "Runs kept of each job, with their notebooks.", **_POSITIVE
    ),
    Setting(
        "AGNES_NOTEBOOKS",
        "",
        "Folder of `schedule.toml` and its notebooks; empty: the one that is installed.",
    ),
    *map(_every, ("process_sessions", "failure_scan", "rollups", "sync_tables", "prune")),
    *map(_every, ("weekly_report", "failure_review", "feedback_digest")),
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


class Settings:
    """Settings read from an environment; each is an attribute without `agnes_`, in lower case."""

    def __init__(self, environ: Mapping[str, str] | None = None, **overrides: str) -> None:
        environ = os.environ if environ is None else environ
        for setting in SETTINGS:
            text = overrides.get(setting.name) or environ.get(setting.name) or setting.default
            try:
                value = setting.parse(text)
            except ValueError:
                raise BadParameter(setting.name, text, f"use {setting.allowed}") from None
            setattr(self, setting.name.removeprefix("AGNES_").lower(), value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no setting AGNES_{name.upper()}; see console/settings.py")

    @cached_property
    def folder(self) -> Path:
        """The data folder, absolute. Kept: looking it up asks the disk."""
        return Path(self.data_dir or user_data_path("agnes")).expanduser().resolve()

    @property
    def database(self) -> Path:
        from schema.engine import Location

        return Location.parse(self.engine).path if self.engine else self.folder / "agnes.duckdb"
