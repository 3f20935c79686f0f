"""The plain handlers beside the documents: the start page's redirect and our static files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from console.handler import Handler, Unknown
from console.identity.rights import ACTIVITY, PUBLIC, Right, may
from console.pages import (
    activity_acts,
    activity_notebook,
    health,
    moved,
    notices,
    oidc,
    sign_in,
    view_acts,
    view_as,
)
from console.pages.access import acts as access_acts
from console.pages.feedback import acts as feedback_acts
from console.pages.feedback import own_acts
from console.pages.jobs import acts as job_acts
from console.pages.marketplace import acts as market_acts
from console.pages.render import STATIC, error_page, of_joined
from console.pages.replay import fragments, reason
from console.pages.server_config import acts as config_acts
from console.pages.tables import acts as table_acts
from console.pages.telemetry import ask
from schema.errors import AgnesError

FOR_EVER = "public, max-age=31536000, immutable"


class Home(Handler):
    """`/`: to the audit log for those who may open it, to `/me` for all others, to sign in for
    strangers."""

    rights: ClassVar[Mapping[str, Right]] = {"GET": PUBLIC}

    def get(self) -> None:
        who = self.caller.principal
        if who is None:
            self.redirect("/login?next=" + quote("/"))
        else:
            self.redirect("/admin/activity" if may(who, ACTIVITY) else "/me")


class NoSuchPage(Unknown):
    """Every address that nobody serves: JSON for the API, a page for people."""

    async def prepare(self) -> None:
        self.caller = await self.instance.gate.caller(self.request)
        await super().prepare()

    def show_error(self, error: AgnesError) -> None:
        if self.request.path.startswith("/api/"):
            super().show_error(error)
        else:
            self.finish(error_page(error, self.caller.principal))


class Joined(RequestHandler):
    """Several scripts of ours as one file. Their version is in the address."""

    right = PUBLIC

    def get(self, name: str) -> None:
        text = of_joined(name)
        if text is None:  # no page has asked for it since the start: such a page is loaded anew
            raise HTTPError(404)
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", FOR_EVER)
        self.finish(text)


class Assets(StaticFileHandler):
    """Files of ours. Their version is in the address, so browsers keep them."""

    right = PUBLIC

    def set_extra_headers(self, path: str) -> None:
        if self.get_argument("v", ""):
            self.set_header("Cache-Control", FOR_EVER)
        self.set_header("X-Content-Type-Options", "nosniff")


# Panel serves /components/<module>/… by importing any module that a stranger names, and an import
# may end the process. No page of ours needs it.
ROUTES = [
    (r"/", Home),
    (r"/components/.*", NoSuchPage),
    *moved.ROUTES,
    *sign_in.ROUTES,
    *oidc.ROUTES,
    *view_as.ROUTES,
    *job_acts.ROUTES,
    *health.ROUTES,
    *view_acts.ROUTES,
    *activity_acts.ROUTES,
    *activity_notebook.ROUTES,
    *ask.ROUTES,
    *table_acts.ROUTES,
    *config_acts.ROUTES,
    *market_acts.ROUTES,
    *access_acts.ROUTES,
    *reason.ROUTES,
    *fragments.ROUTES,
    *feedback_acts.ROUTES,
    *own_acts.ROUTES,
    *notices.ROUTES,
]
JOINED = (r"/assets/joined/([a-z-]{1,40})\.js", Joined)
ASSETS = (r"/assets/(.*)", Assets, {"path": str(STATIC)})
