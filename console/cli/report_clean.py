"""What stays of a record, a message or a setting before it may leave: no secret, no name of the
person or the machine, no image, no endless output. Each cut has the name of a rule and is counted.

The order matters. Colours go first, for they may stand inside a secret; then names; then secrets,
by the rules of `ingest.redact`; texts are shortened only after that, or half a secret would remain
that no rule knows.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from ingest.redact import Cuts, redact, redact_bytes

LONGEST = 8_000  # characters of one text of a session; of a longer one its begin and its end stay
_HEAD, _TAIL = 5_000, 2_000
_DEEPEST = 60  # levels of JSON
_SHOWN = 4  # first letters of a secret that a person sees
_NOBODY = {"admin", "node", "root", "runner", "ubuntu", "user", "vscode"}  # names of no person

# What a reader of the excerpt needs, as the replay shows it. All else of a record stays here.
_KEPT = frozenset(
    {
        *("type", "uuid", "parentUuid", "sessionId", "timestamp", "cwd", "version", "gitBranch"),
        *("isSidechain", "agentId", "message", "toolUseResult", "toolDenialKind", "isMeta"),
        *("isCompactSummary", "isApiErrorMessage", "error", "apiErrorStatus", "origin"),
        *("attachment", "operation", "content", "subtype", "retryAttempt", "maxRetries"),
        *("sourceToolAssistantUUID", "requestId"),
    }
)
_KEPT_OF_MESSAGE = frozenset({"id", "role", "model", "content", "stop_reason"})
_COLOUR = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HOMES = re.compile(
    r"(?P<root>/home/|/Users/|[A-Za-z]:[\\/]+Users[\\/]+)(?P<name>[^\s/\\:\"'<>|*?,;)\]}]+)"
)
_SHARED = {"shared", "public", "default", "runner", "linuxbrew"}


@dataclass(frozen=True)
class Secret:
    """One that was cut. `hint`: what stands there now, never the whole of it."""

    rule: str
    where: str
    hint: str


@dataclass
class Cleaning:
    """All that was cut from one report, as it is made ready."""

    secrets: list[Secret] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)  # home-folder, user-name, host-name
    shortened: Counter[str] = field(default_factory=Counter)  # image, long text, ...

    @property
    def counts(self) -> dict[str, int]:
        """How much each rule cut, by its name."""
        found = Counter(secret.rule for secret in self.secrets)
        return dict(sorted((found + self.names).items()))

    def text(self, text: str, where: str) -> str:
        """`text` as it may leave. `where` is what a person calls its place."""
        cuts: Cuts = []
        clean = redact(self._names(_uncoloured(text)), None, cuts)
        self._note(cuts, where)
        return clean

    def record(self, data: dict[str, Any], where: str) -> bytes:
        """A record of a transcript as one line of JSON, as it may leave."""
        kept = self._walked({key: data[key] for key in data if key in _KEPT}, 0)
        if isinstance(kept.get("message"), dict):
            message = kept["message"]
            kept["message"] = {key: message[key] for key in message if key in _KEPT_OF_MESSAGE}
        if "toolUseResult" in kept:
            kept["toolUseResult"] = _how_it_ended(kept["toolUseResult"])
        cuts: Cuts = []
        line = redact_bytes(orjson.dumps(kept), None, cuts)
        self._note(cuts, where)
        short = orjson.dumps(self._shortened(orjson.loads(line)))
        return redact_bytes(short)

    def _note(self, cuts: Cuts, where: str) -> None:
        self.secrets += [Secret(rule, where, hint_of(cut)) for rule, cut in cuts]

    def _names(self, text: str) -> str:
        for rule, pattern, instead in _private_names():
            text, count = pattern.subn(instead, text)
            if count:
                self.names[rule] += count
        return _HOMES.sub(self._home_of_somebody, text)

    def _home_of_somebody(self, match: re.Match[str]) -> str:
        if match["name"].casefold() in _SHARED | _NOBODY or match["name"].startswith(("[", "$")):
            return match[0]
        self.names["user-name"] += 1
        return f"{match['root']}[user]"

    def _walked(self, value: Any, depth: int) -> Any:
        """`value` with every text in it uncoloured and without names; images are taken out."""
        if isinstance(value, str):
            return self._names(_uncoloured(value))
        if depth > _DEEPEST:
            self.shortened["deeply nested value"] += 1
            return None
        if isinstance(value, list):
            return [self._walked(each, depth + 1) for each in value]
        if not isinstance(value, dict):
            return value
        kind = value.get("type")
        if kind in ("image", "document") and isinstance(value.get("source"), dict):
            self.shortened[kind] += 1
            media = value["source"].get("media_type")
            return {"type": kind, "source": {"type": "base64", "media_type": media, "data": ""}}
        if kind == "redacted_thinking":
            return {"type": kind}
        return {
            self._names(_uncoloured(key)): self._walked(each, depth + 1)
            for key, each in value.items()
            if not (key == "signature" and kind == "thinking")
        }

    def _shortened(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > LONGEST:
            self.shortened["long text"] += 1
            left = len(value) - _HEAD - _TAIL
            return f"{value[:_HEAD]}\n[… {left:,} characters cut …]\n{value[-_TAIL:]}"
        if isinstance(value, list):
            return [self._shortened(each) for each in value]
        if isinstance(value, dict):
            return {key: self._shortened(each) for key, each in value.items()}
        return value


def joined(parts: Iterable[Cleaning]) -> Cleaning:
    """What was cut from several parts."""
    whole = Cleaning()
    for part in parts:
        whole.secrets += part.secrets
        whole.names += part.names
        whole.shortened += part.shortened
    return whole


def _how_it_ended(result: object) -> object:
    """Of the copy of a tool's result only that: the result itself stands in the message."""
    if isinstance(result, str):
        return result[:200]
    ended = result.get("interrupted") if isinstance(result, dict) else None
    return None if ended is None else {"interrupted": ended is True}


def hint_of(secret: bytes) -> str:
    """The first letters of a secret, fewer of a short one, and its length."""
    text = secret.decode("utf-8", "replace")
    return f"{text[: min(_SHOWN, len(text) // 3)]}… ({len(text):,} characters)"


def one_text(text: str) -> str:
    """A message as a person meant it: no colour, no control character but the line break."""
    lines = re.sub(r"\r\n?|[\u2028\u2029]", "\n", text)
    return _CONTROL.sub("", _COLOUR.sub("", lines)).strip()


def _uncoloured(text: str) -> str:
    return _COLOUR.sub("", text) if "\x1b" in text else text


Named = tuple[str, re.Pattern[str], str]


def _private_names() -> tuple[Named, ...]:
    """What names this person and this machine."""
    homes = {str(Path.home()), os.path.realpath(Path.home()), os.environ.get("USERPROFILE") or ""}
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such number in the system's list
        user = ""
    return _patterns(tuple(sorted(homes, key=len, reverse=True)), user, socket.gethostname())


@cache
def _patterns(homes: tuple[str, ...], user: str, host: str) -> tuple[Named, ...]:
    return (*_home_patterns(homes), *_user_patterns(user), *_host_patterns(host))


def _home_patterns(homes: tuple[str, ...]) -> list[Named]:
    found: list[Named] = []
    for home in homes:
        if home in ("", "/", "."):
            continue
        first, *rest = [re.escape(part) for part in re.split(r"[\\/]+", home)]
        # In a text within JSON a backslash may stand twice; before the first slash is an address.
        between = r"[\\/]{1,2}"
        path = f"{first}{between if first else '/'}{between.join(rest)}"
        found.append(("home-folder", re.compile(rf"(?<![\w.~-]){path}(?![\w.-]*\w)"), "~"))
        slug = re.sub(r"[^A-Za-z0-9]", "-", home)  # as Claude Code names a project's folder
        found.append(("home-folder", re.compile(rf"(?<![\w-]){slug}(?=-|\b)"), "~"))
    return found


def _user_patterns(user: str) -> list[Named]:
    if len(user) < 2 or user.casefold() in _NOBODY:
        return []
    name = re.escape(user)
    around = rf"(?<=[\\/]){name}(?=[\\/\s\"':]|$)|(?<![\w.-]){name}(?=@[\w.-])"
    named = rf"(?<=USER=){name}\b|(?<=USERNAME=){name}\b|(?<=LOGNAME=){name}\b"
    return [("user-name", re.compile(f"{around}|{named}"), "[user]")]


def _host_patterns(full: str) -> list[Named]:
    short = full.partition(".")[0]
    found: list[Named] = []
    for host in sorted({full, short} - {"", "localhost"}, key=len, reverse=True):
        name = re.escape(host)
        # A name that could be a word of a sentence counts only where a host must stand.
        word = len(host) >= 4 and re.search(r"[0-9.-]", host)
        before = r"(?<![\w.-])" if word else r"(?:(?<=@)|(?<=HOSTNAME=)|(?<=://))"
        found.append(("host-name", re.compile(rf"{before}{name}(?![\w-])"), "[host]"))
    return found
