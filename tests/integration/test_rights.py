"""Rights that a task needs: only rows if everything exists; a missing right is reported with its thing and user."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException

from ragops.answers.llms.ledger.stage import merge_ledger
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.index.locks.delta_row import DeltaRow
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from tests.support.needs import needed
from tests.support.recorded import Request

_REFUSAL = "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser does not have permission"
_DEFINES = re.compile(r"\s*(CREATE|ALTER|DROP|GRANT|COMMENT)\b", re.I)


@contextmanager
def _statements(workspace: Workspace, refused: str = "never") -> Iterator[list[str]]:
    """Records the SQL sent in the block. Statements that begin with `refused` are refused as Unity Catalog does.

    With `refused` "table", tables cannot be read.
    """
    sent: list[str] = []
    kind = type(workspace.spark)
    original, read_table = kind.sql, kind.table

    def sql(self: object, statement: str, *arguments: object, **options: object) -> object:
        sent.append(statement)
        if statement.startswith(refused):
            raise AnalysisException(_REFUSAL)
        return original(self, statement, *arguments, **options)

    def table(self: object, name: str) -> object:
        if refused == "table":
            raise AnalysisException(_REFUSAL)
        return read_table(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "sql", sql)
        patch.setattr(kind, "table", table)
        yield sent


def _run(workspace: Workspace, landing: Path) -> None:
    workspace.create_schema()
    refresh_documents(workspace, landing, ParseLimits())
    merge_ledger(workspace)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.md").write_text("# A\n\nSome text.\n")
    return tmp_path / "landing"


def test_existing_schemas_and_tables_are_not_created_again(workspace: Workspace, landing: Path) -> None:
    """Unity Catalog refuses CREATE IF NOT EXISTS to users who may not create, even if the object exists."""
    _run(workspace, landing)
    (landing / "b.md").write_text("# B\n\nMore text.\n")
    with _statements(workspace) as sent:
        _run(workspace, landing)
    assert [statement for statement in sent if _DEFINES.match(statement)] == []
    assert any(statement.startswith("MERGE INTO") for statement in sent)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("CREATE SCHEMA", r"needs CREATE SCHEMA on catalog spark_catalog \("),
        ("CREATE TABLE", r"needs CREATE TABLE on schema spark_catalog\.\w+, with USE CATALOG and USE SCHEMA"),
        ("CREATE VIEW", r"needs CREATE TABLE on schema spark_catalog\.\w+, with USE CATALOG and USE SCHEMA"),
        (
            "MERGE INTO",
            r"needs MODIFY and SELECT on table spark_catalog\.\w+\.documents, with USE CATALOG and USE SCHEMA",
        ),
        ("table", r"needs SELECT on table spark_catalog\.\w+\.documents, with USE CATALOG and USE SCHEMA"),
    ],
)
def test_a_missing_right_is_reported_with_the_thing_it_is_needed_on(
    workspace: Workspace, landing: Path, refused: str, message: str
) -> None:
    if refused == "CREATE SCHEMA":
        workspace.spark.sql(f"DROP SCHEMA `{workspace.catalog}`.`{workspace.schema}` CASCADE")
    with _statements(workspace, refused), pytest.raises(UserError, match=message) as caught:
        _run(workspace, landing)
    assert "\n" not in str(caught.value)
    assert re.match(r"\S+ needs .*\(\[INSUFFICIENT_PERMISSIONS\] .*\); grant it: .*docs/rights.md", str(caught.value))
    workspace.create_schema()


def test_the_publish_lock_needs_to_read_and_modify_its_table(workspace: Workspace) -> None:
    """Runs on a laptop do not show it: there the lock is a file."""
    row = DeltaRow(workspace, "passages")

    def used() -> set[tuple[str, str]]:
        with _statements(workspace) as sent:
            row.make()
            assert row.change(row.read(), token="mine")
        return set().union(*(needed(Request("publish", workspace.schema, "sql", one, "")) for one in sent))

    assert used() == {("rag", "CREATE_TABLE"), ("rag", "SELECT"), ("rag", "MODIFY")}
    assert used() == {("rag", "SELECT"), ("rag", "MODIFY")}
