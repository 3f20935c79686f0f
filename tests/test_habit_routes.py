"""Every route of the running application, as everybody: who gets in, and what the answer looks
like.

The table below is the whole truth about who may what. A route that is not in it fails the test.
"""

from __future__ import annotations

import base64
import re
import socket
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from console.handler import SECURITY
from console.pages.moved import MOVED
from schema.policy import SURFACES
from tests.whole_server import WholeServer

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
IN = {
    200,
    201,
    204,
    400,
    404,
    409,
}  # let in; what then becomes of an empty request is no question of rights
ENVELOPE = {"ok", "title", "error", "detail"}


@dataclass(frozen=True)
class Api:
    """JSON. `rights`: public, signed_in, service, admin or the name of a surface, for each method
    there is."""

    rights: dict[str, str]
    example: str = ""  # a path that the pattern matches, where the pattern is no path itself

    def expected(self, method: str, who: Who) -> set[int]:
        right = self.rights.get(method, "admin")
        if not who.may(right):
            return {401} if who.is_stranger else {403}
        return IN if method in self.rights else {405}


@dataclass(frozen=True)
class Form(Api):
    """`/login`, `/logout`: HTML; without the XSRF token nothing is taken."""

    def expected(self, method: str, who: Who) -> set[int]:
        if method in self.rights:
            return {403} if method == "POST" else {200, 303}
        return super().expected(method, who)


@dataclass(frozen=True)
class Button(Api):
    """What the buttons of a page post to: a page answers, or a notice."""


@dataclass(frozen=True)
class Page:
    """A document of Panel: strangers are sent to sign in. `get`: 404 for one of nothing."""

    right: str
    example: str = ""
    get: int = 200

    def expected(self, method: str, who: Who) -> set[int]:
        if who.is_stranger:
            return {302}
        if not who.may(self.right):
            return {403}
        return {self.get} if method == "GET" else {405}


@dataclass(frozen=True)
class Part(Page):
    """What a page of Panel asks for beside itself. `plain` is the answer to a GET without more."""

    plain: int = 200

    def expected(self, method: str, who: Who) -> set[int]:
        if who.is_stranger:
            return {401}
        if not who.may(self.right):
            return {403}
        return {self.plain} if method == "GET" else {405}


@dataclass(frozen=True)
class Answer:
    """The same for everybody; `others` is what other methods than GET get."""

    get: int
    others: int
    example: str
    ours: bool = False

    def expected(self, method: str, who: Who) -> set[int]:
        return {self.get if method == "GET" else self.others}


@dataclass(frozen=True)
class Home:
    """`/` sends everybody on."""

    example: str = "/"

    def expected(self, method: str, who: Who) -> set[int]:
        return {302} if method == "GET" else Api({}).expected(method, who)


@dataclass(frozen=True)
class Moved(Home):
    """An old address sends everybody on for ever."""

    def expected(self, method: str, who: Who) -> set[int]:
        return {308} if method == "GET" else super().expected(method, who)


@dataclass(frozen=True)
class Who:
    name: str
    user: str | None = None
    is_admin: bool = False
    surfaces: frozenset[str] = field(default_factory=frozenset)
    job: str | None = None  # the pass of a running job, which is nobody's

    @property
    def is_stranger(self) -> bool:
        return self.user is None and self.job is None

    def may(self, right: str) -> bool:
        if self.job is not None:
            return right in ("public", "service")
        if right == "public" or (right == "signed_in" and not self.is_stranger):
            return True
        return self.is_admin or right in self.surfaces


def page(path: str, right: str, one: str = "") -> dict[str, Any]:
    """A page and what comes with it. Where `path` is a pattern, `one` stands for nothing there."""
    here = one or path
    return {
        f"{path}/?$": Page(right, here, 404 if one else 200),
        f"{path}/ws$": Part(right, f"{here}/ws", plain=400),
        f"{path}/metadata$": Part(right, f"{here}/metadata"),
        f"{path}/autoload.js$": Part(right, f"{here}/autoload.js", plain=400),
        f"{path}/static/(.*)$": Answer(200, 405, f"{here}/static/js/bokeh.min.js"),
    }


def rights(right: str, *methods: str) -> dict[str, str]:
    return dict.fromkeys(methods, right)


ID = "no-such-id"
NOBODY = "00000000-0000-4000-8000-000000000000"
PUBLIC = rights("public", "GET")
ACTIVITY = Api(rights("activity", "GET"))
MANY = Api(rights("admin", "GET", "POST"))
EVENT = "/api/admin/activity/([A-Za-z0-9._-]{1,64})"
ONE_EVENT = f"/api/admin/activity/{ID}"
RUN = "/api/admin/jobs/runs/([A-Za-z0-9-]{1,64})"
ONE_RUN = f"/api/admin/jobs/runs/{ID}"
REPORT = "([A-Za-z0-9-]{1,64})"
REPORT_PAGE = "/{}/[0-9a-f-]+"
REPORT_WORDS = "/{}/([0-9a-f-]+)/excerpt/([0-9]{{1,9}})"

TRANSCRIPT = "/api/admin/sessions/([^/]+)/([^/]+)"
ONE_TRANSCRIPT = f"/api/admin/sessions/{ID}/no.jsonl"
PARTS = {
    "transcript": "transcript",
    "outline": "outline",
    "images/([0-9]{1,9})": "images/0",
    "download": "download",
}

TABLE: dict[str, Any] = {
    **page("/admin/activity", "activity"),
    **page("/admin/telemetry", "telemetry"),
    **page("/me", "signed_in"),
    **page("/me/sessions", "signed_in"),
    **page("/admin/users/[A-Za-z0-9._-]+", "admin", f"/admin/users/{ID}"),
    **page(r"/admin/sessions/[^/]+/[^/]+\.jsonl", "sessions", f"/admin/sessions/{NOBODY}/no.jsonl"),
    r"/admin/sessions/([^/]+)/([^/]+\.jsonl)/reason$": Button(
        rights("sessions", "POST"), f"/admin/sessions/{ID}/no.jsonl/reason"
    ),
    "/admin/sessions/([^/]+)/([^/]+)/events$": Api(
        rights("sessions", "GET"), f"/admin/sessions/{ID}/no.jsonl/events"
    ),
    "/admin/sessions/([^/]+)/([^/]+)/events/([0-9]{1,9})$": Api(
        rights("sessions", "GET"), f"/admin/sessions/{ID}/no.jsonl/events/0"
    ),
    "/me/sessions/([^/]+)/events$": Api(rights("signed_in", "GET"), "/me/sessions/no.jsonl/events"),
    "/me/sessions/([^/]+)/events/([0-9]{1,9})$": Api(
        rights("signed_in", "GET"), "/me/sessions/no.jsonl/events/0"
    ),
    **page(r"/me/sessions/[^/]+\.jsonl", "signed_in", "/me/sessions/no.jsonl"),
    **page("/admin/sessions", "sessions"),
    **page("/admin/feedback", "feedback"),
    "/admin/feedback/?$": Page("feedback", "/admin/feedback", 303),  # to what is open
    **page(REPORT_PAGE.format("admin/feedback"), "feedback", f"/admin/feedback/{NOBODY}"),
    f"{REPORT_WORDS.format('admin/feedback')}$": Button(
        rights("feedback", "GET"), f"/admin/feedback/{NOBODY}/excerpt/0"
    ),
    "/admin/feedback/act$": Button(rights("feedback", "POST")),
    **page("/me/reports", "signed_in"),
    **page(REPORT_PAGE.format("me/reports"), "signed_in", f"/me/reports/{NOBODY}"),
    f"{REPORT_WORDS.format('me/reports')}$": Button(
        rights("signed_in", "GET"), f"/me/reports/{NOBODY}/excerpt/0"
    ),
    "/me/reports/act$": Button(rights("signed_in", "POST")),
    **page("/admin/users", "admin"),
    **page("/admin/groups", "admin"),
    **page("/admin/access", "admin"),
    **page("/admin/tokens", "admin"),
    "/admin/access/act$": Button(rights("admin", "POST")),
    **page("/admin/health", "admin"),
    "/admin/health/act$": Button(rights("admin", "POST")),
    **page("/admin/tables", "admin"),
    "/admin/tables/act$": Button(rights("admin", "POST")),
    **page("/admin/marketplace", "admin"),
    "/admin/marketplace/act$": Button(rights("admin", "POST")),
    **page("/admin/server-config", "admin"),
    "/admin/server-config/act$": Button(rights("admin", "POST")),
    **page("/admin/agent-prompt", "admin"),
    **page("/admin/workspace-prompt", "admin"),
    "/admin/(agent|workspace)-prompt/act$": Button(
        rights("admin", "POST"), "/admin/agent-prompt/act"
    ),
    **page("/catalog", "signed_in"),
    **page("/admin/jobs", "admin"),
    "/admin/jobs/act$": Button(rights("admin", "POST")),
    "/admin/activity/act$": Button(rights("admin", "POST")),
    "/admin/telemetry/ask$": Button(rights("admin", "POST")),
    "/admin/activity/views$": Button(rights("activity", "POST")),
    "/me/views$": Button(rights("signed_in", "POST")),
    **page("/me/notifications", "signed_in"),
    "/me/notifications/act$": Button(rights("signed_in", "POST")),
    "/me/notifications/latest$": Button(rights("signed_in", "GET")),
    "/$": Home(),
    **{f"{path}$": Moved(path) for path in MOVED},
    "/login$": Form(rights("public", "GET", "POST")),
    "/logout$": Form(rights("public", "GET", "POST")),
    "/login/oidc$": Form(rights("public", "GET")),
    "/login/oidc/callback$": Form(rights("public", "GET")),
    "/login/oidc/out$": Form(rights("public", "GET")),
    r"/assets/joined/([a-z-]{1,40})\.js$": Answer(404, 405, "/assets/joined/none.js"),
    "/assets/(.*)$": Answer(200, 405, "/assets/shell.css"),
    "/components/.*$": Answer(404, 404, "/components/this/Zen/css/x", ours=True),
    "/components/(.*)$": Answer(404, 404, "/components/this/Zen/css/x", ours=True),
    "/favicon.ico$": Answer(200, 405, "/favicon.ico"),
    "/static/extensions/(.*)$": Answer(200, 405, "/static/extensions/panel/panel.min.js"),
    "/static/(.*)$": Answer(200, 405, "/static/js/bokeh.min.js"),
    "/healthz$": Api(PUBLIC),
    "/readyz$": Api(PUBLIC),
    "/metrics$": Api(PUBLIC),
    r"/api/openapi\.json$": Api(PUBLIC, "/api/openapi.json"),
    "/api/login$": Api(rights("public", "POST")),
    "/api/logout$": Api(rights("signed_in", "POST")),
    "/api/me$": Api(rights("signed_in", "GET")),
    "/api/me/activity$": Api(rights("signed_in", "GET")),
    "/api/me/activity/export$": Api(rights("signed_in", "GET")),
    "/api/me/activity/([A-Za-z0-9._-]{1,64})$": Api(
        rights("signed_in", "GET"), f"/api/me/activity/{ID}"
    ),
    "/admin/activity/notebook$": Button(rights("activity", "GET")),
    "/me/notebook$": Button(rights("signed_in", "GET")),
    "/api/query$": Api(rights("signed_in", "POST")),
    "/api/query/hybrid$": Api(rights("signed_in", "POST")),
    "/api/v2/scan$": Api(rights("signed_in", "POST")),
    "/api/v2/scan/estimate$": Api(rights("signed_in", "POST")),
    "/api/v2/catalog$": Api(rights("signed_in", "GET")),
    "/api/v2/schema/([^/]+)$": Api(rights("signed_in", "GET"), "/api/v2/schema/agnes_audit"),
    "/api/v2/sample/([^/]+)$": Api(rights("signed_in", "GET"), "/api/v2/sample/agnes_audit"),
    "/api/palette$": Api(rights("signed_in", "GET")),
    "/api/me/tokens$": Api(rights("signed_in", "GET", "POST")),
    "/api/me/tokens/([^/]+)$": Api(rights("signed_in", "DELETE"), f"/api/me/tokens/{ID}"),
    "/api/v2/explain/([^/]+)$": Api(rights("signed_in", "GET"), "/api/v2/explain/agnes_audit"),
    "/api/view-as$": Api({"GET": "signed_in", "POST": "admin", "DELETE": "signed_in"}),
    "/admin/view-as$": Button(rights("admin", "POST")),
    "/view-as/end$": Button(rights("signed_in", "GET", "POST")),
    "/api/check-access$": Api(rights("signed_in", "POST")),
    "/api/upload/sessions$": Api(rights("signed_in", "POST")),
    "/api/admin/activity$": ACTIVITY,
    "/api/admin/activity/health$": ACTIVITY,
    "/api/admin/activity/sync$": ACTIVITY,
    "/api/admin/activity/export$": ACTIVITY,
    "/api/admin/activity/changes$": ACTIVITY,
    f"{EVENT}$": Api(rights("activity", "GET"), ONE_EVENT),
    f"{EVENT}/diff$": Api(rights("activity", "GET"), f"{ONE_EVENT}/diff"),
    f"{EVENT}/rollback$": Api(rights("admin", "POST"), f"{ONE_EVENT}/rollback"),
    f"{EVENT}/reveal$": Api(rights("admin", "POST"), f"{ONE_EVENT}/reveal"),
    "/api/admin/observability/views$": Api(rights("signed_in", "GET", "POST")),
    "/api/admin/observability/views/([^/]+)$": Api(
        rights("signed_in", "PATCH", "DELETE"), f"/api/admin/observability/views/{ID}"
    ),
    "/api/admin/observability/kpis$": ACTIVITY,
    "/api/admin/observability/facets$": ACTIVITY,
    "/api/admin/observability/histogram$": ACTIVITY,
    "/api/admin/observability/syncs$": ACTIVITY,
    "/api/admin/observability/queries$": ACTIVITY,
    "/api/admin/observability/performance$": ACTIVITY,
    "/api/admin/observability/usage$": ACTIVITY,
    "/api/admin/jobs$": Api(rights("admin", "GET")),
    "/api/admin/jobs/runs$": Api(rights("admin", "GET")),
    f"{RUN}$": Api(rights("admin", "GET"), ONE_RUN),
    f"{RUN}/cancel$": Api(rights("admin", "POST"), f"{ONE_RUN}/cancel"),
    f"{RUN}/compare$": Api(rights("admin", "GET"), f"{ONE_RUN}/compare"),
    f"{RUN}/retry$": Api(rights("admin", "POST"), f"{ONE_RUN}/retry"),
    f"{RUN}/notebook$": Api(rights("admin", "GET"), f"{ONE_RUN}/notebook"),
    f"{RUN}/html$": Api(rights("admin", "GET"), f"{ONE_RUN}/html"),
    f"{RUN}/log$": Api(rights("admin", "GET"), f"{ONE_RUN}/log"),
    f"{RUN}/figures/([^/]+)$": Api(rights("admin", "GET"), f"{ONE_RUN}/figures/01.png"),
    "/api/admin/jobs/([^/]+)/run$": Api(rights("admin", "POST"), f"/api/admin/jobs/{ID}/run"),
    "/api/admin/users$": MANY,
    "/api/admin/users/([^/]+)$": Api(
        rights("admin", "GET", "PATCH", "DELETE"), f"/api/admin/users/{ID}"
    ),
    "/api/admin/access$": Api(rights("admin", "GET")),
    "/api/admin/users/([^/]+)/access$": Api(
        rights("admin", "GET"), f"/api/admin/users/{ID}/access"
    ),
    "/api/admin/users/([^/]+)/sign-in-link$": Api(
        rights("admin", "POST"), f"/api/admin/users/{ID}/sign-in-link"
    ),
    "/api/admin/users/([^/]+)/browsers$": Api(
        rights("admin", "GET"), f"/api/admin/users/{ID}/browsers"
    ),
    "/api/admin/users/([^/]+)/browsers/([^/]+)$": Api(
        rights("admin", "DELETE"), f"/api/admin/users/{ID}/browsers/{ID}"
    ),
    "/api/admin/groups$": MANY,
    "/api/admin/groups/([^/]+)$": Api(
        rights("admin", "GET", "PATCH", "DELETE"), f"/api/admin/groups/{ID}"
    ),
    "/api/admin/groups/([^/]+)/members$": Api(
        rights("admin", "GET", "POST"), f"/api/admin/groups/{ID}/members"
    ),
    "/api/admin/groups/([^/]+)/members/([^/]+)$": Api(
        rights("admin", "DELETE"), f"/api/admin/groups/{ID}/members/{ID}"
    ),
    "/api/admin/sessions/list$": Api(rights("sessions", "GET")),
    "/api/admin/sessions/search$": Api(rights("sessions", "GET")),
    "/api/admin/sessions/kpis$": Api(rights("sessions", "GET")),
    "/api/admin/sessions/facets$": Api(rights("sessions", "GET")),
    "/api/admin/sessions/export$": Api(rights("sessions", "GET")),
    "/api/admin/sessions/neighbours$": Api(rights("sessions", "GET")),
    r"/api/admin/sessions/([A-Za-z0-9-]{1,64})/([A-Za-z0-9._-]{1,200}\.jsonl)$": Api(
        rights("sessions", "GET"), f"/api/admin/sessions/{ID}/none.jsonl"
    ),
    "/api/admin/sessions/findings$": Api(rights("sessions", "GET")),
    "/api/admin/telemetry/kpis$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/facets$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/query$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/series$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/pivot$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/neighbours$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/cost$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/popularity$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/people$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/summary$": Api(rights("telemetry", "GET")),
    "/api/admin/telemetry/export$": Api(rights("telemetry", "GET")),
    **{
        f"{TRANSCRIPT}/{part}$": Api(rights("sessions", "GET"), f"{ONE_TRANSCRIPT}/{example}")
        for part, example in PARTS.items()
    },
    f"{TRANSCRIPT}/views$": Api(rights("sessions", "GET"), f"{ONE_TRANSCRIPT}/views"),
    **{
        f"/api/me/sessions/([^/]+)/{part}$": Api(
            rights("signed_in", "GET"), f"/api/me/sessions/no.jsonl/{example}"
        )
        for part, example in PARTS.items()
    },
    "/api/me/sessions$": Api(rights("signed_in", "GET")),
    "/api/me/sessions/download-all$": Api(rights("signed_in", "GET")),
    "/api/me/transcript-views$": Api(rights("signed_in", "GET")),
    **{
        f"/api/admin/users/([^/]+)/{part}$": Api(
            rights("admin", "GET"), f"/api/admin/users/{ID}/{part.replace('([^/]+)', 'no.jsonl')}"
        )
        for part in ("sessions", "activity", "sessions/download-all", "sessions/([^/]+)/download")
    },
    "/api/admin/run-session-processor$": Api(rights("admin", "POST")),
    "/api/admin/telemetry/reprocess$": Api(rights("admin", "POST")),
    "/api/admin/telemetry/prune$": Api(rights("service", "POST")),
    "/api/admin/telemetry/ask$": Api(rights("admin", "POST")),
    "/api/jobs/pending$": Api(rights("service", "POST")),
    "/api/jobs/files$": Api(rights("service", "GET")),
    "/api/jobs/commit$": Api(rights("service", "POST")),
    "/api/jobs/rollups$": Api(rights("service", "POST")),
    "/api/jobs/prune$": Api(rights("service", "POST")),
    "/api/jobs/backup$": Api(rights("service", "POST")),
    "/api/admin/backups$": MANY,
    "/api/admin/server$": Api(rights("admin", "GET")),
    "/api/reach$": Api(rights("public", "GET")),
    "/api/admin/backups/([^/]+)$": Api(rights("admin", "GET"), "/api/admin/backups/none"),
    "/api/jobs/reports/weekly$": Api(rights("service", "GET")),
    "/api/jobs/reports/failures$": Api(rights("service", "GET")),
    "/api/jobs/reports/feedback$": Api(rights("service", "GET", "POST")),
    "/api/feedback$": Api(rights("signed_in", "GET", "POST")),
    "/api/feedback/known$": Api(rights("signed_in", "GET")),
    "/api/feedback/terms$": Api(rights("signed_in", "GET")),
    f"/api/feedback/{REPORT}$": Api(
        rights("signed_in", "GET", "PATCH", "DELETE"), f"/api/feedback/{ID}"
    ),
    "/api/admin/feedback$": Api(rights("feedback", "GET")),
    "/api/admin/feedback/kpis$": Api(rights("feedback", "GET")),
    "/api/admin/feedback/facets$": Api(rights("feedback", "GET")),
    "/api/admin/feedback/export$": Api(rights("feedback", "GET")),
    "/api/admin/feedback/merge$": Api(rights("feedback", "POST")),
    "/api/admin/feedback/unmerge$": Api(rights("feedback", "POST")),
    "/api/admin/feedback/bulk$": Api(rights("feedback", "POST")),
    f"/api/admin/feedback/{REPORT}$": Api(
        {"GET": "feedback", "PATCH": "feedback", "DELETE": "admin"}, f"/api/admin/feedback/{ID}"
    ),
    "/api/me/notifications$": Api(rights("signed_in", "GET")),
    "/api/me/notifications/read$": Api(rights("signed_in", "POST")),
    "/api/admin/telegram/links$": MANY,
    "/api/admin/telegram/links/([^/]+)$": Api(
        rights("admin", "DELETE"), f"/api/admin/telegram/links/{ID}"
    ),
    "/api/admin/telegram/codes$": Api(rights("admin", "POST")),
    "/api/admin/telegram/test$": Api(rights("admin", "POST")),
    "/api/admin/grants$": MANY,
    "/api/admin/grants/([^/]+)$": Api(rights("admin", "GET", "DELETE"), f"/api/admin/grants/{ID}"),
    "/api/admin/marketplace$": Api(rights("admin", "GET")),
    "/api/admin/marketplace/import$": Api(rights("admin", "POST")),
    "/api/admin/marketplace/refresh$": Api(rights("admin", "POST")),
    "/api/admin/marketplace/use$": Api(rights("admin", "GET")),
    "/api/admin/marketplace/([^/]+)$": Api(
        rights("admin", "DELETE"), f"/api/admin/marketplace/{ID}"
    ),
    "/api/admin/tokens$": MANY,
    "/api/admin/tokens/([^/]+)$": Api(
        rights("admin", "GET", "PATCH", "DELETE"), f"/api/admin/tokens/{ID}"
    ),
    **{
        f"/api/admin/tables/([^/]+)/{part}$": Api(
            rights("admin", "GET"), f"/api/admin/tables/{ID}/{part}"
        )
        for part in ("profile", "versions", "syncs")
    },
    "/api/sync/trigger$": Api(rights("service", "POST")),
    "/api/scripts/run-due$": Api(rights("service", "POST")),
    "/api/admin/scripts$": MANY,
    "/api/admin/scripts/([^/]+)$": Api(
        rights("admin", "GET", "PATCH", "DELETE"), f"/api/admin/scripts/{ID}"
    ),
    "/api/admin/scripts/([^/]+)/run$": Api(rights("admin", "POST"), f"/api/admin/scripts/{ID}/run"),
    "/api/sync/manifest$": Api(rights("signed_in", "GET")),
    "/api/data/([^/]+)/download$": Api(rights("signed_in", "GET"), f"/api/data/{ID}/download"),
    "/api/admin/config$": Api(rights("admin", "GET", "PUT")),
    "/api/admin/templates$": Api(rights("admin", "GET")),
    "/api/admin/templates/([^/]+)$": Api(
        rights("admin", "GET", "PUT"), "/api/admin/templates/agent"
    ),
    "/api/admin/templates/([^/]+)/preview$": Api(
        rights("admin", "POST"), "/api/admin/templates/agent/preview"
    ),
    "/api/templates/([^/]+)$": Api(rights("signed_in", "GET"), "/api/templates/agent"),
    "/api/admin/tables$": MANY,
    "/api/admin/tables/([^/]+)$": Api(
        rights("admin", "GET", "PATCH", "DELETE"), f"/api/admin/tables/{ID}"
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeServer]:
    with WholeServer(tmp_path_factory.mktemp("routes") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def everybody(server: WholeServer) -> dict[str, Who]:
    people = [
        Who("stranger"),
        Who("analyst", server.person("analyst")),
        *(Who(one, server.person(one, one), surfaces=frozenset({one})) for one in SURFACES),
        Who("admin", server.person("admin", is_admin=True), is_admin=True),
        Who("job", job=server.instance.gate.passes.issue("a run", lifetime=timedelta(hours=1))),
    ]
    return {who.name: who for who in people}


def path_of(pattern: str) -> str:
    path: str = TABLE[pattern].example or pattern.removesuffix("$")
    assert re.fullmatch(pattern, path), f"{path} is no example of {pattern}"
    return path


def test_every_route_stands_in_the_table(server: WholeServer) -> None:
    assert set(server.routes) == set(TABLE)


@pytest.mark.parametrize("name", ["stranger", "analyst", *SURFACES, "admin", "job"])
def test_everybody_gets_what_the_table_says(
    server: WholeServer, everybody: dict[str, Who], name: str
) -> None:
    who, wrong = everybody[name], []
    token = server.token(who.user) if who.user else who.job
    with server.client(token) as client:
        for pattern, route in TABLE.items():
            for method in METHODS:
                path = path_of(pattern)
                signing_out = path == "/api/logout" and who.user
                headers = _bearer(server.token(str(who.user))) if signing_out else {}
                answer = client.request(method, path, headers=headers)
                expected = route.expected(method, who)
                if answer.status_code not in expected:
                    wrong.append(f"{method} {path}: {answer.status_code}, not {expected}")
                wrong += [f"{method} {path}: {what}" for what in unlike_ours(route, answer)]
    assert wrong == []


def unlike_ours(route: Any, answer: httpx.Response) -> list[str]:
    """What an answer of ours lacks: the headers of security, the envelope of an error."""
    if isinstance(route, Answer) and not route.ours:
        return []
    lacking = [
        f"{name} is {answer.headers.get(name)}"
        for name, value in SECURITY.items()
        if not _holds(answer.headers.get(name, ""), value)
    ]
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        lacking.append("may be stored")
    if "Server" in answer.headers:
        lacking.append("names the server's software")
    is_json = type(route) in (Api, Home, Moved)
    if is_json and answer.status_code >= 400:
        error = answer.json()
        if set(error) != ENVELOPE or error["ok"] is not False or not error["error"]:
            lacking.append(f"no envelope: {answer.text}")
    return lacking


def _holds(found: str, wanted: str) -> bool:
    """Of a policy the lines that every answer has; tests/test_habit_pages.py looks at the rest."""
    if found == wanted or "; " not in wanted:
        return found == wanted
    lines = found.split("; ")
    common = {"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"}
    return lines[0].startswith("default-src 'self'") and common <= set(lines)


def test_strangers_come_back_to_the_page_they_asked_for(server: WholeServer) -> None:
    with server.client() as stranger:
        answer = stranger.get("/admin/activity", params={"q": "a&b"})
        assert answer.headers["Location"] == "/login?next=%2Fadmin%2Factivity%3Fq%3Da%2526b"


def test_a_cookie_alone_writes_nothing(server: WholeServer, everybody: dict[str, Who]) -> None:
    user = str(everybody["admin"].user)
    wrong = []
    with server.client(cookies=server.cookie(user)) as browser:
        assert browser.get("/api/me").json()["id"] == user
        for pattern, route in TABLE.items():
            if type(route) is Api:
                for method in METHODS[1:]:
                    answer = browser.request(method, path_of(pattern))
                    if answer.status_code != 403 or "XSRF" not in answer.json()["error"]:
                        wrong.append(f"{method} {path_of(pattern)}: {answer.status_code}")
        assert browser.get("/api/me").status_code == 200
    assert wrong == []


def test_nobody_serves_what_is_not_a_route(server: WholeServer) -> None:
    with server.client() as stranger:
        for method in METHODS:
            answer = stranger.request(method, "/api/no/such/thing")
            assert (answer.status_code, set(answer.json())) == (404, ENVELOPE)
            page = stranger.request(method, "/no/such/page")
            assert page.status_code == 404
            assert page.text.startswith("<!doctype html>")
            for name, value in SECURITY.items():
                assert answer.headers[name] == value
                assert _holds(page.headers[name], value)


def test_no_stranger_can_have_a_module_imported(server: WholeServer) -> None:
    with server.client() as stranger:
        for module in ("unittest.__main__", "this", "console.pages.live"):
            assert stranger.get(f"/components/{module}/Live/css/x").status_code == 404
        assert stranger.get("/healthz").json() == {"status": "ok"}


# Documents and their websockets


def bokeh_token(page: str) -> str:
    found = re.search(r'"token":"([^"]+)"', page)
    assert found, page[-3000:]
    return found[1]


def payload_of(token: str) -> str:
    """Everything that stands in the token of a document, unpacked."""
    text = token.partition(".")[0]
    payload = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    packed = payload.pop("__bk__zlib_", "")
    if packed:
        data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        payload["unpacked"] = zlib.decompress(data).decode()
    return repr(payload)


def test_no_page_holds_what_opens_it(server: WholeServer, everybody: dict[str, Who]) -> None:
    user = str(everybody["admin"].user)
    bearer, cookie = server.token(user), server.cookie(user)
    for client in (server.client(bearer), server.client(cookies=cookie)):
        with client:
            for path in ("/admin/activity", "/me"):
                text = client.get(path).raise_for_status().text
                told = text + payload_of(bokeh_token(text))
                assert "User-Agent" in told or "user-agent" in told.lower()
                for secret in (bearer, *cookie.values()):
                    assert secret not in told
                    assert secret.split("|")[-1] not in told


def handshake(address: str, *, token: str, headers: dict[str, str]) -> int:
    """The status of a websocket's handshake; for 101 the server has also spoken Bokeh's
    protocol."""
    url = httpx.URL(address)
    lines = {
        "Host": f"{url.host}:{url.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"sixteen bytes ok").decode(),
        "Sec-WebSocket-Protocol": f"bokeh, {token}",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((url.host, url.port or 80), timeout=120) as line:
        line.sendall(f"GET {url.path} HTTP/1.1\r\n{head}\r\n".encode())
        said = line.makefile("rb")
        status = int(said.readline().split()[1])
        while said.readline().strip():
            pass
        if status == 101:
            length = said.read(2)[1]  # of the first frame, which is a short one
            assert b"ACK" in said.read(length)
        return status


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_websocket_opens_only_to_those_who_may_see_its_page(
    server: WholeServer, everybody: dict[str, Who]
) -> None:
    user = str(everybody["admin"].user)
    cookie = "; ".join(f"{name}={value}" for name, value in server.cookie(user).items())
    origin = {"Origin": server.address}

    def shaken(path: str, headers: dict[str, str]) -> int:
        with server.client(server.token(user)) as admin:
            token = bokeh_token(admin.get(path).text)
        return handshake(f"{server.address}{path}/ws", token=token, headers=headers)

    analyst = _bearer(server.token(str(everybody["analyst"].user)))
    granted = _bearer(server.token(str(everybody["activity"].user)))
    assert shaken("/admin/activity", origin) == 401
    assert shaken("/admin/activity", {**origin, **_bearer("agnes_wrong")}) == 401
    assert shaken("/admin/activity", {**origin, **analyst}) == 403
    assert shaken("/admin/activity", {**origin, **granted}) == 101
    assert shaken("/admin/activity", {**origin, "Cookie": cookie}) == 101
    assert shaken("/me", origin) == 401
    assert shaken("/me", {**origin, **analyst}) == 101
    elsewhere = {"Origin": "http://elsewhere.example", "Cookie": cookie}
    assert shaken("/admin/activity", elsewhere) == 403
