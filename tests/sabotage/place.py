"""A system that can be broken: a local workspace and a schema of its own on a shared Spark server; its copies."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pandas as pd
import pytest
from pydantic import BaseModel

from ragops.platform.tables import Table
from ragops.platform.workspace import LANDING, Workspace
from ragops.usecase import UseCase, load_usecase
from tests.sabotage.traffic import Traffic
from tests.sabotage.world import World

HOME = "LOCALBUNDLE_HOME"


@dataclass(frozen=True)
class Place:
    """One system.

    Attributes:
        workspace: its schema.
        home: its local workspace's folder, with volumes and records of runs.
        world: its users, and how it answers them.
        made: what happened to them; None: as in the healthy system.
    """

    workspace: Workspace
    home: Path
    world: World
    made: Traffic | None = None

    @property
    def landing(self) -> Path:
        """The folder of its files."""
        return self.workspace.volume(LANDING)

    @property
    def use_case_file(self) -> Path:
        """Its usecase.yml."""
        return self.home / "usecase.yml"

    @property
    def use_case(self) -> UseCase:
        """Its use case as it is now."""
        return load_usecase(self.use_case_file)

    @property
    def now(self) -> datetime:
        """The time at which it is looked at."""
        return self.world.now

    def edit_use_case(self, *replaced: tuple[str, str], hours: float = 19.0) -> None:
        """Replaces parts of usecase.yml, that many hours ago."""
        text = self.use_case_file.read_text()
        for before, after in replaced:
            assert text.count(before) >= 1, before
            text = text.replace(before, after, 1)
        self.use_case_file.write_text(text)
        then = self.now.timestamp() - hours * 3600
        os.utime(self.use_case_file, (then, then))

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Runs a statement in which {NAME} is a table, for example {chunks}."""
        tables = {name: self.workspace.table(name) for name in self.tables()}
        return [row.asDict(True) for row in self.workspace.spark.sql(statement.format(**tables)).collect()]

    def tables(self) -> list[str]:
        """Names of its tables, without views."""
        schema = f"`{self.workspace.catalog}`.`{self.workspace.schema}`"
        rows = self.workspace.spark.sql(f"SHOW TABLES IN {schema}").collect()
        views = {row["viewName"] for row in self.workspace.spark.sql(f"SHOW VIEWS IN {schema}").collect()}
        return sorted({row["tableName"] for row in rows} - views)

    def write(self, table: Table, rows: Sequence[BaseModel]) -> None:
        """Replaces the table's rows."""
        table.create(self.workspace)
        frame = pd.DataFrame([tuple(row.model_dump().values()) for row in rows], columns=table.names, dtype=object)
        made = self.workspace.spark.createDataFrame(frame if len(frame) else [], table.schema)
        made.write.mode("overwrite").insertInto(self.workspace.table(table.name))

    def run_record(self, job: str, started: datetime, minutes: float, state: str = "SUCCESS") -> None:
        """Records a run of a job, as localbundle does."""
        number = uuid.uuid4().hex[:8]
        folder = self.home / "runs" / number
        folder.mkdir(parents=True)
        ended = started + timedelta(minutes=minutes)
        record = {"run_id": number, "job": job, "state": state, "started": started.isoformat()}
        (folder / "run.json").write_text(json.dumps(record | {"ended": ended.isoformat(), "pid": 1}))

    def folder(self, table: str) -> Path:
        """Where Spark keeps a table's files."""
        found = self.workspace.spark.sql(f"DESCRIBE DETAIL {self.workspace.table(table)}").collect()[0]["location"]
        return Path(urlparse(found).path)

    def backdate(self, by: timedelta, tables: Sequence[str] = ()) -> None:
        """Dates all commits to its tables back, as the history of Delta shows them."""
        for table in tables or self.tables():
            for file in (self.folder(table) / "_delta_log").glob("*.json"):
                then = file.stat().st_mtime - by.total_seconds()
                os.utime(file, (then, then))


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Commands and library code find this local workspace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME, str(home))
        yield


@contextmanager
def copied_files(base: Place, home: Path) -> Iterator[Place]:
    """A copy of a system's files, for faults that change no table but those of its use, which stay in memory.

    It has the same tables: nothing may write to them.
    """
    shutil.copytree(base.home, home)
    with at_home(home):
        yield replace(base, home=home)
    shutil.rmtree(home)


DOCUMENTS = ("documents", "chunks", "embeddings_")
"""The tables of documents and of what is made from them; the last one is a prefix."""


@contextmanager
def copied(base: Place, home: Path, tables: tuple[str, ...] = ("",)) -> Iterator[Place]:
    """A copy of a system, with its files and the history of its tables, to be broken.

    Args:
        base: the system.
        home: a new folder.
        tables: the first letters of the names of the tables that are copied.
    """
    workspace = Workspace(base.workspace.catalog, f"broken_{uuid.uuid4().hex[:10]}")
    shutil.copytree(base.home, home)
    volumes = home / "Volumes" / workspace.catalog
    (volumes / base.workspace.schema).rename(volumes / workspace.schema)
    with at_home(home):
        spark = workspace.spark
        schema = f"`{workspace.catalog}`.`{workspace.schema}`"
        spark.sql(f"CREATE SCHEMA {schema}")
        for name in [one for one in base.tables() if one.startswith(tables)]:
            target = home / "tables" / name
            shutil.copytree(base.folder(name), target)
            spark.sql(f"CREATE TABLE {workspace.table(name)} USING delta LOCATION '{target}'")
        place = replace(base, workspace=workspace, home=home)
        _take_over_files(place)
        try:
            yield place
        finally:
            spark.sql(f"DROP SCHEMA {schema} CASCADE")
            shutil.rmtree(home)


def _take_over_files(place: Place) -> None:
    """Copying changed the time at which the files' status changed last, which nobody can set: the table follows."""
    from ragops.corpus.documents.landing import list_files

    known = [(one.doc_id, one.changed_us, one.modified_us) for one in list_files(place.landing)]
    frame = place.workspace.spark.createDataFrame(known, "doc_id STRING, changed BIGINT, modified BIGINT")
    frame.createOrReplaceTempView("copied_files")
    before = set((place.folder("documents") / "_delta_log").glob("*.json"))
    place.sql(
        "MERGE INTO {documents} t USING copied_files f ON t.doc_id = f.doc_id WHEN MATCHED THEN UPDATE SET "
        "t.changed_us = f.changed, t.modified_at = timestamp_micros(f.modified)"
    )
    for file in set((place.folder("documents") / "_delta_log").glob("*.json")) - before:
        first = min(one.stat().st_mtime for one in before)
        last = max(one.stat().st_mtime for one in before)
        os.utime(file, (last + 1, last + 1)) if last > first else os.utime(file, (first + 1, first + 1))
