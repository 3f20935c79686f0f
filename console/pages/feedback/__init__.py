"""What people report: the inbox, one report, and everybody's own.

One module a part; `page`, `one` and `mine` list them."""

from __future__ import annotations

from console.pages.feedback.mine import MyReportsPage
from console.pages.feedback.one import MyReportPage, ReportPage
from console.pages.feedback.page import FeedbackPage

__all__ = ["FeedbackPage", "MyReportPage", "MyReportsPage", "ReportPage"]
