"""A whole server under the commands: what they ask is answered by the console itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.console.access_world import World

As = Callable[[str], None]


@contextmanager
def signed_in(world: World) -> Iterator[As]:
    """Says who the commands are from now on, by a user's id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGNES_SERVER", world.address)

        def become(user: str) -> None:
            patch.setenv("AGNES_TOKEN", world.token(user))

        become(world.admin_id)
        yield become
