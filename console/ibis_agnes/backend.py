"""The backend itself: what Ibis asks of one, over the client of questions."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import Any, ClassVar
from urllib.parse import ParseResult

import ibis.common.exceptions as exc
import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from ibis.backends.sql import SQLBackend

from console import credentials, query_client
from console.client import Client
from console.ibis_agnes import answers, frames
from console.ibis_agnes.compiler import AgnesCompiler
from console.ibis_agnes.read_only import ReadOnly
from schema.errors import AgnesError, NotFound


class Backend(ReadOnly, SQLBackend):  # type: ignore[misc]  # Ibis has no types
    """A connection to one console, as one person. Errors are those of `schema.errors`, with the
    server's words, and Ibis's own where Ibis has one."""

    name: ClassVar[str] = "agnes"
    compiler = AgnesCompiler()
    client: Client
    # Two connections are the same if they see the same rows.
    db_identity: str = "agnes, not connected"

    def do_connect(self, url: str | None = None, token: str | None = None) -> None:
        """Connect to a console.

        Parameters
        ----------
        url
            The console's address; by default the one of the environment (`AGNES_SERVER`) or of
            `agnes login`.
        token
            A token made there; by default the one of the environment (`AGNES_TOKEN`) or of
            `agnes login`.
        """
        address, token = credentials.current(url, token)
        client = Client(address, token)
        try:
            with _advised():
                client.me()
        except BaseException:
            client.close()
            raise
        self.client = client
        as_whom = hashlib.sha256((token or "").encode()).hexdigest()
        self.db_identity = f"agnes {client.server} {as_whom[:16]}"

    def disconnect(self) -> None:
        self.client.close()

    def _from_url(self, url: ParseResult, **options: Any) -> Backend:
        """`ibis.connect("agnes://agnes.example")`, over TLS unless it is this machine; without a
        name the console of `agnes login`."""
        address = None
        if url.netloc:
            plain = f"http://{url.netloc}"
            address = plain if credentials.is_this_machine(plain) else f"https://{url.netloc}"
            address += url.path.rstrip("/")
        found: Backend = self.connect(address, **options)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """A kept connection holds no token; `reconnect()` takes the one of whoever opens it."""
        return type(self), (self.client.server,)

    @property
    def version(self) -> str:
        return metadata.version("agnes-console")

    # What there is

    def list_tables(
        self, *, like: str | None = None, database: tuple[str, str] | str | None = None
    ) -> list[str]:
        """The tables that the caller may question, in alphabetical order; `like` is a regular
        expression."""
        _no_database(database)
        with _advised():
            found = query_client.catalog(self.client)["tables"]
        names: list[str] = self._filter_with_like([table["name"] for table in found], like)
        return names

    def get_schema(
        self, table_name: str, *, catalog: str | None = None, database: str | None = None
    ) -> sch.Schema:
        """Raises TableNotFound, which says what there is."""
        _no_database(catalog or database)
        try:
            columns = query_client.schema(self.client, table_name)["columns"]
        except NotFound as error:
            raise exc.TableNotFound(f"{error.message}. {error.detail}".rstrip()) from error
        return sch.Schema({column["name"]: dt.dtype(column["type"]) for column in columns})

    def sql(self, query: str, /, *, schema: Any = None, dialect: str | None = None) -> ir.Table:
        """One SELECT as a table. Its columns are asked of the server unless `schema` gives
        them."""
        select = _select(self._transpile_sql(query, dialect=dialect), self.dialect)
        return super().sql(select.sql(self.dialect, comments=False), schema=schema)

    def _get_schema_using_query(self, query: str) -> sch.Schema:
        nothing = _select(query, self.dialect).limit(0).sql(self.dialect)
        with _advised(), answers.Answer(self.client, nothing) as answer:
            for _ in answer:  # to its end, so that the server does not take us to have left
                pass
            return answers.kinds(answer.schema)

    # What is answered

    def to_pyarrow_batches(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[ir.Scalar, Any] | None = None,
        limit: int | str | None = None,
        chunk_size: int = 1_000_000,
        **_: Any,
    ) -> pa.RecordBatchReader:
        """The answer as it comes, in batches of at most `chunk_size` rows. It is asked for now;
        what goes wrong later is raised where the batches are read, as is that it was cut."""
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        sql = self.compile(table, params=params, limit=limit)
        with _advised():
            answer = answers.Answer(self.client, sql)
        return answers.reader(answer, table.schema(), chunk_size)

    def execute(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[ir.Scalar, Any] | None = None,
        limit: int | str | None = None,
        **_: Any,
    ) -> Any:
        """The answer as a DataFrame, a Series or a value of pandas."""
        found = self.to_pyarrow(expr.as_table(), params=params, limit=limit)
        return frames.result(expr, found)

    def to_polars(self, expr: ir.Expr, /, **options: Any) -> Any:
        if importlib.util.find_spec("polars") is None:
            raise ModuleNotFoundError(
                "to_polars() needs polars, which is not installed: pip install polars"
            )
        return super().to_polars(expr, **options)


def _select(query: str, dialect: Any) -> sqlglot.exp.Query:
    try:
        read = sqlglot.parse(query, dialect=dialect)
    except sqlglot.errors.SqlglotError as error:
        raise exc.IbisInputError(f"this SQL cannot be read: {error}") from error
    asked = [one for one in read if one is not None and not isinstance(one, sqlglot.exp.Semicolon)]
    if len(asked) != 1 or not isinstance(asked[0], sqlglot.exp.Query):
        raise exc.UnsupportedOperationError("con.sql takes one SELECT; nothing can be changed")
    return asked[0]


@contextmanager
def _advised() -> Iterator[None]:
    """Errors show their advice in a traceback, too."""
    try:
        yield
    except AgnesError as error:
        if error.detail:
            error.add_note(error.detail)
        raise


def _no_database(named: object) -> None:
    if named:
        raise exc.IbisInputError(f"there are no databases here to choose from, so not {named!r}")
