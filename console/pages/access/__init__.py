"""Users & Access: `/admin/users`, `/admin/groups`, `/admin/access`, `/admin/tokens`.

A module for each page with its parts, and one for each kind of button; `acts` is the one address
of all forms, `done` the notice of what one of them did.
"""

from __future__ import annotations

from console.pages.access.groups import GroupsPage
from console.pages.access.matrix import AccessPage
from console.pages.access.tokens import TokensPage
from console.pages.access.users import UsersPage

__all__ = ["AccessPage", "GroupsPage", "TokensPage", "UsersPage"]
