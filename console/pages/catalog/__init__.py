"""`/catalog`: the tables that one may question, what their columns mean, and why these rows.

`page` holds the parts; `tables` is also what another page about the same tables lists.
"""

from __future__ import annotations

from console.pages.catalog.page import CatalogPage

__all__ = ["CatalogPage"]
