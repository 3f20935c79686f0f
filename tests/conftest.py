"""What every test run shares: how hard the property tests look, a clean slate of settings, and how
long it has taken so far.

Fixtures of one room stand in the `conftest.py` of that room's folder, not here.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres_server

# No deadline: on shared cores any one example may be slow, and a timed test proves nothing.
settings.register_profile("ci", max_examples=60, deadline=None, derandomize=False, print_blob=True)
settings.register_profile(
    "deep",
    max_examples=3000,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")  # `--hypothesis-profile=deep` replaces it

# A developer's own AGNES_SERVER, AGNES_TOKEN or key of a service must not reach a test, or it talks
# to a real one.
for name in [name for name in os.environ if name.startswith(("AGNES_", "ANTHROPIC_", "POSTHOG_"))]:
    if not name.startswith("AGNES_TEST_"):
        del os.environ[name]


def pytest_report_header() -> str:
    if postgres_server.is_there():
        return "PostgreSQL: a real one"
    return "PostgreSQL: none here; its own tests are left out, the others use a stand-in"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of a page that fails is tried once more and named (`RERUN`): a browser on a machine
    with other work may stand still for half a minute. What fails twice, fails."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was made so far stays to the end: the collector looks at it no more, and less often at
    the rest, which is a twentieth of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Says every two minutes how long it has taken and how busy the machine is: of a run that is
    cut off, both are asked."""
    yield
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Clock(terminal))


class _Clock:
    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._begun = self._said = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What is tried once more says what went wrong at first."""
        outcome: str = report.outcome  # rerunfailures adds a word of its own
        if outcome == "rerun":
            self._terminal.ensure_newline()
            self._terminal.write_line(f"once more: {report.nodeid}\n{report.longreprtext[-3000:]}")

    def pytest_runtest_logfinish(self) -> None:
        now = time.monotonic()
        if now - self._said < 120:
            return
        self._said = now
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        self._terminal.ensure_newline()
        self._terminal.write_line(f"{(now - self._begun) / 60:.0f} min; load {load}")
