"""The server as its operators see it: what runs, what waits, what it takes up, what is slow.

`samples` remembers some figures over time, `machine` looks at processes and folders, `facts` puts
everything into one answer. It only reads; what is wrong with it says `console.doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from console.health.machine import Sizes
from console.health.samples import Samples


def _nobody() -> tuple[int, int]:
    return 0, 0


@dataclass
class Health:
    """What a server remembers about itself. `open_pages`: how many pages are open in browsers, and
    how many of them have their websocket; whoever makes the server says how to know."""

    samples: Samples = field(default_factory=Samples)
    sizes: Sizes = field(default_factory=Sizes)
    open_pages: Callable[[], tuple[int, int]] = _nobody
    origins: Callable[[], Collection[str]] = tuple  # host:port from which websockets are taken
