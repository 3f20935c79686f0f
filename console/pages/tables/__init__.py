"""`/admin/tables`: the tables that were registered, by source, and the console's own ones.

`page` holds the parts, each in a module of its name; what the buttons do stands in `acts`.
"""

from __future__ import annotations

from console.pages.tables.page import TablesPage

__all__ = ["TablesPage"]
