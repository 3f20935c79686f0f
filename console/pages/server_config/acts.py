"""What the forms of `/admin/server-config` and of the two prompts do, with scripts and without.

What happens is decided by `console.configured`, `console.prompts` and `console.changes.rollback`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from console import configured, prompts
from console.audit import cut
from console.changes.rollback import rollback
from console.handler import text_of
from console.identity.gate import load_principal
from console.identity.rights import ADMIN, Right
from console.pages.act import Act
from console.pages.activity.lines import folded
from console.pages.render import render
from console.pages.server_config.state import ConfigState
from console.prompts import PROMPTS, Moved, Prompt
from console.reveal import LONGEST
from schema.errors import AgnesError, BadParameter, BadRequest, NotFound, shorten

CONFIG = "/admin/server-config"


class _Form(Act):
    """A form whose button says what is done: one of `acts`, each with the action it writes."""

    rights: ClassVar[Mapping[str, Right]] = {"POST": ADMIN}
    acts: ClassVar[Mapping[str, str]] = {}
    fields: ClassVar[tuple[str, ...]] = ()
    given: dict[str, str]

    async def prepare(self) -> None:
        self.given = {}
        for name, texts in self.request.body_arguments.items():
            if len(texts) > 1:
                raise BadParameter(name, f"{len(texts)} values", "give it once")
            self.given[name] = text_of(name, texts[0])
        act = next((name for name in self.acts if self.given.get(name)), None)
        if act is not None:
            self.refused_as(self.acts[act])
            self.about = cut(self.resource(act), 80)
        await super().prepare()

    def resource(self, act: str) -> str:
        raise NotImplementedError

    def asked(self) -> str:
        """The one thing that is to be done. Raises BadRequest, BadParameter."""
        for name in self.given:
            if name not in ("_xsrf", *self.fields, *self.acts):
                raise BadParameter.unknown(name, (*self.fields, *self.acts), what="field")
        match [name for name in self.acts if self.given.get(name)]:
            case [act]:
                return act
        raise BadRequest("the form asks for nothing", detail=f"Give one of {', '.join(self.acts)}.")

    async def undo(self) -> None:
        reason = self.given.get("reason", "").strip()
        if len(reason) > LONGEST:
            raise BadParameter("reason", reason, f"at most {LONGEST} characters")
        step = rollback(self.caller, self.given["undo"], reason=reason or None)
        await self.instance.store.awrite(step)

    def done(self, text: str, to: str) -> None:
        if self.is_live:
            self.answer(self.said(text))
        else:
            self.lead(to)


class ConfigActs(_Form):
    """`set` and `unset` name a setting; `undo` names a change."""

    acts: ClassVar[Mapping[str, str]] = {
        "set": "instance_config.update",
        "unset": "instance_config.update",
        "undo": "audit.rollback",
    }
    fields = ("value", "reason")

    def resource(self, act: str) -> str:
        return f"event:{self.given[act]}" if act == "undo" else f"config:{self.given[act]}"

    async def post(self) -> None:
        act = self.asked()
        if act == "undo":
            await self.undo()
            self.done("The change was undone.", CONFIG)
            return
        key = self.given[act]
        value = self.given.get("value", "") if act == "set" else None
        step = configured.change(self.instance.settings, self.caller, {key: value})
        changed = await self.instance.store.awrite(step)
        name = configured.named(key)
        now = self.instance.settings.standing(key).text or "empty"
        text = f"{name} is {now}." if changed else f"{name} was {now} already."
        self.done(text, CONFIG + ConfigState().at(key))


class PromptActs(_Form):
    """`save` keeps the text of `body` while `version` is the newest, `over` instead of the version
    that it names, `default` takes the default again, `preview` saves nothing."""

    acts: ClassVar[Mapping[str, str]] = {
        "over": "instance_templates.set",
        "save": "instance_templates.set",
        "default": "instance_templates.set",
        "preview": "access.read",
        "undo": "audit.rollback",
    }
    fields = ("body", "version", "as_user", "reason")

    def resource(self, act: str) -> str:
        return f"event:{self.given[act]}" if act == "undo" else f"template:{self.path_args[0]}"

    @property
    def prompt(self) -> Prompt:
        """The one whose page it is: `agent` of `/admin/agent-prompt`."""
        return prompts.named(self.path_args[0])

    async def post(self, name: str) -> None:
        act = self.asked()
        does: dict[str, Callable[[], Awaitable[None]]] = {
            "over": self._save,
            "save": self._save,
            "default": self._default,
            "preview": self._preview,
            "undo": self._undo,
        }
        await does[act]()

    async def _save(self) -> None:
        body = self.given.get("body", "")
        seen = self.given.get("over") or self.given.get("version") or None
        row = await self._written(body, seen)
        same = " It is the default." if row["is_default"] else ""
        self.done(f"The {self.prompt.title.lower()} was saved.{same}", self.prompt.path)

    async def _default(self) -> None:
        await self._written(None, self.given.get("version") or None)
        self.done(f"The {self.prompt.title.lower()} is the default again.", self.prompt.path)

    async def _undo(self) -> None:
        await self.undo()
        self.done("The change was undone.", self.prompt.path)

    async def _written(self, body: str | None, seen: str | None) -> Any:
        instance, prompt = self.instance, self.prompt

        def made() -> Any:
            return prompts.save(instance, self.caller, prompt, body, seen=seen)

        return await instance.store.awrite(await instance.store.offload(made))

    async def _preview(self) -> None:
        store, user = self.instance.store, self.given.get("as_user") or self.caller.me.user_id
        me = await store.offload(load_principal, store, user, self.caller.me.kind)
        if me is None:
            raise NotFound(f"no active user {shorten(user)}", detail="Choose one of the list.")
        body = self.given.get("body", "")
        row = await store.offload(prompts.told, self.instance, self.prompt, me, body)
        params = {"endpoint": self.request.path, "user_id": user}
        await self.instance.was_read(self.caller, "access.read", params)
        self._show("server_config/preview.html", text=row["text"], person=me)

    def show_error(self, error: AgnesError) -> None:
        if not isinstance(error, Moved):
            super().show_error(error)
            return
        current, yours = error.more["current"], error.more["yours"] or self.prompt.default
        assert isinstance(current, dict)
        by = self.instance.people.get(current["updated_by"])
        self._show(
            "server_config/conflict.html",
            error=error,
            current=current,
            yours=yours,
            by=by.label if by else "somebody",
            lines=folded(current["body"], yours),
        )

    def _show(self, template: str, **found: Any) -> None:
        """A part of the page, or a page of its own where no script puts it in its place."""
        name = template if self.is_live else "server_config/alone.html"
        xsrf = "" if self.is_live else self.xsrf_token.decode()
        action = self.request.path
        common = {"part": template, "prompt": self.prompt, "xsrf": xsrf, "action": action}
        self.answer(render(name, **common, **found))


_NAMES = "|".join(PROMPTS)
ROUTES: list[Any] = [
    (rf"{CONFIG}/act", ConfigActs),
    (rf"/admin/({_NAMES})-prompt/act", PromptActs),
]
