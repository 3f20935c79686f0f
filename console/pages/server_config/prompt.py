"""One of the two prompts: its text, whom it is shown for, what differs from the default."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console import prompts
from console.audit import Caller, now
from console.identity.gate import load_principal
from console.identity.lookup import Row
from console.identity.people import Person
from console.identity.rights import ADMIN
from console.instance import Instance
from console.pages.activity.lines import Lines, folded
from console.pages.parts import Part, PartsPage
from console.pages.server_config import history
from console.pages.server_config.reading import Reading
from console.pages.server_config.state import PromptState
from console.prompts import PROMPTS, VARIABLES, Prompt
from schema.errors import AgnesError, NotFound, shorten

READ = "access.read"
_PEOPLE = 500  # that can be chosen; with more the address takes an id


@dataclass(frozen=True)
class Written:
    """The editor: `row` as the API has it; `diff`: against the default, None for the default."""

    row: Row
    by: str
    diff: Lines | None
    variables: Any
    longest: int


@dataclass(frozen=True)
class Tried:
    """`text` for `person`, or why there is none (`error`)."""

    person: Person | None
    people: Sequence[Person]
    text: str = ""
    error: AgnesError | None = None


def of(reading: Reading) -> Prompt:
    return PROMPTS[reading.about.removeprefix("template:")]


def written(reading: Reading) -> Written:
    row = prompts.read(reading.instance, of(reading))
    diff = None if row["is_default"] else folded(row["default"], row["body"])
    by = reading.person(row["updated_by"])
    return Written(row, by, diff, VARIABLES, prompts.LONGEST)


def tried(reading: Reading) -> Tried:
    """Raises NotFound for somebody who is not there."""
    instance, me = reading.instance, reading.caller.me
    everybody = instance.people.all()
    people = sorted((one for one in everybody.values() if one.is_active), key=lambda one: one.email)
    wanted = reading.state.as_user or me.user_id
    seen = me if wanted == me.user_id else load_principal(instance.store, wanted, me.kind)
    if seen is None:
        raise NotFound(f"no active user {shorten(wanted)}", detail="Choose one of the list.")
    person = everybody.get(wanted)
    try:
        text = prompts.told(instance, of(reading), seen)["text"]
    except AgnesError as error:
        return Tried(person, people[:_PEOPLE], error=error)
    return Tried(person, people[:_PEOPLE], text)


PARTS: tuple[Part[Reading], ...] = (
    Part("written", written),
    Part("tried", tried),
    Part("history", history.read),
)


class PromptPage(PartsPage[Reading]):
    """`/admin/agent-prompt`, `/admin/workspace-prompt`."""

    section: str | None = "Agent Experience"
    right = ADMIN
    template = "prompt.html"
    folder = "server_config"
    parts = PARTS
    styles: Sequence[str] = (
        "activity/panel.css",
        "activity/tabs.css",
        "server_config/server_config.css",
    )
    scripts: Sequence[str] = ("parts/forms.js", "server_config/prompt.js")

    def __init__(self, prompt: Prompt, shortcut: str) -> None:
        self.path, self.title, self.about = prompt.path, prompt.title, prompt.about
        self.shortcut, self.prompt = shortcut, prompt

    def begun(self, instance: Instance, caller: Caller, *, beat: bool) -> Reading:
        about = f"template:{self.prompt.name}"
        return Reading(instance, caller, PromptState(), now(), about=about, beat=beat)

    def stated(self, reading: Reading, query: str) -> Reading:
        return replace(reading, state=PromptState.of(query))

    def noted(self, reading: Reading) -> Sequence[Awaitable[Any]]:
        given = {"endpoint": self.prompt.path, **reading.state.asks}
        return (reading.instance.was_read(reading.caller, READ, given),)


def prompt_pages() -> tuple[PromptPage, ...]:
    return PromptPage(PROMPTS["agent"], "g i"), PromptPage(PROMPTS["workspace"], "g w")
