"""Which transcripts a push sends, in which order and under which name. Reads folders, never files.

A subagent's transcript lies beside its session: `<session>.jsonl` and
`<session>/subagents/agent-<id>.jsonl`. It belongs to that session, and is sent after it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LEGAL = re.compile(r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,190}\.jsonl(\.gz)?\Z")
LONGEST = 191  # characters of a name before its ending
ENDINGS = (".jsonl.gz", ".jsonl")
OUTSIDE = "a link that leads outside the folder"
SUBAGENT = re.compile(r"agent-.*\.jsonl(\.gz)?\Z")


@dataclass(frozen=True)
class Transcript:
    """One file to send. `parent` is the session it belongs to, if it is a subagent's."""

    path: Path
    parent: Path | None = None


@dataclass(frozen=True)
class Upload:
    """A transcript and the name it is sent under."""

    transcript: Transcript
    name: str

    @property
    def renamed(self) -> bool:
        return self.name != self.transcript.path.name


@dataclass(frozen=True)
class Passed:
    """A path that is not sent, and why. `asked` when the person named it: then it is a failure."""

    path: Path
    why: str
    asked: bool = False


def projects() -> Path:
    """The folder of all transcripts on this machine, whether or not it exists."""
    if named := os.environ.get("AGNES_TRANSCRIPTS"):
        return Path(named).expanduser()
    home = Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser()
    return home / "projects"


def workspace(*, every: bool) -> Path:
    """The folder of the working folder's transcripts, or of all; AGNES_TRANSCRIPTS names both."""
    if every or os.environ.get("AGNES_TRANSCRIPTS"):
        return projects()
    # Claude Code's own rule for the name of a project's folder.
    return projects() / re.sub(r"[^A-Za-z0-9]", "-", str(Path.cwd()))


def find(paths: Sequence[Path]) -> tuple[list[Transcript], list[Passed]]:
    """Transcripts among `paths` and below the folders of them, each file once, sessions first."""
    found: dict[str, Transcript] = {}
    passed: list[Passed] = []
    for path in paths:
        for each in _below(path) if os.path.isdir(path) else _named(path):
            if isinstance(each, Passed):
                passed.append(each)
            else:
                found.setdefault(os.path.realpath(each.path), each)
    return sorted(found.values(), key=lambda each: each.parent is not None), passed


def named(transcripts: Sequence[Transcript]) -> list[Upload]:
    """Each transcript with a name the server takes, no two of them the same below one session."""
    taken: set[tuple[Path | None, str]] = set()
    uploads = []
    for transcript in transcripts:
        name, origin = legal_name(transcript.path.name), os.path.abspath(transcript.path)
        while (transcript.parent, stored(name)) in taken:
            name = _marked(name, origin)
            origin += "+"  # only where two marks of eight digits agree
        taken.add((transcript.parent, stored(name)))
        uploads.append(Upload(transcript, name))
    return uploads


def legal_name(name: str) -> str:
    """`name` as the server takes it: unchanged if it may stay, else marked by a hash of itself."""
    ending = next((each for each in ENDINGS if name.endswith(each)), "")
    stem = name.removesuffix(ending)
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", stem)
    # No name begins or ends with a dot, and two dots never stand together.
    clean = re.sub(r"\.\.+|\A\.|\.\Z", lambda dots: "_" * len(dots[0]), clean)
    legal = (clean or "_") + (ending or ".jsonl")
    changed = legal != name or len(clean) > LONGEST
    return _marked(legal, name) if changed else name


def stored(name: str) -> str:
    """The name a file has on the server, which unpacks what it gets."""
    return name.removesuffix(".gz")


def session_of(path: Path) -> str:
    """The id of the session that `path` is the transcript of, or of a subagent of."""
    folder = path.absolute().parent
    name = folder.parent.name if folder.name == "subagents" else path.name
    return name.removesuffix(".gz").removesuffix(".jsonl")


def _marked(name: str, origin: str) -> str:
    """`name` with eight digits before its ending that tell `origin` from all others."""
    ending = next(each for each in ENDINGS if name.endswith(each))
    # A name need not be valid text; `surrogatepass` takes whatever a file system hands out.
    digest = hashlib.sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name.removesuffix(ending)[: LONGEST - 9]}-{digest}{ending}"


def _named(path: Path) -> Iterator[Transcript | Passed]:
    """A path that a person gave, which is no folder."""
    if not os.path.lexists(path):
        yield Passed(path, "no such file or folder", asked=True)
    elif not path.name.endswith(ENDINGS):
        why = "not a transcript: its name must end with .jsonl or .jsonl.gz"
        yield Passed(path, why, asked=True)
    elif not os.path.isfile(path):
        yield Passed(path, "not a file that can be read", asked=True)
    else:
        yield _transcript(path)


def _below(folder: Path) -> Iterator[Transcript | Passed]:
    """Everything below `folder`, in the order of names. Links that lead outside are passed over."""
    root = os.path.realpath(folder)
    unread: list[Passed] = []

    def unreadable(error: OSError) -> None:
        unread.append(Passed(Path(str(error.filename)), error.strerror or "unreadable", asked=True))

    for at, folders, files in os.walk(folder, onerror=unreadable):
        folders.sort()
        # A linked folder is never walked into: one that stays inside is met anyway.
        links = [Path(at, name) for name in folders if Path(at, name).is_symlink()]
        yield from (Passed(link, OUTSIDE) for link in links if not _inside(link, root))
        for path in (Path(at, name) for name in sorted(files) if name.endswith(ENDINGS)):
            if not _inside(path, root):
                yield Passed(path, OUTSIDE)
            elif os.path.isfile(path):
                yield _transcript(path)
            elif not os.access(at, os.X_OK):
                yield Passed(path, "its folder may not be entered", asked=True)
    yield from unread


def _inside(path: Path, root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _transcript(path: Path) -> Transcript:
    folder = path.absolute().parent
    if folder.name != "subagents" or not SUBAGENT.match(path.name):
        return Transcript(path)
    session = folder.parent
    beside = [session.with_name(session.name + ending) for ending in (".jsonl", ".jsonl.gz")]
    return Transcript(path, parent=next((each for each in beside if each.is_file()), beside[0]))
