"""The card (usecase.yml) as one typed object: the problem, its success criteria and SLAs, and every stage's settings.

Settings are the rooms' own types, so that a room can be used, and read, without the card.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ragops.chunks.splitter import ChunkSizes
from ragops.documents.limits import ParseLimits
from ragops.embeddings.model import EmbeddingModel
from ragops.errors import UserError
from ragops.llms.policy import Classification
from ragops.llms.settings import QUOTES_ONLY, Models
from ragops.sample.questions import Question, load_questions


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Criterion(_Section):
    """One success criterion: a measure on the evaluation set and the floor it must reach."""

    measure: Literal["recall_at_1", "recall_at_5", "recall_at_10", "mrr", "ndcg_at_10"]
    at_least: float = Field(ge=0, le=1)
    why: str


class ServiceLevels(_Section):
    """Promises to the users, in the units their names give."""

    freshness_minutes: float = Field(gt=0)
    search_p95_ms: float = Field(gt=0)
    refresh_minutes: float = Field(gt=0)


class Corpus(_Section):
    """Whose documents these are and how they may be handled."""

    owner: str
    classification: Classification
    languages: tuple[str, ...]


class Documents(_Section):
    """Limits for reading one document, and the brake on deletions."""

    max_delete_fraction: float = Field(default=0.2, ge=0, le=1)
    limits: ParseLimits = ParseLimits()


class Index(_Section):
    """How many generations are kept, and what a new one must not lose."""

    keep_generations: int = Field(default=3, ge=1)
    max_recall_drop: float = Field(default=0.05, ge=0, le=1)
    candidates: int = Field(default=50, gt=0)


class Evaluation(_Section):
    """Where the questions with known answers are: "sample" for those about the sample corpus, else a JSONL file's path.

    A relative path counts from the card. Without questions nothing is measured.
    """

    questions: str | None = None


class UseCase(_Section):
    """The whole card. Source: usecase.yml at the bundle's root."""

    name: str
    problem: str
    users: str
    success: tuple[Criterion, ...]
    sla: ServiceLevels
    corpus: Corpus
    documents: Documents = Documents()
    chunking: ChunkSizes = ChunkSizes()
    embedding: EmbeddingModel
    index: Index = Index()
    models: Models = QUOTES_ONLY
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _fits_the_model(self) -> UseCase:
        if self.chunking.embedded_tokens > self.embedding.max_tokens:
            raise ValueError("chunking.embedded_tokens is above embedding.max_tokens: the model would not see the rest")
        return self


def load_usecase(path: Path) -> UseCase:
    """Reads and checks a card.

    Raises:
        UserError: the file is missing, is not YAML, or a field is wrong; names the file and the field.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"usecase: cannot read {path} ({error.strerror}); give the path of a usecase.yml") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"usecase: {path} is not YAML: {' '.join(str(error).split())}") from error
    try:
        return UseCase.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"usecase: {path}: {explain(error.errors())}") from error


def evaluation_questions(card: UseCase, folder: Path) -> list[Question]:
    """The card's questions; `folder` is where the card lies. None when it names none.

    Raises:
        UserError: the file is missing or a line is not a question.
    """
    named = card.evaluation.questions
    if named is None:
        return []
    try:
        return load_questions() if named == "sample" else load_questions(folder / named)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"evaluation.questions: no file {folder / named} ({reason}); correct usecase.yml") from error
    except ValidationError as error:
        raise UserError(f"evaluation.questions: {folder / named}: {explain(error.errors())}") from error


def explain(errors: Sequence[Any]) -> str:
    """The first of pydantic's errors as one line that names the field, what stands there, and the reason."""
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"]) or "the card"
    given = first.get("input")
    shown = f" is {given!r}:" if isinstance(given, str | int | float | bool) else ":"
    return f"{field}{shown} {first['msg']}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
