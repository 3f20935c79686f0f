"""What `AGNES_SOURCES` may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.settings import Settings
from console.sources import sql
from console.tables.connections import parsed
from schema.errors import BadParameter

GOOD = "shop=postgresql://me:pw@db:5432/shop?sslmode=require"


def test_several_connections_have_names(tmp_path: Path) -> None:
    found = parsed(f"{GOOD}\n other-1=postgres://db/other")
    assert [(one.name, one.kind) for one in found] == [
        ("shop", "postgresql"),
        ("other-1", "postgresql"),
    ]
    file = tmp_path / "sources"
    file.write_text(f"# the shop\n{GOOD}\n\n")
    assert parsed(str(file)) == found[:1]
    assert parsed("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:pw@db/shop",
        "shop=mysql://me:pw@db/shop",
        "shop=postgresql:///shop",
        "shop=postgresql://me:pw@db",
        "shop=postgresql://me:pw@db:port/shop",
        "Shop=postgresql://me:pw@db/shop",
        "shop=postgresql://[me:pw@db/shop",
        f"{GOOD} {GOOD}",
        "/no/such/file",
    ],
)
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadParameter) as caught:
        Settings({}, AGNES_SOURCES=text)
    assert "AGNES_SOURCES" in caught.value.message
    assert "pw" not in caught.value.message
    assert "name=postgresql://" in caught.value.message


def test_a_connection_that_nobody_named_is_named(tmp_path: Path) -> None:
    none = Settings({}, AGNES_DATA_DIR=str(tmp_path))
    with pytest.raises(BadParameter, match="AGNES_SOURCES names none"):
        sql.columns(none, "shop", "orders")
    some = Settings({}, AGNES_DATA_DIR=str(tmp_path), AGNES_SOURCES=GOOD)
    with pytest.raises(BadParameter, match="did you mean shop"):
        sql.columns(some, "shopp", "orders")
    for text in ("", " ", "a\0b", "x" * 20_001):
        with pytest.raises(BadParameter, match="statement"):
            sql.columns(some, "shop", text)
