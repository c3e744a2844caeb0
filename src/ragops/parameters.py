"""The parameters of jobs as typed objects. Checked before anything starts, and read by notebooks in the same way."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ragops.embeddings.encoder import EncoderSource
from ragops.embeddings.model import fingerprint
from ragops.embeddings.sources import Backend, encoder_source
from ragops.errors import UserError
from ragops.usecase import UseCase, evaluation_questions, explain, load_usecase
from ragops.workspace import Workspace, known_catalogs, models_folder, serving_access

if TYPE_CHECKING:
    from ragops.index.publish import RecallGuard

# Enough to see a drop of some points, few enough to cost a publish about a second.
GUARD_QUESTIONS = 100


class RefreshParameters(BaseModel):
    """Parameters of the refresh job, as resources/refresh.job.yml declares them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    catalog: str
    schema_name: str
    landing: str
    usecase: Path
    encoder: Backend
    allow_deletes: bool = False

    @field_validator("catalog")
    @classmethod
    def _known(cls, name: str) -> str:
        known = known_catalogs()
        if known is not None and name not in known:
            raise ValueError(f"there is no such catalog here; use {' or '.join(known)}")
        return name

    @field_validator("schema_name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", name):
            raise ValueError("a schema's name has letters, digits and underscores only")
        return name

    @field_validator("landing")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not Path(path).is_absolute():
            raise ValueError("give an absolute path, such as /Volumes/... or /path/to/folder")
        return path

    @classmethod
    def read(cls, given: Mapping[str, str]) -> RefreshParameters:
        """Types what widgets or the command line give.

        Raises:
            UserError: one line that names the first wrong parameter, what it is and what it may be.
        """
        try:
            return cls.model_validate({("schema_name" if k == "schema" else k): v for k, v in given.items()})
        except ValidationError as error:
            line = explain(error.errors()).replace("schema_name", "schema").replace("Value error, ", "")
            raise UserError(f"parameter {line}{_nearest(error, given)}") from error

    @cached_property
    def workspace(self) -> Workspace:
        """The catalog and schema to work in."""
        return Workspace(self.catalog, self.schema_name)

    @cached_property
    def card(self) -> UseCase:
        """The card that the parameter `usecase` names."""
        return load_usecase(self.workspace.path(self.usecase))

    @property
    def landing_folder(self) -> Path:
        """The folder to read, in this place."""
        return self.workspace.path(self.landing)

    @property
    def max_delete_fraction(self) -> float:
        """The share of documents that may go at once: the card's, unless this run allows all."""
        return 1.0 if self.allow_deletes else self.card.documents.max_delete_fraction

    def encoder_source(self) -> EncoderSource:
        """The recipe for the card's embedding model in this place; a model for the CPU is converted here, once."""
        return self._source(self.encoder)

    def convert_model(self) -> None:
        """Makes the CPU's version of the model where torch is at hand, since publishing and searching need it later."""
        if not self.card.embedding.is_endpoint:
            self._source("openvino")

    def recall_guard(self) -> RecallGuard | None:
        """What keeps a generation that finds less from being published; None when the card names no questions."""
        questions = evaluation_questions(self.card, self.workspace.path(self.usecase).parent)
        if not questions:
            return None
        # Chroma takes seconds to import, and two of the three tasks do without it.
        from ragops.retrieval.recall import RecallMeter

        source = self._source("openvino", threads=0)
        meter = RecallMeter(questions[:GUARD_QUESTIONS], source, fingerprint(self.card.embedding))
        return meter.guard(self.card.index.max_recall_drop)

    def _source(self, backend: Backend, threads: int = 1) -> EncoderSource:
        base_url, token = serving_access()
        return encoder_source(
            self.card.embedding,
            backend,
            converted=models_folder(self.workspace),
            threads=threads,
            base_url=base_url,
            token=token,
        )


def check_refresh(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the refresh job before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the mend.
    """
    parameters = RefreshParameters.read(given)
    _ = parameters.card
    if not parameters.landing_folder.is_dir():
        raise UserError(
            f"parameter landing: no folder {parameters.landing_folder}; give landing=/path/to/folder, "
            "or lay the sample corpus there: ragops sample"
        )


def _nearest(error: ValidationError, given: Mapping[str, str]) -> str:
    first = error.errors()[0]
    known = [name.replace("schema_name", "schema") for name in RefreshParameters.model_fields]
    if first["type"] != "extra_forbidden":
        return ""
    close = difflib.get_close_matches(str(first["loc"][0]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
