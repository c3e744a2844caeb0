from datetime import date, datetime
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from ragops.platform.tables import Column, Float32, Int32, Table
from ragops.platform.workspace import Workspace


class Row(BaseModel):
    key: str = Field(description="The key; it's quoted.")
    kind: Literal["a", "b"] = Field(description="One of two.")
    group_: str = Field(alias="group", description="A name that Python reserves.")
    count: int = Field(description="A number.")
    small: Int32 | None = Field(default=None, description="A small number.")
    share: float | None = Field(default=None, description="From 0 to 1.")
    is_new: bool = Field(description="Whether it is new.")
    at: datetime = Field(description="When.")
    day: date = Field(description="The day.")
    path: tuple[str, ...] = Field(description="The headings.")
    vector: list[Float32] = Field(description="The vector.")
    hashes: list[int] | None = Field(default=None, description="Hashes.")


ROWS = Table.of(Row, name="rows", comment="It's a test.", key="key", cluster_by="day", informative=("at",))


def test_columns_come_from_the_fields_of_a_row() -> None:
    assert ROWS.columns == (
        Column("key", "STRING", "The key; it's quoted."),
        Column("kind", "STRING", "One of two."),
        Column("group", "STRING", "A name that Python reserves."),
        Column("count", "BIGINT", "A number."),
        Column("small", "INT", "A small number."),
        Column("share", "DOUBLE", "From 0 to 1."),
        Column("is_new", "BOOLEAN", "Whether it is new."),
        Column("at", "TIMESTAMP", "When."),
        Column("day", "DATE", "The day."),
        Column("path", "ARRAY<STRING>", "The headings."),
        Column("vector", "ARRAY<FLOAT>", "The vector."),
        Column("hashes", "ARRAY<BIGINT>", "Hashes."),
    )
    assert (ROWS.name, ROWS.comment, ROWS.key, ROWS.cluster_by) == ("rows", "It's a test.", "key", "day")
    assert ROWS.informative == ("at",)


def test_the_schema_is_a_ddl_string() -> None:
    assert ROWS.schema.startswith("`key` STRING, `kind` STRING, `group` STRING, `count` BIGINT, `small` INT, ")


def test_the_statement_creates_a_clustered_table_with_comments_and_a_change_feed() -> None:
    few = Table("notes", "It's \\ a test", "key", (Column("key", "STRING", "It's the key."),), cluster_by="key")
    assert few.create_statement(Workspace("main", "rag")) == (
        "CREATE TABLE IF NOT EXISTS `main`.`rag`.`notes` (`key` STRING COMMENT 'It\\'s the key.') USING delta "
        "CLUSTER BY (`key`) COMMENT 'It\\'s \\\\ a test' TBLPROPERTIES (delta.enableChangeDataFeed = true)"
    )


def test_a_field_without_a_description_is_refused() -> None:
    class Undescribed(BaseModel):
        key: str

    with pytest.raises(TypeError, match="Undescribed.key: a description"):
        Table.of(Undescribed, name="t", comment="", key="key")


def test_a_field_whose_type_spark_does_not_have_is_refused() -> None:
    class Unknown(BaseModel):
        key: list[bytes] = Field(description="Bytes.")

    with pytest.raises(TypeError, match="Unknown.key: a Spark type"):
        Table.of(Unknown, name="t", comment="", key="key")
