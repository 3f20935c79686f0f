"""What every button of a page shares: a plain form post to one address, with scripts and without.

A script says in `Accept` that it puts a part of the page in its place; a browser without one gets a
page, or the way back. Who may, and whether the form came from our own page, is decided by
`Handler`.
"""

from __future__ import annotations

from typing import Any

from console.handler import Handler
from console.pages.render import error_page, render
from schema.errors import AgnesError

_PART = "text/x-notice"
_SEE_OTHER = 303


class Act(Handler):
    """A handler whose answers are for people."""

    refusal = "notice.html"

    def refused_as(self, action: str) -> None:
        """A refusal, too, stands in the log as what it would have been."""
        self.actions = {"POST": action}  # type: ignore[misc]

    def show_error(self, error: AgnesError) -> None:
        self.answer(
            render(self.refusal, error=error)
            if self.is_live
            else error_page(error, self.caller.principal)
        )

    def answer(self, html: str) -> None:
        kind = "plain" if self.is_live else "html"  # a part of a page is no page
        self.set_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.finish(html)

    def lead(self, to: str) -> None:
        """Show that page next."""
        self.redirect(to, status=_SEE_OTHER)

    def said(self, text: str, run: Any = None) -> str:
        return render("said.html", text=text, run=run)

    @property
    def is_live(self) -> bool:
        return self.request.headers.get("Accept") == _PART
