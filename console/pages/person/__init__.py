"""One person: `/admin/users/<id>` for admins, and `/me/sessions` for everybody about themselves.

One module a part; `page` lists them."""

from __future__ import annotations

from console.pages.person.page import MySessionsPage, PersonPage, UserPage

__all__ = ["MySessionsPage", "PersonPage", "UserPage"]
