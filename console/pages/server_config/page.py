"""The settings: what the page's parts are, and what its address asks of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from console import configured
from console.audit import Caller, now
from console.configured import Row
from console.identity.rights import ADMIN
from console.instance import Instance
from console.live import ENVIRONMENT, INSTANCE
from console.pages.parts import Part, PartsPage
from console.pages.server_config import history
from console.pages.server_config.reading import Reading
from console.pages.server_config.state import ConfigState
from console.setting import flag
from console.settings import SETTINGS

READ = "access.read"
_FLAGS = frozenset(one.name for one in SETTINGS if one.parse is flag)


@dataclass(frozen=True)
class Listed:
    """`sections`: title and settings of each; `counts`: how many each tab has; `one`: the setting
    that is open, by its key."""

    sections: Sequence[tuple[str, Sequence[Row]]]
    counts: dict[str, int]
    one: Row | None

    @property
    def shown(self) -> int:
        return sum(len(rows) for _, rows in self.sections)


def read(reading: Reading) -> Listed:
    state: ConfigState = reading.state
    rows = [
        {**row, "flag": row["key"] in _FLAGS, "by": reading.person(row["updated_by"])}
        for row in configured.of(reading.instance.store, reading.instance.settings)
    ]
    words = state.q.casefold()
    found = [row for row in rows if words in f"{row['key']} {row['name']} {row['help']}".casefold()]
    tabs = {
        "all": found,
        "live": [row for row in found if row["live"]],
        "instance": [row for row in found if row["source"] == INSTANCE or row["refused"]],
        "environment": [row for row in found if row["source"] == ENVIRONMENT],
    }
    one = next((row for row in rows if row["key"] == state.setting), None)
    near = rows if one else tabs[state.tab]  # beside the one that is open, those of its section
    shown = groupby(near, key=lambda row: str(row["section"]))
    sections = [(title, list(group)) for title, group in shown]
    return Listed(
        sections=[each for each in sections if one is None or each[0] == one["section"]],
        counts={name: len(some) for name, some in tabs.items()},
        one=one,
    )


PARTS: tuple[Part[Reading], ...] = (
    Part("filters", lambda reading: True, alone=True),
    Part("listed", read),
    Part("history", history.read),
)


class ConfigPage(PartsPage[Reading]):
    """`/admin/server-config`. Reads what `/api/admin/config` reads."""

    path = "/admin/server-config"
    title = "Server config"
    about = "settings, and where each value comes from"
    section: str | None = "Server"
    shortcut = "g v"
    right = ADMIN
    template = "server-config.html"
    folder = "server_config"
    parts = PARTS
    styles: Sequence[str] = (
        "activity/panel.css",
        "activity/tabs.css",
        "server_config/server_config.css",
    )
    scripts: Sequence[str] = ("parts/forms.js", "server_config/server_config.js")

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        return Reading(instance, caller, ConfigState(), now(), beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        """A setting that is no more still has its history."""
        state = ConfigState.of(query)
        return replace(reading, state=state, about=f"config:{state.setting}" * bool(state.setting))

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        given = {"endpoint": "server-config", **reading.state.asks}
        return (reading.instance.was_read(reading.caller, READ, given),)
