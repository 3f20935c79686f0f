"""The server's settings as admins see and change them while it runs (SPEC section 18).

What the environment says counts more than what is set here: whoever runs the server has the last
word, and is told where. Values that are secret are neither shown nor taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.audit import HIDDEN, Caller
from console.changes import objects
from console.changes.kinds import CONFIG, State
from console.changes.record import holds_secret
from console.live import ENVIRONMENT, Standing, parsed
from console.setting import flag
from console.settings import SETTINGS, Settings
from schema.errors import BadParameter, Conflict
from schema.store import Store
from schema.table import rows_of
from schema.tables import INSTANCE_CONFIG
from schema.transaction import Transaction

LONGEST = 1000  # characters of a value
# A section of the page begins with the setting that is named here.
SECTIONS: Mapping[str, str] = {
    "AGNES_DATA_DIR": "Storage and engine",
    "AGNES_QUERY_SECONDS": "Questions in SQL",
    "AGNES_TABLE_FOLDERS": "Tables",
    "ANTHROPIC_API_KEY": "Questions in one's own words",
    "AGNES_INSTANCE_NAME": "This instance and its messages",
    "AGNES_BACKUP_DIR": "Backups",
    "AGNES_UPLOAD_MAX_MB": "Uploads and what is kept",
    "AGNES_GITHUB_ISSUES": "Feedback",
    "AGNES_SESSION_HOURS": "Signing in",
    "POSTHOG_API_KEY": "PostHog",
    "AGNES_TRUSTED_PROXIES": "Network and privacy",
    "AGNES_PRICES": "Cost",
    "AGNES_JOBS": "Jobs",
    "AGNES_LOG_LEVEL": "The server's own log",
}
_SHORT = {"Url": "URL", "Api": "API", "Json": "JSON", "Mb": "MB", "Oidc": "OIDC", "Sql": "SQL"}
Row = dict[str, Any]


class Configured:
    """What `Settings.follow` reads: the instance's own values, kept in its table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def version(self) -> int:
        return self._store.version(INSTANCE_CONFIG.name)

    def texts(self) -> Mapping[str, str]:
        rows = self._store.read(rows_of(INSTANCE_CONFIG)).to_pylist()
        return {row["key"]: row["value"] for row in rows if row["value"] is not None}


def rows(settings: Settings, kept: Mapping[str, Row]) -> list[Row]:
    """Every setting as it stands, in the order of the list; `kept` has the rows of
    `instance_config` by key, which say when and by whom."""
    sections = dict(_begun())
    return [shown(one, sections, kept.get(one.setting.name)) for one in settings.standings()]


def shown(standing: Standing, sections: Mapping[str, str], kept: Row | None) -> Row:
    """`{key, name, section, value, default, source, live, help, allowed, secret, set, refused,
    updated_at, updated_by}`; of a secret only whether it is `set`."""
    setting, text = standing.setting, standing.text
    hidden = setting.secret or holds_secret(text)
    return {
        "key": setting.name,
        "name": named(setting.name),
        "section": sections[setting.name],
        "value": (HIDDEN if text else "") if hidden else text,
        "default": setting.default,
        "source": standing.source,
        "live": setting.live and standing.source != ENVIRONMENT,
        "help": setting.help,
        "allowed": setting.allowed,
        "secret": setting.secret,
        "set": bool(text),
        "refused": standing.refused,
        "updated_at": kept["updated_at"] if kept else None,
        "updated_by": kept["updated_by"] if kept else None,
    }


def of(store: Store, settings: Settings) -> list[Row]:
    """`rows` as they are now. Blocks."""
    found = store.read(rows_of(INSTANCE_CONFIG)).to_pylist()
    return rows(settings, {row["key"]: row for row in found})


def named(key: str) -> str:
    """`AGNES_QUERY_SECONDS` as people say it: Query seconds."""
    words = key.lower().split("_")
    words = words[1:] if words[0] == "agnes" else words
    first, *rest = (_SHORT.get(word.capitalize(), word) for word in words)
    return " ".join([first[:1].upper() + first[1:], *rest])


def change(settings: Settings, caller: Caller, values: Mapping[str, Any]) -> Any:
    """A step for `Store.write` that sets all `values`, or none: by key a text, a number, a truth,
    or None for the default again. It answers the keys that it changed. Raises BadParameter for a
    key or a value that cannot be, Conflict for what the environment says."""
    wanted = {key: checked(settings, key, value) for key, value in values.items()}
    steps = {key: objects.set_config(caller, key, text) for key, text in wanted.items()}

    def step(transaction: Transaction) -> list[str]:
        changed = []
        for key, one in steps.items():
            before: State = CONFIG.now(transaction, {"key": key}) or {}
            one(transaction)
            if before.get("value") != wanted[key]:
                changed.append(key)
        return changed

    return step


def checked(settings: Settings, key: str, value: Any) -> str | None:
    """The value as it is kept. Raises as `change`."""
    standing = settings.standing(key)
    setting = standing.setting
    if setting.secret:
        raise BadParameter(
            key, HIDDEN, "a secret is set in the server's environment, where nobody reads it"
        )
    if not setting.live:
        raise BadParameter(
            key,
            "" if value is None else value,
            "it cannot change while the server runs",
            detail="Set it in the server's environment and start the server again.",
        )
    if standing.source == ENVIRONMENT:
        raise Conflict(
            f"{key} is set in the server's environment, which counts more than what is set here",
            detail="Change it there, or take it out there, and start the server again.",
        )
    if isinstance(value, bool) and setting.parse is not flag:
        raise BadParameter(key, value, f"use {setting.allowed}")
    text = _text(key, value)
    if not text:
        return None
    if len(text) > LONGEST:
        raise BadParameter(key, text, f"at most {LONGEST} characters")
    if holds_secret(text):
        raise BadParameter(key, HIDDEN, "no secret: the log would keep it")
    parsed(setting, text)
    return text


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if value is None or isinstance(value, int | str):
        return "" if value is None else str(value).strip()
    raise BadParameter(key, value, "a text, a whole number, true or false, or null")


def _begun() -> Iterator[tuple[str, str]]:
    """The section of each setting."""
    section = ""
    for setting in SETTINGS:
        section = SECTIONS.get(setting.name, section)
        yield setting.name, section
