"""Names of uploaded transcripts: which are taken, and where each belongs.

`session_file` is the key of a transcript everywhere, and its path below `sessions/` in the data
folder: `<user id>/<name>.jsonl`, for a subagent `<user id>/<session>/subagents/agent-<id>.jsonl`.
Nothing here touches a disk.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from schema.errors import BadParameter, NotFound, shorten

FOLDER = "sessions"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,190}\.jsonl(\.gz)?\Z")
_ALLOWED = (
    "use letters, digits, `.`, `_` and `-`, no dot at the beginning, no `..`,"
    " and at most 191 of them before `.jsonl` or `.jsonl.gz`"
)


@dataclass(frozen=True)
class Target:
    """Where one transcript belongs. `parent` is the session a subagent's transcript is part of."""

    session_file: str
    parent: str | None = None

    @property
    def user_id(self) -> str:
        return self.session_file.partition("/")[0]

    @property
    def filename(self) -> str:
        return self.session_file.rpartition("/")[2]

    @property
    def folders(self) -> list[str]:
        """The names of the folders on the way to the file, below `sessions/`."""
        return self.session_file.split("/")[:-1]


def stored_name(filename: str) -> tuple[str, bool]:
    """A file name as it was sent -> the name it is kept under, and whether its bytes are gzip.
    Raises BadParameter."""
    if not _is_name(filename):
        raise BadParameter("filename", filename, _ALLOWED)
    return filename.removesuffix(".gz"), filename.endswith(".gz")


def target(user_id: str, filename: str, parent: str | None = None) -> Target:
    """Where a file of this name belongs; `parent` is given as `<user id>/<name>.jsonl` or
    `<name>.jsonl`. Raises BadParameter for a bad name, NotFound for somebody else's parent. Whether
    the parent was uploaded is not known here."""
    if not is_user_id(user_id):
        raise ValueError(f"not the id of a user: {user_id!r}")
    name, _ = stored_name(filename)
    if parent is None:
        return Target(f"{user_id}/{name}")
    owner, slash, session = parent.rpartition("/")
    named = _is_name(session) and not session.endswith(".gz")
    if not named or (slash and not is_user_id(owner)):
        raise BadParameter("parent", parent, "give the session_file of the session it belongs to")
    folder = session.removesuffix(".jsonl")
    if folder.endswith(".jsonl"):  # a folder of that name would take the place of another session
        raise BadParameter("parent", parent, "a name that ends in .jsonl.jsonl has no subagents")
    if not name.startswith("agent-"):
        raise BadParameter(
            "filename", filename, "the transcript of a subagent is named agent-<id>.jsonl"
        )
    if slash and owner != user_id:
        raise unknown_parent(parent)
    return Target(f"{user_id}/{folder}/subagents/{name}", f"{user_id}/{session}")


def unknown_parent(parent: str) -> NotFound:
    return NotFound(
        f"parent={shorten(parent)} is no session that you have uploaded",
        detail="Upload the session first, then the transcripts of its subagents.",
    )


def is_user_id(text: str) -> bool:
    """True for a UUID in its usual form: the only names a user's folder can have."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _is_name(text: str) -> bool:
    return _NAME.match(text) is not None and ".." not in text
