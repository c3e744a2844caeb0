"""The use case (usecase.yml) as one typed object: problem, success criteria, SLAs, and the settings of every stage.

Settings of a stage are types of its package, so that it can be used without the use case; settings that several
packages share are defined here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.policy import Classification
from ragops.answers.llms.settings import QUOTES_ONLY, AnyModel, Models
from ragops.answers.prompts.template_files import PromptSettings
from ragops.answers.retrieval.settings import RerankModel, RetrievalSettings
from ragops.corpus.chunks.splitter import ChunkSizes
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.corpus.embeddings.model_files import is_package
from ragops.corpus.index.access import AccessRule, check_groups
from ragops.errors import UserError, explain
from ragops.platform.config_files import read_yaml
from ragops.usecase.checks import problems, wrong_judge
from ragops.usecase.criteria import Criterion, ServiceLevels
from ragops.usecase.evaluation import Evaluation, Release
from ragops.usecase.monitoring import Monitoring
from ragops.usecase.section import Section

_Encoder = TypeVar("_Encoder", EmbeddingModel, RerankModel)


class Corpus(Section):
    """Owner, classification and access rules of the documents."""

    owner: str
    """The team that is responsible for the documents; the serving endpoint is tagged with it as its cost owner."""
    classification: Classification
    """Which models may see the documents: any model (public), models that are not private only after personal data is
    removed (internal), or private models only (confidential)."""
    languages: tuple[str, ...]
    """ISO 639-1 codes of the documents' languages, such as en: BM25 finds a word in its inflected forms in these. The
    job explore compares them with those it detects."""
    access: tuple[AccessRule, ...] = ()
    """Rules for documents that only some groups may find; everyone may find the others."""
    groups: tuple[str, ...] = ()
    """All existing groups, so that a misspelled one is an error; empty if they are not known."""

    @model_validator(mode="after")
    def _groups_exist(self) -> Corpus:
        for rule in self.access:
            check_groups(rule.groups, self.groups)
        return self


class Documents(Section):
    """Limits for one document, the share of documents that a run may delete, and how changes are noticed."""

    max_delete_fraction: float = Field(default=0.2, ge=0, le=1)
    """Maximum share of documents that a run may delete; a run that would delete more fails, so that an unmounted
    volume does not empty the index."""
    compare_content_days: float = Field(default=7, ge=0, le=365)
    """Maximum number of days until a file's content is compared with what was read; in between, only files whose size
    or times changed are. 0 compares every file in every run."""
    limits: ParseLimits = ParseLimits()
    """Limits for one document; a document that exceeds one is quarantined."""


class Index(Section):
    """How many generations are kept, and how much recall a new one may lose."""

    keep_generations: int = Field(default=3, ge=1)
    """Number of newest generations that `ragops index gc` keeps, in addition to the live one and its predecessor."""
    max_recall_drop: float = Field(default=0.05, ge=0, le=1)
    """Maximum loss of recall at 10 compared with the live generation; a generation that loses more is not published."""


class Serving(Section):
    """The server for people and programs: `ragops serve`."""

    backend: Literal["chain", "endpoint"] = "chain"
    """What answers: the chain in the server's own process, or the serving endpoint that follows the champion; its name
    is in RAGOPS_ENDPOINT."""
    concurrent_requests: int = Field(default=8, ge=1, le=1000)
    """How many questions are answered at the same time."""
    queue_length: int = Field(default=32, ge=0, le=100_000)
    """How many more may wait; beyond it the server answers 429 with Retry-After."""
    follow_seconds: float = Field(default=30, gt=0)
    """Time between two looks at which version is champion."""
    examples: tuple[str, ...] = ()
    """Questions that the page offers to those who do not know what to ask."""


class UseCase(Section):
    """The whole use case. Source: usecase.yml at the bundle's root.

    Example:
        >>> from ragops import UseCase, load_usecase
        >>> use_case: UseCase = load_usecase()
        >>> use_case.name, use_case.retrieval.fusion
        ('python-reference', 'weighted')
    """

    name: str
    """Short name of the use case; the serving endpoint is tagged with it."""
    problem: str
    """The problem that the system solves, in a sentence or two."""
    users: str
    """Who uses the system, and how."""
    success: tuple[Criterion, ...]
    """What must be reached before users rely on the system; `ragops usecase` compares it with what was measured."""
    sla: ServiceLevels
    """Freshness of the index and speed of a search."""
    corpus: Corpus
    """Owner, classification and access rules of the documents."""
    documents: Documents = Documents()
    """Limits for the ingestion of documents."""
    chunking: ChunkSizes = ChunkSizes()
    """Sizes of chunks."""
    embedding: EmbeddingModel
    """The model that computes the vectors of chunks and questions."""
    index: Index = Index()
    """Rules for publishing and keeping generations of the index."""
    retrieval: RetrievalSettings = RetrievalSettings()
    """How passages are found for a question."""
    prompts: PromptSettings = PromptSettings()
    """The prompt templates."""
    models: Models = QUOTES_ONLY
    """The language models; by default none, and answers quote the passages."""
    answers: AnswerSettings = AnswerSettings()
    """When to abstain, and how answers are written and checked."""
    evaluation: Evaluation = Evaluation()
    """The questions on which retrieval and answers are measured, and who judges answers."""
    release: Release = Release()
    """What a chain must reach before it becomes champion."""
    serving: Serving = Serving()
    """The server for people and programs."""
    monitoring: Monitoring = Monitoring()
    """What the job monitor compares, and how much it reads."""
    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """The folder of the file that it was read from, where relative paths in it start."""
        return self._folder

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Everything that must hold: the success criteria, then the service levels."""
        return (*self.success, *self.sla.criteria)

    @property
    def gate(self) -> Release:
        """The section `release`, with those success criteria that a release measures among its floors and ceilings."""
        mine = [one for one in self.success if one.catalogued.gates]
        floors = {one.measure: one.at_least for one in mine if one.at_least is not None}
        ceilings = {one.measure: one.at_most for one in mine if one.at_most is not None}
        limits = {"floors": floors | self.release.floors, "ceilings": ceilings | self.release.ceilings}
        return self.release.model_copy(update=limits)

    def judge_model(self) -> AnyModel | None:
        """The settings of the model that judges; None if none does.

        Raises:
            UserError: it cannot judge, or is the model that answers (which a job's parameter may have chosen).
        """
        if reason := wrong_judge(self):
            raise UserError(reason)
        return self.models.named(self.evaluation.judge) if self.evaluation.judge else None

    @property
    def packages(self) -> tuple[EmbeddingModel | RerankModel, ...]:
        """The embedding model and the cross-encoder, if they are Python packages."""
        rerank = self.retrieval.rerank
        encoders = (self.embedding, rerank.model) if rerank else (self.embedding,)
        return tuple(one for one in encoders if is_package(one.source))

    def with_files_in(self, folder: Path) -> UseCase:
        """The use case with packaged models read from a folder on a volume, with a subfolder for each model name."""
        embedding, retrieval = _in(folder, self.embedding), self.retrieval
        if rerank := retrieval.rerank:
            rerank = rerank.model_copy(update={"model": _in(folder, rerank.model)})
            retrieval = retrieval.model_copy(update={"rerank": rerank})
        return self.model_copy(update={"embedding": embedding, "retrieval": retrieval})

    @model_validator(mode="after")
    def _chunks_fit_the_model(self) -> UseCase:
        if self.chunking.embedded_tokens > self.embedding.max_tokens:
            raise ValueError("chunking.embedded_tokens is above embedding.max_tokens: the model would ignore the rest")
        return self


def _in(folder: Path, model: _Encoder) -> _Encoder:
    return model.model_copy(update={"source": f"volume:{folder / model.name}"}) if is_package(model.source) else model


def load_usecase(path: Path) -> UseCase:
    """Reads and validates a use case.

    Raises:
        UserError: the file is missing, is not YAML or has a duplicate key, a field is wrong, or nothing measures a
            criterion; names file and field.
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
    if found := next(problems(use_case), ""):
        raise UserError(f"usecase: {path}: {found}")
    use_case._folder = path.parent
    return use_case
