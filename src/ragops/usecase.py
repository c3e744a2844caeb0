"""The use case (usecase.yml) as one typed object: the problem, success criteria, SLAs, and every stage's settings.

Settings are the rooms' own types, so that a room can be used, and read, without the use case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PrivateAttr, ValidationError, model_validator

from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.policy import Classification
from ragops.answers.llms.settings import QUOTES_ONLY, Models
from ragops.answers.prompts.template_files import PromptSettings
from ragops.answers.retrieval.settings import RerankModel, RetrievalSettings
from ragops.corpus.chunks.splitter import ChunkSizes
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.model_files import is_package
from ragops.corpus.index.access import AccessRule, check_groups
from ragops.errors import UserError, explain
from ragops.platform.config_files import read_yaml

_Encoder = TypeVar("_Encoder", EmbeddingModel, RerankModel)


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
    """Whose documents these are, how they may be handled, and who may find which.

    `access`: documents that are for some groups only; all others are for everybody. `groups`: all groups that there
    are, so that a misspelt one is an error; empty where they are not known here.
    """

    owner: str
    classification: Classification
    languages: tuple[str, ...]
    access: tuple[AccessRule, ...] = ()
    groups: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _groups_are_known(self) -> Corpus:
        for rule in self.access:
            check_groups(rule.groups, self.groups)
        return self


class Documents(_Section):
    """Limits for reading one document, and the brake on deletions."""

    max_delete_fraction: float = Field(default=0.2, ge=0, le=1)
    limits: ParseLimits = ParseLimits()


class Index(_Section):
    """How many generations are kept, and what a new one must not lose."""

    keep_generations: int = Field(default=3, ge=1)
    max_recall_drop: float = Field(default=0.05, ge=0, le=1)


class Evaluation(_Section):
    """Where the questions with known answers are: "sample" for those about the sample corpus, else a JSONL file's path.

    A relative path counts from the use case. Without questions nothing is measured.
    """

    questions: str | None = None


class Release(_Section):
    """What a chain must reach before it may serve.

    Attributes:
        floors: by measure, what it must reach; `ragops evaluate answers` and the job release name them.
        ceilings: by measure, what it must not exceed, for example seconds_p95.
        margin: by how much a chain may be worse than the champion, at the lower end of the paired 95 % interval.
        max_error_share: questions that may end without an answer or an abstention.
        questions: how many of the evaluation set are asked.
    """

    floors: dict[str, float] = Field(default_factory=dict)
    ceilings: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    margin: float = Field(default=0.05, ge=0, le=1)
    max_error_share: float = Field(default=0.02, ge=0, le=1)
    questions: int = Field(default=10_000, ge=2)


class UseCase(_Section):
    """The whole use case. Source: usecase.yml at the bundle's root.

    Example:
        >>> from ragops import UseCase, load_usecase
        >>> use_case: UseCase = load_usecase()
        >>> use_case.name, use_case.retrieval.fusion
        ('python-reference', 'weighted')
    """

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
    retrieval: RetrievalSettings = RetrievalSettings()
    prompts: PromptSettings = PromptSettings()
    models: Models = QUOTES_ONLY
    answers: AnswerSettings = AnswerSettings()
    evaluation: Evaluation = Evaluation()
    release: Release = Release()
    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """The folder of the file that it was read from: relative paths in it start there."""
        return self._folder

    @property
    def gate(self) -> Release:
        """What a chain must reach: the section `release`, with the success criteria among its floors."""
        floors = {one.measure: one.at_least for one in self.success}
        return self.release.model_copy(update={"floors": floors | self.release.floors})

    @property
    def packages(self) -> tuple[EmbeddingModel | RerankModel, ...]:
        """Embedding model and cross-encoder, as far as they come in Python packages."""
        rerank = self.retrieval.rerank
        encoders = (self.embedding, rerank.model) if rerank else (self.embedding,)
        return tuple(one for one in encoders if is_package(one.source))

    def with_files_in(self, folder: Path) -> UseCase:
        """The use case with packaged models taken from a folder on a volume, in which models go by their names."""
        embedding, retrieval = _in(folder, self.embedding), self.retrieval
        if rerank := retrieval.rerank:
            rerank = rerank.model_copy(update={"model": _in(folder, rerank.model)})
            retrieval = retrieval.model_copy(update={"rerank": rerank})
        return self.model_copy(update={"embedding": embedding, "retrieval": retrieval})

    @model_validator(mode="after")
    def _fits_the_model(self) -> UseCase:
        if self.chunking.embedded_tokens > self.embedding.max_tokens:
            raise ValueError("chunking.embedded_tokens is above embedding.max_tokens: the model would not see the rest")
        return self


def _in(folder: Path, model: _Encoder) -> _Encoder:
    return model.model_copy(update={"source": f"volume:{folder / model.name}"}) if is_package(model.source) else model


def load_usecase(path: Path) -> UseCase:
    """Reads and checks a use case.

    Raises:
        UserError: the file is missing, is not YAML, has a key twice, or a field is wrong; names the file and the field.
    """
    try:
        raw = read_yaml(path)
    except OSError as error:
        raise UserError(f"usecase: cannot read {path} ({error.strerror}); give the path of a usecase.yml") from error
    except ValueError as error:
        raise UserError(f"usecase: {path}: {error}") from error
    try:
        use_case = UseCase.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"usecase: {path}: {explain(error.errors())}") from error
    use_case._folder = path.parent
    return use_case
