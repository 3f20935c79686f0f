"""`/admin/marketplace`: what marketplaces offer and how it is used; importing and refreshing it.

`page` says what its parts are, `reading` what they are given; the buttons are done by `acts`.
"""

from __future__ import annotations

from console.pages.marketplace.page import MarketplacePage

__all__ = ["MarketplacePage"]
