"""What the reader of the catalog has chosen. All of it lives in the URL."""

from __future__ import annotations

from console.pages.state import ListState


class CatalogState(ListState):
    """`table`: the one that is open; `q`: words of columns."""

    filters = ("table", "q")

    @property
    def table(self) -> str:
        return str(self.given.get("table", ""))

    @property
    def words(self) -> list[str]:
        return str(self.given.get("q", "")).casefold().split()
