"""`/admin/activity/notebook` and `/me/notebook`: what the page shows as a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

from console import activity
from console.as_command import held
from console.as_notebook import notebook
from console.audit import now
from console.handler import Handler
from console.identity.people import Person
from console.identity.rights import ACTIVITY, SIGNED_IN, Right
from console.pages.render import error_page
from console.queries.audit_grammar import PARAMETERS, ask
from schema.errors import AgnesError


class ActivityNotebook(Handler):
    """The page's own parameters. It holds the question, no row: whoever runs it asks as
    themselves."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": ACTIVITY}
    actions: ClassVar[Mapping[str, str]] = {"GET": activity.READ}
    own = False

    async def get(self) -> None:
        given = self.query(PARAMETERS)
        content = await self.instance.store.offload(partial(self._made, given))
        await activity.was_read(self.instance, self.caller, "notebook", given)
        stamp = now().strftime("%Y%m%d-%H%M%S")
        self.set_header("Content-Type", "application/x-ipynb+json")
        self.set_header("Content-Disposition", f'attachment; filename="agnes-audit-{stamp}.ipynb"')
        self.finish(content)

    def _made(self, given: Mapping[str, str]) -> bytes:
        asked = ask(given, now=now(), resolve=self._named)
        params = held(given, asked)
        scheme = "https" if self.instance.gate.is_tls(self.request) else "http"
        return notebook(
            asked.filter,
            params,
            own=self.own,
            server=f"{scheme}://{self.request.host}",
            path=self.request.path.removesuffix("/notebook"),
            names={one.id: one.label for one in self._people()},
            seconds=activity.bucket_seconds(asked.filter),
        )

    def _named(self, text: str) -> tuple[str, ...]:
        return self.instance.people.named(text)

    def _people(self) -> Iterable[Person]:
        return self.instance.people.all().values()

    def show_error(self, error: AgnesError) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(error_page(error, self.caller.principal))


class MyNotebook(ActivityNotebook):
    rights: ClassVar[Mapping[str, Right]] = {"GET": SIGNED_IN}
    own = True

    def _named(self, text: str) -> tuple[str, ...]:
        """Myself, or nobody: the notebook holds these ids, and who else is here is no affair of
        its reader's. The rows are theirs anyway, so it means the same."""
        me = self.caller.me.user_id
        return (me,) if me in super()._named(text) else (text,)

    def _people(self) -> Iterable[Person]:
        return ()


ROUTES = [(r"/admin/activity/notebook", ActivityNotebook), (r"/me/notebook", MyNotebook)]
