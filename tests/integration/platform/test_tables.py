"""Tables are created, compared and merged on real Delta."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.errors import AnalysisException

from ragops.platform import tables
from ragops.platform.merge import difference, ids_frame, merge
from ragops.platform.slices import map_rows
from ragops.platform.tables import Column, Table
from ragops.platform.workspace import Workspace

NOTES = Table(
    name="notes",
    comment="It's a \\ test",
    key="note",
    cluster_by="page",
    informative=("written",),
    columns=(
        Column("note", "STRING", "the key; it's quoted"),
        Column("page", "STRING", "where it is"),
        Column("version", "INT", "of the page"),
        Column("written", "INT", "only informs"),
    ),
)
SOURCE = "note STRING, page STRING, version INT, written INT"
Rows = list[tuple[str, str, int, int]]


def stored(workspace: Workspace) -> set[tuple[str, str, int]]:
    return {(row["note"], row["page"], row["version"]) for row in NOTES.read(workspace).collect()}


def refresh(workspace: Workspace, rows: Rows) -> tuple[int, int, int]:
    source = workspace.spark.createDataFrame(rows, SOURCE)
    found = difference({row[1]: row[2] for row in rows}, {(page, version) for _, page, version in stored(workspace)})
    new = source.join(ids_frame(workspace, "page", found.changed), "page", "left_semi")
    old = NOTES.read(workspace).join(ids_frame(workspace, "page", found.stale), "page", "left_semi")
    done = merge(workspace, NOTES, new, replacing=old.select("note"))
    return done.inserted, done.updated, done.deleted


def test_a_table_keeps_its_comments(workspace: Workspace) -> None:
    NOTES.create(workspace)
    NOTES.create(workspace)
    described = workspace.spark.sql(f"DESCRIBE {workspace.table('notes')}").toPandas()
    assert described.set_index("col_name")["comment"]["note"] == "the key; it's quoted"


def test_a_table_that_another_session_is_creating_is_waited_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder exists without a first commit: Delta takes that for files that are not its own."""
    schema = workspace.spark.sql(f"DESCRIBE SCHEMA EXTENDED `{workspace.catalog}`.`{workspace.schema}`").collect()
    location = next(row[1] for row in schema if row[0] == "Location")
    begun = Path(location.removeprefix("file:")) / NOTES.name / "begun"
    begun.parent.mkdir(parents=True)
    begun.touch()
    waits: list[float] = []

    def end_creation(seconds: float) -> None:
        waits.append(seconds)
        begun.unlink()
        NOTES._create(workspace)

    with monkeypatch.context() as patch:
        patch.setattr(tables, "_FIRST_COMMIT_SECONDS", 0)
        with pytest.raises(AnalysisException, match="not empty and also not a Delta table"):
            NOTES.create(workspace)
    # Only tenacity's sleep: threads of earlier tests may sleep too.
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=end_creation))
    NOTES.create(workspace)
    assert len(waits) == 1
    assert stored(workspace) == set()


def test_rows_are_added_changed_and_deleted_in_one_commit(workspace: Workspace) -> None:
    NOTES.create(workspace)
    assert refresh(workspace, [("a", "1", 1, 0), ("b", "1", 1, 0), ("c", "2", 1, 0)]) == (3, 0, 0)
    assert refresh(workspace, [("a", "1", 2, 0), ("d", "1", 2, 0)]) == (1, 1, 2)
    assert stored(workspace) == {("a", "1", 2), ("d", "1", 2)}
    history = workspace.spark.sql(f"DESCRIBE HISTORY {workspace.table('notes')}").toPandas()
    assert list(history["operation"]) == ["MERGE", "MERGE", "CREATE TABLE"]


def test_a_difference_in_an_informative_column_changes_no_row(workspace: Workspace) -> None:
    NOTES.create(workspace)
    merge(workspace, NOTES, workspace.spark.createDataFrame([("a", "1", 1, 1)], SOURCE))
    done = merge(workspace, NOTES, workspace.spark.createDataFrame([("a", "1", 1, 2)], SOURCE))
    assert (done.inserted, done.updated, done.deleted) == (0, 0, 0)


def test_an_expensive_source_runs_once(workspace: Workspace, tmp_path: Path) -> None:
    NOTES.create(workspace)
    log = tmp_path / "rows"

    def expensive(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            with log.open("a") as lines:
                lines.writelines(f"{note}\n" for note in batch["note"])
            yield batch

    source = workspace.spark.createDataFrame([("a", "1", 1, 0), ("b", "2", 1, 0)], SOURCE)
    merge(workspace, NOTES, source.mapInPandas(expensive, SOURCE), replacing=NOTES.read(workspace).select("note"))
    assert sorted(log.read_text().split()) == ["a", "b"]


PAGES = st.dictionaries(st.sampled_from("123"), st.integers(1, 4), max_size=3)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(PAGES, min_size=2, max_size=3))
def test_any_sequence_of_states_is_reached(workspace: Workspace, states: list[dict[str, int]]) -> None:
    """A page in version n has the notes 0 to n - 1."""
    NOTES.create(workspace)
    for state in states:
        rows = [(f"{page}-{i}", page, version, 0) for page, version in state.items() for i in range(version)]
        refresh(workspace, rows)
        assert stored(workspace) == {row[:3] for row in rows}


@pytest.mark.parametrize("rows", [0, 1, 16, 17])
def test_rows_made_here_and_by_spark_are_the_same(workspace: Workspace, rows: int) -> None:
    """Few rows are made in this process; null numbers stay null."""

    def noted(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for number in batch["id"]:
                written = None if number % 2 else number
                yield pd.DataFrame([{"note": f"n{number}", "page": None, "version": number, "written": written}])

    made = map_rows(workspace.spark.range(rows), rows, noted, NOTES).collect()
    assert {(row["note"], row["version"]): row["written"] for row in made} == {
        (f"n{number}", number): None if number % 2 else number for number in range(rows)
    }


def test_a_table_of_an_earlier_version_gets_the_missing_columns(workspace: Workspace) -> None:
    NOTES.create(workspace)
    merge(workspace, NOTES, workspace.spark.createDataFrame([("a", "1", 1, 1)], SOURCE))
    later = replace(NOTES, columns=(*NOTES.columns, Column("color", "STRING", "Its color's name.")))
    later.create(workspace)
    later.create(workspace)
    assert [row["color"] for row in later.read(workspace).collect()] == [None]
    result = workspace.spark.sql(f"DESCRIBE {workspace.table(NOTES.name)}").where("col_name = 'color'").collect()
    assert [row["comment"] for row in result] == ["Its color's name."]
