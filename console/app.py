"""Puts everything together: settings, store, gate, routes, pages, server. The only file that knows
all rooms."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from tornado.web import RequestHandler

from console.handler import Handler
from console.identity.first_admin import FirstLink, first_link
from console.identity.gate import Gate, cookie_key
from console.identity.people import People
from console.identity.sign_in import make_link
from console.instance import Instance
from console.links import one_place
from console.metrics import Metrics
from console.settings import Settings
from console.tables import internal_tables
from schema.store import Store
from schema.table import rows_of
from schema.tables import USERS

if TYPE_CHECKING:
    from console.jobs.scheduler import Scheduler

log = structlog.get_logger(__name__)

BODY_LIMIT = 2 << 20  # bytes of an ordinary request; uploads have a limit of their own
_LIVES: dict[str, Any] = {
    "unused_session_lifetime_milliseconds": 20_000,
    "check_unused_sessions_milliseconds": 10_000,
    "keep_alive_milliseconds": 25_000,
}


def open_instance(
    settings: Settings, *, say: Callable[[str], None] = lambda text: None
) -> Instance:
    """Open the data folder: the store in its newest form, the gate, the people. Raises Conflict
    when another process holds it."""
    os.umask(0o077)  # whatever this process makes is for its own user only
    folder: Path = settings.folder
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    store = Store(
        settings.database,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        readers=settings.readers,
        say=say,
    )
    gate = Gate(
        store,
        cookie_key(folder),
        trusted_proxies=settings.trusted_proxies,
        secure=settings.secure_cookies,
    )
    internal_tables.keep_internal(store)
    return Instance(settings, store, gate, People(store), Metrics(store))


def routes(instance: Instance) -> list[Any]:
    """Every route of ours, with what its handler needs. Pages' own routes are Panel's."""
    from console.api import ROUTES
    from console.pages import handlers

    with_instance = {"instance": instance}
    return [
        handlers.JOINED,  # before the files themselves
        handlers.ASSETS,
        *((path, handler, with_instance) for path, handler in (*handlers.ROUTES, *ROUTES)),
    ]


def make_server(instance: Instance, *, host: str, port: int) -> Any:
    """A Panel server that listens on `host:port` (0: any free port) and has not been started."""
    from panel.io.server import get_server

    from console.pages import PAGES, scripts
    from console.pages.gate import PageGate
    from console.pages.handlers import NoSuchPage

    scripts.keep()
    settings, instance.places = instance.settings, [page for page in PAGES if one_place(page.path)]
    key = cookie_key(settings.folder)
    server: Any = get_server(
        {page.path: page.document(instance) for page in PAGES},
        address=host,
        port=port,
        start=False,
        show=False,
        title="Agnes",
        use_index=False,
        location=False,  # the address is `Live`'s; Panel's own would cost every page a component
        auth_provider=PageGate(instance, PAGES),
        extra_patterns=routes(instance),
        default_handler_class=NoSuchPage,
        default_handler_args={"instance": instance},
        log_function=partial(note_request, instance),
        http_server_kwargs={"max_body_size": BODY_LIMIT, "max_buffer_size": 8 << 20},
        secret_key=key,
        sign_sessions=True,
        # Panel puts the request's headers and cookies into the page; the sign-in must not stand
        # there.
        include_cookies=[],
        include_headers=["Host", "User-Agent"],
        **_LIVES,
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    instance.address = f"http://{shown}:{server.port}"
    origins = server._tornado.websocket_origins
    origins |= {f"{name}:{server.port}" for name in (host, "localhost", "127.0.0.1")}
    origins |= set(settings.origins)
    instance.health.origins = lambda: origins
    instance.health.open_pages = partial(_open_pages, server)
    return server


def _open_pages(server: Any) -> tuple[int, int]:
    """How many pages are open in browsers, and how many of them have their websocket."""
    sessions = server.get_sessions()
    return len(sessions), sum(1 for session in sessions if session.connection_count)


def note_request(instance: Instance, handler: RequestHandler) -> None:
    """One log line and one count for each answered request."""
    name, status = type(handler).__name__, handler.get_status()
    seconds = handler.request.request_time()
    instance.metrics.requests.labels(name, handler.request.method or "", str(status)).inc()
    instance.metrics.seconds.labels(name).observe(seconds)
    caller = getattr(handler, "caller", None)
    log.info(
        "request",
        method=handler.request.method,
        path=handler.request.path,
        status=status,
        ms=round(seconds * 1000, 1),
        correlation_id=caller.correlation_id if isinstance(handler, Handler) and caller else None,
    )


def serve(
    settings: Settings, *, host: str, port: int, ready: Callable[[Instance, str], None]
) -> None:
    """Run until SIGTERM or SIGINT. `ready` is called with the console's address once the socket is
    open."""
    instance = open_instance(settings, say=log.warning)
    try:
        recover(instance)
        asyncio.run(_run(instance, host, port, ready))
    finally:
        instance.store.close()


def recover(instance: Instance) -> None:
    """Finish or undo what a crash left between an upload's row and its file, and remove half a
    backup."""
    from console.backups import shelf
    from ingest.uploads import recover

    shelf.sweep(shelf.folder(instance.settings))
    recover(instance.store, instance.settings.folder)


def sign_in_link(instance: Instance, *, always: bool) -> FirstLink | None:
    """A one-time link: for the first admin while nobody can sign in; `always` also later, for the
    demo."""
    ways = instance.settings.password_sign_in or instance.oidc.name is not None
    link = first_link(instance.store, passwords=ways)
    if link is None and always:
        users = rows_of(USERS)
        admins = users.filter(users.is_admin, users.is_active).order_by(["created_at", "id"])
        (admin,) = instance.store.read(admins.limit(1)).to_pylist()
        link = FirstLink(admin["email"], make_link(instance.store, admin["id"]))
    return link


async def start_jobs(instance: Instance, address: str) -> Scheduler:
    """Scheduled notebooks, once the socket is open: kernels speak to `address`."""
    from console.jobs.scheduler import Scheduler

    await instance.jobs.open(address)
    clock = Scheduler(instance)
    if instance.settings.jobs:
        await clock.start()
    return clock


async def _run(
    instance: Instance, host: str, port: int, ready: Callable[[Instance, str], None]
) -> None:
    from console.notifications.worker import NotificationWorker
    from console.transcript.index_worker import IndexWorker

    server = make_server(instance, host=host, port=port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server.start()
    address = instance.address
    ready(instance, address)
    clock = await start_jobs(instance, address)
    worker = IndexWorker(instance)
    worker.start()
    messages = NotificationWorker(
        instance.store,
        instance.settings,
        address=address,
        swallowed=instance.posthog.swallowed,
    )
    messages.start()
    samples = asyncio.create_task(instance.health.samples.forever(instance))
    await stopping.wait()
    log.info("stopping")
    samples.cancel()
    clock.stop()
    await messages.stop()
    await worker.stop()
    await instance.jobs.close()
    instance.syncs.close()
    instance.questions.close()
    await asyncio.to_thread(instance.posthog.close)
    server._http.stop()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server._http.close_all_connections(), timeout=5)
    server.stop(wait=False)
