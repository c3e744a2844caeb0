"""Parameters of jobs and tasks as typed objects, with errors that name the parameter.

Each task has a class with exactly the parameters that it uses; its notebook declares the same ones as widgets. All
parameters of a job reach each of its notebooks, so a task's class ignores those that it does not declare.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from rich.table import Table

from ragops.assembly import encoder_recipe
from ragops.corpus.embeddings.interface import EncoderSource
from ragops.corpus.embeddings.recipes import Backend
from ragops.errors import UserError, explain
from ragops.platform import console
from ragops.platform.compute import on_databricks
from ragops.platform.deployment import job_values_hint
from ragops.platform.workspace import MODELS, Workspace, known_catalogs, models_folder
from ragops.text import closest
from ragops.usecase import UseCase, load_usecase

_NOT_IN_UNITY_CATALOG = ("spark_catalog", "hive_metastore")


class TaskParameters(BaseModel):
    """The parameters of every task: the catalog and the schema that it works in.

    A subclass adds fields, each with a description, that its notebook declares as widgets of the same names. A class
    that checks the parameters of a whole job forbids unknown names.
    """

    job: ClassVar[str] = "refresh"
    """The deployed job whose values an error about a wrong value shows."""
    creates_schema: ClassVar[bool] = False
    """Whether the task creates the schema if it does not exist."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    catalog: str = Field(description="the catalog that contains the schema")
    schema_name: str = Field(alias="schema", description="the schema with the tables and volumes")

    @field_validator("catalog")
    @classmethod
    def _exists(cls, name: str) -> str:
        known = known_catalogs()
        if known is not None and name not in known:
            raise ValueError(f"there is no such catalog here; use {' or '.join(known)}")
        if known is None and name in _NOT_IN_UNITY_CATALOG:
            raise ValueError(f"not a catalog of Unity Catalog; {job_values_hint(cls.job)}")
        return name

    @field_validator("schema_name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", name):
            raise ValueError("a schema's name has letters, digits and underscores only")
        return name

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """Validates the text values of widgets or of a command line.

        Raises:
            UserError: one line that names the first wrong parameter, its value and what is valid.
        """
        try:
            found = cls.model_validate(dict(given))
        except ValidationError as error:
            raise UserError(f"parameter {explain(error.errors())}{cls._suggestion(error)}") from error
        if on_databricks() and not (cls.creates_schema or found.workspace.exists()):
            schema = f"{found.catalog}.{found.schema_name}"
            raise UserError(f"parameter schema: {schema} does not exist or is not visible; {job_values_hint(cls.job)}")
        return found

    @classmethod
    def names(cls) -> dict[str, str]:
        """The parameters' names with their descriptions."""
        return {field.alias or name: field.description or "" for name, field in cls.model_fields.items()}

    def show(self) -> None:
        """Prints the parameters with their values and what they mean."""
        table = Table("parameter", "value", "meaning", box=None, pad_edge=False)
        for name, field in type(self).model_fields.items():
            table.add_row(field.alias or name, _as_text(getattr(self, name)), field.description)
        console.notebook().print(table, markup=False, highlight=False)

    @cached_property
    def workspace(self) -> Workspace:
        """The catalog and schema to work in."""
        return Workspace(self.catalog, self.schema_name)

    @classmethod
    def _suggestion(cls, error: ValidationError) -> str:
        first = error.errors()[0]
        if first["type"] != "extra_forbidden":
            return ""
        close = closest(str(first["loc"][0]), cls.names())
        return f"; did you mean {close}?" if close else f"; there are {', '.join(cls.names())}"


class LandingParameters(TaskParameters):
    """For tasks that use the folder of documents."""

    landing: str = Field(description="the folder of documents")

    @field_validator("landing")
    @classmethod
    def _absolute_landing(cls, path: str) -> str:
        return absolute(path)

    @property
    def landing_folder(self) -> Path:
        """The folder of documents on this machine."""
        return self.workspace.path(self.landing)


class StartedParameters(TaskParameters):
    """For tasks that measure how long their job's run takes."""

    started: datetime | None = Field(
        default=None, description="when the job's run began, in milliseconds since 1970; empty: not measured"
    )

    @field_validator("started", mode="before")
    @classmethod
    def _not_empty(cls, given: object) -> object:
        return None if given == "" else given

    @field_validator("started")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


class UseCaseParameters(TaskParameters):
    """For tasks that use the use case."""

    usecase: Path = Field(description="the use case file with the settings of every stage")

    @cached_property
    def use_case(self) -> UseCase:
        """The use case. Raises UserError if it is missing or wrong."""
        return load_usecase(self.workspace.path(self.usecase))


class EncoderParameters(UseCaseParameters):
    """For tasks that use the use case's encoders: packages on a laptop, files on a volume in a workspace."""

    models: str = Field(
        default="", description="the folder with the encoders' files in a workspace; empty: the schema's own volume"
    )

    @cached_property
    def use_case(self) -> UseCase:
        """The use case, with its encoders read from where this machine has them."""
        use_case = load_usecase(self.workspace.path(self.usecase))
        if not on_databricks():
            return use_case
        return use_case.with_files_in(Path(self.models or self.workspace.volume(MODELS)))

    def encoder_source(self, backend: Backend = "openvino", threads: int = 1) -> EncoderSource:
        """How to load the embedding model; one for the CPU is converted here, once. 0 threads for all cores."""
        return encoder_recipe(self.use_case, models_folder(self.workspace), backend, threads)


def absolute(path: str) -> str:
    """The path. Raises ValueError if it is relative."""
    if not Path(path).is_absolute():
        raise ValueError("give an absolute path, such as /Volumes/... or /path/to/folder")
    return path


def listed(names: str) -> tuple[str, ...]:
    """The names in a comma-separated list."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
