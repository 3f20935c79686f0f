"""Folders below a root, entered without following links: what a user names can only lie inside.

Each name is opened relative to the folder before it, so that a folder which is swapped for a link
in between is refused too.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from schema.errors import AgnesError, shorten

_PRIVATE = 0o700
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextlib.contextmanager
def entered(root: Path, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """A descriptor of `root/names…`, open for the time of the block.

    With `create` missing folders are made, for their owner only, and are on disk before the block
    runs. `root` itself may be a link: where it lies is the operator's choice. Raises
    FileNotFoundError for a missing folder, AgnesError for a link or a file in a folder's place.
    """
    if create and not root.is_dir():
        root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    folder = os.open(root, _FOLDER)
    try:
        for name in names:
            deeper = _enter(folder, name, create=create)
            os.close(folder)
            folder = deeper
        yield folder
    finally:
        os.close(folder)


def _enter(folder: int, name: str, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise AgnesError(
                f"{shorten(name)} in the folder of transcripts is not a folder",
                detail="Links are not followed there. Move it away, then try again.",
            ) from None
        raise
    with contextlib.suppress(FileExistsError):  # two uploads at once may make the same folder
        os.mkdir(name, _PRIVATE, dir_fd=folder)
        os.fsync(folder)
    return _enter(folder, name, create=False)
