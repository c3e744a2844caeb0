"""What a task asks of the catalog: nothing but rows where all is there; else who lacks which right, on what."""

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
    """The SQL that is sent meanwhile; a statement that begins with `refused` is refused as Unity Catalog does it.

    Refused "table", tables may not be read.
    """
    sent: list[str] = []
    kind = type(workspace.spark)
    really, reads = kind.sql, kind.table

    def sql(self: object, statement: str, *arguments: object, **options: object) -> object:
        sent.append(statement)
        if statement.startswith(refused):
            raise AnalysisException(_REFUSAL)
        return really(self, statement, *arguments, **options)

    def table(self: object, name: str) -> object:
        if refused == "table":
            raise AnalysisException(_REFUSAL)
        return reads(self, name)

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


def test_what_is_there_is_looked_up_and_not_created(workspace: Workspace, landing: Path) -> None:
    """Unity Catalog refuses CREATE IF NOT EXISTS to whoever may not create, though it be there."""
    _run(workspace, landing)
    (landing / "b.md").write_text("# B\n\nMore text.\n")
    with _statements(workspace) as sent:
        _run(workspace, landing)
    assert [statement for statement in sent if _DEFINES.match(statement)] == []
    assert any(statement.startswith("MERGE INTO") for statement in sent)


@pytest.mark.parametrize(
    ("refused", "said"),
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
def test_whoever_lacks_a_right_is_reported_which_on_what(
    workspace: Workspace, landing: Path, refused: str, said: str
) -> None:
    if refused == "CREATE SCHEMA":
        workspace.spark.sql(f"DROP SCHEMA `{workspace.catalog}`.`{workspace.schema}` CASCADE")
    with _statements(workspace, refused), pytest.raises(UserError, match=said) as caught:
        _run(workspace, landing)
    assert "\n" not in str(caught.value)
    assert re.match(r"\S+ needs .*\(\[INSUFFICIENT_PERMISSIONS\] .*\); grant it: docs/rights.md", str(caught.value))
    workspace.create_schema()


def test_the_publishers_lock_needs_rows_of_its_table(workspace: Workspace) -> None:
    """What no run on a laptop shows: there the lock is a file."""
    row = DeltaRow(workspace, "passages")

    def used() -> set[tuple[str, str]]:
        with _statements(workspace) as sent:
            row.make()
            assert row.change(row.read(), token="mine")
        return set().union(*(needed(Request("publish", workspace.schema, "sql", one, "")) for one in sent))

    assert used() == {("rag", "CREATE_TABLE"), ("rag", "SELECT"), ("rag", "MODIFY")}
    assert used() == {("rag", "SELECT"), ("rag", "MODIFY")}
