"""Where the data lives: one setting, `AGNES_ENGINE`, names the database; only the Store talks to
it.

Today there is one engine, DuckDB embedded in the server's process. What differs between engines
belongs here.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import ibis
import ibis.expr.types as ir

from schema.bind import to_placeholders
from schema.errors import BadParameter, Conflict, Unavailable

ENGINES = ("duckdb:///<path>",)


@dataclass(frozen=True)
class Location:
    """A parsed `AGNES_ENGINE`."""

    path: Path

    @classmethod
    def parse(cls, url: str) -> Location:
        """`duckdb:///relative/or/absolute/path`. Raises BadParameter for anything else."""
        parts = urlsplit(url)
        path = unquote(parts.path)
        more = parts.netloc or parts.query or parts.fragment
        if parts.scheme != "duckdb" or more or len(path) < 2:
            raise BadParameter("AGNES_ENGINE", url, "use " + " or ".join(ENGINES))
        # duckdb:///a is relative, duckdb:////a absolute, as in SQLAlchemy's URLs.
        return cls(Path(path[1:]))


class Engine:
    """An open DuckDB file: compiles expressions, hands out cursors. One a process."""

    def __init__(
        self, path: Path, *, memory_limit: str = "256MB", threads: int | None = None
    ) -> None:
        self.path = path
        config = {
            "memory_limit": memory_limit,
            "threads": str(threads or os.cpu_count() or 2),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "temp_directory": str(path.parent / "tmp"),
            # The store folds the log into the file itself, between commits: a commit that does it
            # and finds the disk full fails although its rows are in the log.
            "wal_autocheckpoint": "1TB",
        }
        try:
            self._backend: Any = ibis.duckdb.connect(str(path), **config)
        except duckdb.IOException as error:
            raise held_or_unreadable(path, error) from error
        self.root: duckdb.DuckDBPyConnection = self._backend.con
        # GLOBAL, because cursors do not inherit a plain SET.
        self.root.execute("SET GLOBAL TimeZone='UTC'")
        self._compiling = threading.Lock()  # Ibis's compiler keeps state while it works

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.root.cursor()

    def compile(self, expression: ir.Expr) -> str:
        """SQL text; bind points become `$name`."""
        with self._compiling:
            tree = self._backend.compiler.to_sqlglot(expression.as_table())
            return str(to_placeholders(tree).sql(dialect="duckdb"))

    def close(self) -> None:
        self.root.close()


def held_or_unreadable(path: Path, error: duckdb.Error) -> Conflict | Unavailable:
    """Why a file cannot be opened, in words. DuckDB's own message names the process that holds
    it."""
    text = str(error).split("\n")[0]
    if "set lock on file" in text:
        return Conflict(
            f"{path} is held by another process: {text}",
            detail="Stop the running server first; only one process may write this file.",
        )
    return Unavailable(f"cannot open {path}: {text}", detail="Run `agnes doctor` on this machine.")
