"""The commands in the documents, and a place where they can be run.

Which lines are commands: those of `sh`, `bash` and `console` fences, and, in fences without a
language and in indented text, the ones that begin with a program known here. Commands named in a
sentence (`agnes …`, `make …`) are looked up, not run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from console.cli import app
from tests.test_habit_cli import Told, commands

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ("docs/CLI.md",)
SHELLS = ("sh", "bash", "shell", "console")

# Programs that are not ours, and why no test runs them.
OUTSIDE: Mapping[str, str] = {
    "apt": "it changes the machine",
    "apt-get": "it changes the machine",
    "brew": "it changes the machine",
    "caddy": "needs a public name",
    "cat": "its words are the next command's input",
    "cd": "each command runs in a folder made for it",
    "certbot": "needs a public name",
    "chmod": "it changes the machine",
    "chown": "it changes the machine",
    "claude": "needs an account",
    "conda": "`environment.yml` has a test of its own",
    "cp": "it changes the machine",
    "createdb": "needs a PostgreSQL server",
    "docker": "needs a daemon",
    "echo": "its words are the next command's input",
    "export": "the settings are made for each document",
    "git": "it changes the checkout",
    "install": "it changes the machine",
    "journalctl": "needs systemd",
    "jupyter": "runs until it is stopped",
    "ls": "it looks at the reader's folder",
    "mkdir": "it changes the machine",
    "nginx": "needs a public name",
    "openssl": "it makes what the reader keeps",
    "pg_dump": "needs a PostgreSQL server",
    "pip": "installing needs the network",
    "psql": "needs a PostgreSQL server",
    "python": "named by what it runs, which has its own test",
    "rsync": "needs another machine",
    "ssh": "needs another machine",
    "systemctl": "needs systemd",
    "systemd-run": "needs systemd",
    "tar": "it changes the machine",
    "useradd": "it changes the machine",
    "uv": "installing needs the network",
}
# Commands of ours that are only parsed, and why.
NOT_RUN: Mapping[str, str] = {
    "agnes serve": "runs until it is stopped; tests/test_end_to_end.py starts it",
    "agnes demo": "runs until it is stopped; tests/test_newcomer.py starts it",
    "agnes lab": "runs until it is stopped; tests/console/cli/test_cli_lab.py starts it",
    "agnes init": "opens the data folder; tests/console/cli/test_cli_server.py",
    "agnes migrate": "opens the data folder; tests/console/cli/test_cli_server.py",
    "agnes seed": "opens the data folder; tests/console/cli/test_cli_seed.py",
    "agnes backup": "opens the data folder; tests/console/backups",
    "agnes restore": "opens the data folder; tests/console/backups",
    "agnes login": "asks for a password; tests/console/cli/test_cli_login.py",
    "agnes logout": "ends what the next command needs",
    "agnes doctor": "looks at this machine; tests/console/cli/test_cli_server.py",
    "agnes jobs run": "starts a kernel; tests/console/cli/test_jobs_cli.py",
    "agnes admin scripts run": "starts a kernel; tests/console/jobs",
    "agnes admin ask": "needs a model's key; tests/console/cli/test_cli_ask.py",
    "agnes admin telegram": "needs a bot; tests/console/cli/test_cli_telegram.py",
}


@dataclass(frozen=True)
class Line:
    """One command of a document. `words` are its own, without sudo, settings and redirections."""

    file: str
    number: int
    text: str
    words: tuple[str, ...]
    given: str = ""  # its standard input
    is_named: bool = False  # in a sentence: only looked up

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}: {self.text}"

    @property
    def program(self) -> str:
        return Path(self.words[0]).name


def documents() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if str(path.relative_to(ROOT)) not in GENERATED]


@cache
def lines(path: Path) -> tuple[Line, ...]:
    """The commands of a document, in its order."""
    return tuple(
        one
        for number, text, shell in _texts(path.read_text(encoding="utf-8"))
        for one in _commands(str(path.relative_to(ROOT)), number, text, shell)
    )


def _texts(document: str) -> Iterator[tuple[int, str, str]]:
    """Line number, text, and the language it stands in: a shell, "" for none, "`" in a sentence."""
    fence: str | None = None
    held, begun = "", 0
    for number, raw in enumerate(document.splitlines(), 1):
        mark = re.match(r"\s*(?:```|~~~)\s*([\w-]*)", raw)
        if mark:
            fence = mark[1] if fence is None else None
            continue
        if fence is None and not raw.startswith("    "):
            for found in re.findall(r"(?<!`)`((?:agnes|make) [^`]+)`", raw):
                yield number, found, "`"
            continue
        text, begun = held + raw.strip(), begun or number
        if text.endswith("\\"):
            held = text[:-1] + " "
            continue
        yield begun, text, fence or ""
        held, begun = "", 0


def _commands(file: str, number: int, text: str, shell: str) -> Iterator[Line]:
    if shell not in ("", "`", *SHELLS):
        return
    text = text.removeprefix("$ ")
    if shell == "`":
        yield Line(file, number, text, tuple(_plain(text)), is_named=True)
        return
    first = _first(text)
    if not text or text.startswith("#") or (shell == "" and first not in _known()):
        return
    given = ""
    for part in _split(text):
        words, file_given = _bare(part)
        if words:
            yield Line(file, number, text, tuple(words), given=file_given or given)
            given = " ".join(words[1:]) + "\n" if words[0] == "echo" else ""


def _known() -> set[str]:
    return {"agnes", "make", "curl", "sudo", *OUTSIDE}


def _first(text: str) -> str:
    words = [word for word in text.split() if "=" not in word]
    return Path(words[0]).name if words else ""


def _plain(text: str) -> list[str]:
    """The words of a command in a sentence, up to what is left out there."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    ends = [at for at, word in enumerate(words) if "…" in word or word in ("...", "|")]
    return words[: ends[0]] if ends else words


def _split(text: str) -> Iterator[list[str]]:
    """The commands of a line: of a pipe, or one after the other."""
    reader = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    reader.commenters = "#"
    part: list[str] = []
    for word in reader:
        if word in ("|", "&&", ";", "||", "&"):
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _bare(part: list[str]) -> tuple[list[str], str]:
    """Without redirections, `sudo` and settings; and what a file gives it to read."""
    words, given, at = [], "", 0
    while at < len(part):
        if part[at] in ("<", ">", ">>"):
            given = "a long password\n" if part[at] == "<" else given
            at += 2
        else:
            words.append(part[at])
            at += 1
    if words[:1] == ["sudo"]:
        words = words[3:] if words[1:2] == ["-u"] else words[1:]
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words, given


# -- what a command of ours says


def called(words: tuple[str, ...]) -> tuple[Told, list[str]]:
    """The command that `words` call, and the rest. Raises LookupError with what is there."""
    words = ("agnes", *words[1:])
    found = [one for one in commands() if words[: len(one.words)] == one.words]
    if found:
        best = max(found, key=lambda one: len(one.words))
        return best, list(words[len(best.words) :])
    group = _group(words)
    if group is None:
        near = [one.name for one in commands() if one.words[1:2] == words[1:2]]
        raise LookupError(f"no such command; there are: {', '.join(near) or 'see agnes --help'}")
    first = next(one for one in commands() if one.words == (*group, _first_of(group)))
    return first, list(words[len(group) :])


def _group(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """The noun that is called without a verb: its first command is meant."""
    for length in range(len(words), 1, -1):
        noun = words[:length]
        if any(one.words[:length] == noun for one in commands()):
            rest = words[length:]
            return noun if not rest or rest[0].startswith("-") else None
    return None


def _first_of(group: tuple[str, ...]) -> str:
    below = [one.words[len(group)] for one in commands() if one.words[: len(group)] == group]
    command: Any = get_command(app)
    for word in group[1:]:
        _, command, _ = command.resolve_command(commands()[0].context.find_root(), [word])
    return str(getattr(command, "first", below[0]))


def parsed(line: Line) -> Told:
    """Raises an error of Typer's, or LookupError, for what the command does not take."""
    command, rest = called(line.words)
    fresh = command.command.make_context
    if line.is_named:
        fresh(command.words[-1], list(rest), parent=command.context.parent, resilient_parsing=True)
        unknown = [
            word.partition("=")[0]
            for word in rest
            if word.startswith("-") and word.partition("=")[0] not in _options(command)
        ]
        if unknown:
            raise LookupError(f"no such option: {', '.join(unknown)}")
    else:
        fresh(command.words[-1], list(rest), parent=command.context.parent)
    return command


def _options(command: Told) -> set[str]:
    known = {name for one in command.options for name in (*one.opts, *one.secondary_opts)}
    return {*known, "--help", "-h"}


def why_not_run(line: Line) -> str | None:
    """The reason why a line of ours is only parsed."""
    text = " ".join(("agnes", *line.words[1:]))
    return next((why for name, why in NOT_RUN.items() if f"{text} ".startswith(f"{name} ")), None)


def with_real(line: Line, values: Mapping[str, str]) -> Line:
    """With the values of a place in the stead of those that documents make up."""
    words = list(line.words)
    for at, word in enumerate(words):
        for pattern, value in values.items():
            word = re.sub(pattern, value.replace("\\", r"\\"), word)
        words[at] = word
    return replace(line, words=tuple(words))
