"""Pages: a Panel document each, whose first paint is rendered on the server. `PAGES` is the menu's
order."""

from __future__ import annotations

from console.pages.access import AccessPage, GroupsPage, TokensPage, UsersPage
from console.pages.activity import ActivityPage, activity_pages
from console.pages.catalog import CatalogPage
from console.pages.entry import Page
from console.pages.feedback import FeedbackPage, MyReportPage, MyReportsPage, ReportPage
from console.pages.health import HealthPage
from console.pages.jobs import JobsPage
from console.pages.marketplace import MarketplacePage
from console.pages.notices import NoticesPage
from console.pages.person import MySessionsPage, UserPage
from console.pages.replay import replay_pages
from console.pages.server_config import ConfigPage, prompt_pages
from console.pages.sessions import SessionsPage
from console.pages.tables import TablesPage
from console.pages.telemetry import TelemetryPage

PAGES: tuple[Page, ...] = (
    *activity_pages(),
    TelemetryPage(),
    SessionsPage(),
    *replay_pages(),
    FeedbackPage(),
    ReportPage(),
    MyReportsPage(),
    MyReportPage(),
    UsersPage(),
    GroupsPage(),
    AccessPage(),
    TokensPage(),
    TablesPage(),
    CatalogPage(),
    MarketplacePage(),
    *prompt_pages(),
    JobsPage(),
    HealthPage(),
    ConfigPage(),
    UserPage(),
    MySessionsPage(),
    NoticesPage(),
)

__all__ = ["PAGES", "ActivityPage", "JobsPage", "Page"]
