"""Delta tables: declared once, from a pydantic model of their rows; created and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_fixed

from ragops.errors import needing
from ragops.platform.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


Row = TypeVar("Row")


@dataclass(frozen=True)
class SparkType:
    """The Spark SQL type of a column whose Python type leaves a choice; used in `Annotated`."""

    name: str


Int32 = Annotated[int, SparkType("INT")]
"""A field of a row that is an INT column; a plain `int` is BIGINT."""
Float32 = Annotated[float, SparkType("FLOAT")]
"""A field of a row that is a FLOAT column; a plain `float` is DOUBLE."""

_TYPES = {str: "STRING", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", datetime: "TIMESTAMP", date: "DATE"}
# Errors of open-source Delta while another session creates the same table: its folder exists without a commit, or
# the first commit exists and the catalog does not know the table yet.
_BEING_CREATED = r"(?s).*(DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION|DELTA_PROTOCOL_CHANGED|DELTA_METADATA_CHANGED)"
_FIRST_COMMIT_SECONDS = 30


@dataclass(frozen=True)
class Column:
    """One column: its name, its Spark SQL type, and a comment on its content."""

    name: str
    type: str
    comment: str

    @property
    def ddl(self) -> str:
        """The column in a CREATE or ALTER statement."""
        return f"`{self.name}` {self.type} COMMENT {quoted(self.comment)}"


@dataclass(frozen=True)
class Table:
    """One Delta table.

    Attributes:
        name: without catalog and schema.
        comment: what the table is for.
        key: the column that identifies a row.
        columns: in order.
        cluster_by: the column by which files are clustered.
        informative: columns in which a difference alone does not make a row count as changed.
    """

    name: str
    comment: str
    key: str
    columns: tuple[Column, ...]
    cluster_by: str | None = None
    informative: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        row: type[BaseModel],
        *,
        name: str,
        comment: str,
        key: str,
        cluster_by: str | None = None,
        informative: tuple[str, ...] = (),
    ) -> Table:
        """The table of a row type: a column for each field, with its name, type and description.

        Types: str and Literal of strings are STRING, int BIGINT, float DOUBLE, bool BOOLEAN, datetime TIMESTAMP,
        date DATE, `list[X]` and `tuple[X, ...]` ARRAY. `Int32`, `Float32` and `Annotated[..., SparkType(...)]` choose
        another type. "| None" changes nothing: every column may be null. A field's alias is the column's name.

        Raises:
            TypeError: a field has no description, or its type no counterpart in Spark.
        """
        columns = tuple(_column(row, field) for field in row.model_fields)
        return cls(name, comment, key, columns, cluster_by, informative)

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> str:
        """The columns as a Spark DDL string, for mapInPandas and createDataFrame."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    def create_statement(self, workspace: Workspace) -> str:
        """The CREATE TABLE statement in a workspace."""
        columns = ", ".join(column.ddl for column in self.columns)
        cluster = f" CLUSTER BY (`{self.cluster_by}`)" if self.cluster_by else ""
        return (
            f"CREATE TABLE IF NOT EXISTS {workspace.table(self.name)} ({columns}) USING delta{cluster} "
            f"COMMENT {quoted(self.comment)} TBLPROPERTIES (delta.enableChangeDataFeed = true)"
        )

    def create(self, workspace: Workspace) -> None:
        """Creates the table if it does not exist, and adds columns that an earlier version of it lacks.

        Never replaces a table, since readers follow its history.

        Raises:
            NotPermitted: it does not exist or lacks columns, and the current user may not create or change it.
        """
        if not self._exists(workspace):
            for attempt in Retrying(
                retry=retry_if_exception_message(match=_BEING_CREATED),
                stop=stop_after_delay(_FIRST_COMMIT_SECONDS),
                wait=wait_fixed(0.2),
                reraise=True,
            ):
                with attempt:
                    self._create(workspace)
            return
        present = {name.casefold() for name in self.read(workspace).columns}
        if new := [column.ddl for column in self.columns if column.name.casefold() not in present]:
            statement = f"ALTER TABLE {workspace.table(self.name)} ADD COLUMNS ({', '.join(new)})"
            workspace.execute(statement, "MODIFY", f"table {workspace.registered(self.name)}")

    def read(self, workspace: Workspace) -> DataFrame:
        """The table's rows.

        Reads the schema at once: an error at the time of the rows could no longer be attributed to this table.

        Raises:
            NotPermitted: the current user may not read them.
        """
        with needing("SELECT", f"table {workspace.registered(self.name)}"):
            rows = workspace.spark.table(workspace.table(self.name))
            _ = rows.schema
        return rows

    def _exists(self, workspace: Workspace) -> bool:
        return workspace.spark.catalog.tableExists(workspace.table(self.name))

    def _create(self, workspace: Workspace) -> None:
        schema = f"schema {workspace.catalog}.{workspace.schema}"
        try:
            workspace.execute(self.create_statement(workspace), "CREATE TABLE", schema)
        except Exception:  # another session created it at the same time, which is reported in several ways
            if not self._exists(workspace):
                raise


def objects(kind: Callable[..., Row], rows: DataFrame) -> list[Row]:
    """Rows as objects of their type, with times in UTC: Spark returns local times without a time zone.

    Args:
        kind: the row type, whose fields are the columns.
        rows: are collected.
    """
    return [kind(**{name: _in_utc(value) for name, value in row.asDict().items()}) for row in rows.collect()]


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def quoted(text: str) -> str:
    """A text as a literal of Spark SQL. Open-source Delta's parser binds no parameters (delta-io/delta #7640)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _column(row: type[BaseModel], name: str) -> Column:
    field = row.model_fields[name]
    chosen = [entry.name for entry in field.metadata if isinstance(entry, SparkType)]
    spark_type = chosen[0] if chosen else _spark_type(field.annotation)
    if not spark_type or not field.description:
        raise TypeError(f"{row.__name__}.{name}: {'a description' if spark_type else 'a Spark type'} is missing")
    return Column(field.alias or name, spark_type, field.description)


def _spark_type(annotation: Any) -> str | None:  # noqa: ANN401 - a type, or a form of typing
    """None where Spark has no counterpart."""
    origin = get_origin(annotation)
    parts = [part for part in get_args(annotation) if part not in (NoneType, Ellipsis)]
    if origin is Annotated:
        chosen = [entry.name for entry in parts[1:] if isinstance(entry, SparkType)]
        return chosen[0] if chosen else _spark_type(parts[0])
    if origin is Literal:
        return _spark_type(type(parts[0]))
    if origin in (list, tuple):
        element = _spark_type(parts[0])
        return f"ARRAY<{element}>" if element else None
    if len(parts) == 1:  # X | None
        return _spark_type(parts[0])
    return _TYPES.get(annotation)
