"""What every job's parameters have in common: the workspace, the use case, and errors that name the parameter."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ragops.assembly import encoder_recipe
from ragops.corpus.embeddings.interface import EncoderSource
from ragops.corpus.embeddings.recipes import Backend
from ragops.errors import UserError, explain
from ragops.platform.compute import on_databricks
from ragops.platform.deployment import job_values_hint
from ragops.platform.workspace import MODELS, Workspace, known_catalogs, models_folder
from ragops.usecase import UseCase, load_usecase

_NOT_OF_UNITY_CATALOG = ("spark_catalog", "hive_metastore")


class JobParameters(BaseModel):
    """Parameters of any job. A job's own class adds those that its resources/NAME.job.yml declares.

    `models` is the folder in which a workspace has the encoders' files, "" for the schema's own volume;
    laptops have packages instead.
    """

    job: ClassVar[str] = "refresh"
    """The job whose values are told where somebody by hand gives wrong ones."""
    makes_schema: ClassVar[bool] = False
    """Whether a schema that is not there yet is made by these tasks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    catalog: str
    schema_name: str
    usecase: Path
    models: str = ""

    @field_validator("catalog")
    @classmethod
    def _known(cls, name: str) -> str:
        known = known_catalogs()
        if known is not None and name not in known:
            raise ValueError(f"there is no such catalog here; use {' or '.join(known)}")
        if known is None and name in _NOT_OF_UNITY_CATALOG:
            raise ValueError(f"that is not Unity Catalog's; {job_values_hint(cls.job)}")
        return name

    @field_validator("schema_name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", name):
            raise ValueError("a schema's name has letters, digits and underscores only")
        return name

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """Types what widgets or the command line give.

        Raises:
            UserError: one line that names the first wrong parameter, what it is and what it may be.
        """
        try:
            found = cls.model_validate({("schema_name" if k == "schema" else k): v for k, v in given.items()})
        except ValidationError as error:
            line = explain(error.errors()).replace("schema_name", "schema")
            raise UserError(f"parameter {line}{cls._nearest(error)}") from error
        if on_databricks() and not (cls.makes_schema or found.workspace.exists()):
            place = f"{found.catalog}.{found.schema_name}"
            raise UserError(f"parameter schema: there is no {place}, or none for you; {job_values_hint(cls.job)}")
        return found

    @cached_property
    def workspace(self) -> Workspace:
        """The catalog and schema to work in."""
        return Workspace(self.catalog, self.schema_name)

    @cached_property
    def use_case(self) -> UseCase:
        """The use case that the parameter `usecase` names, with its encoders as this place has them."""
        use_case = load_usecase(self.workspace.path(self.usecase))
        return (
            use_case.with_files_in(Path(self.models or self.workspace.volume(MODELS))) if on_databricks() else use_case
        )

    def _encoder(self, backend: Backend, threads: int = 1) -> EncoderSource:
        """The recipe for the use case's embedding model in this place; 0 threads for all."""
        return encoder_recipe(self.use_case, models_folder(self.workspace), backend, threads)

    @classmethod
    def _nearest(cls, error: ValidationError) -> str:
        first = error.errors()[0]
        known = [name.replace("schema_name", "schema") for name in cls.model_fields]
        if first["type"] != "extra_forbidden":
            return ""
        close = difflib.get_close_matches(str(first["loc"][0]), known, n=1)
        return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def check_job(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of a job that has no others, before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    _ = JobParameters.read(given).use_case
