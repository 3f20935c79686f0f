"""What the reader of somebody's page has chosen. All of it lives in the URL."""

from __future__ import annotations

from typing import ClassVar

from console.pages.state import ListState
from console.session_filter import FILTERS

NEWEST = "uploaded_at:desc"
MONTH = "43200"  # minutes: what is looked at without a word


class PersonState(ListState):
    """The filter of the sessions page, without whose sessions they are."""

    filters = tuple(name for name in FILTERS if name not in ("user_id", "username"))


class UserState(PersonState):
    tabs: ClassVar = ("sessions", "activity")


class MyState(PersonState):
    tabs: ClassVar = ("sessions", "looks")
