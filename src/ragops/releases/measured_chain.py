"""The chain that is measured: the champion, a version just logged, or the bundle's own files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import Answer, Query
from ragops.assembly import Locations, open_chain
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.platform.workspace import Workspace
from ragops.quality.evaluation.answers import Outcome, Row, ask_all
from ragops.quality.evaluation.retrieval import SettingsResult, open_evaluator
from ragops.quality.evaluation.variants import everyone
from ragops.quality.questions import Question
from ragops.releases.changes import Index
from ragops.serving.model.configuration import CONVERTED, INDEX, ChainConfiguration
from ragops.serving.model.logged import download
from ragops.serving.model.open_model import open_logged
from ragops.serving.model.registered import CHAIN, CHAMPION, WORKING_COPY, ChainVersion, by_alias
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow import MlflowClient

_WHO = "evaluate"


@dataclass(frozen=True, slots=True)
class MeasuredChain:
    """An opened chain with what is known of it.

    Attributes:
        version: which one it is.
        configuration: as it was logged, or of the bundle's files.
        chain: opened.
        use_case: the configuration's, with its models read from where they are.
        locations: the index that it answers from, and its models.
        files: the folder of a downloaded chain, which exists as long as this object; None if it needs none.
        answered: its answers so far, by question.
    """

    version: ChainVersion
    configuration: ChainConfiguration
    chain: Chain
    use_case: UseCase
    locations: Locations
    files: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)
    answered: dict[str, Answer] = field(default_factory=dict, repr=False)

    @property
    def primary(self) -> str:
        """The name of the language model that is measured."""
        return self.use_case.models.answer.primary

    @property
    def index(self) -> Index:
        """The generation that it answers from. Raises UserError if there is none."""
        published = PublishedIndex(self.locations.index)
        generation = published.pointer().generation
        return Index(generation, published.manifest(generation).count)

    def ask(self, question: str) -> Outcome:
        """The answer as a reader gets it who may see every document: answers are measured, not access."""
        answer = self.chain.answer(Query(question, groups=everyone(self.use_case), who=_WHO))
        self.answered[question] = answer
        return Outcome.of(answer)

    def answers(self, questions: Sequence[Question], progress: Callable[[int], None] = lambda done: None) -> list[Row]:
        """The checked answers; `progress` receives the number of questions asked so far."""
        return ask_all(self.ask, questions, self.primary, progress)

    def retrieval(self, questions: Sequence[Question]) -> SettingsResult:
        """What its index finds, with its own settings. Raises UserError as `open_evaluator`."""
        with open_evaluator(self.use_case, self.locations, questions) as evaluator:
            (measured,) = evaluator.evaluate([self.use_case.retrieval])
        return measured


def open_measured(workspace: Workspace, use_case: UseCase, client: MlflowClient) -> MeasuredChain:
    """The champion, or the bundle's own files where there is none.

    Raises:
        UserError: there is no index; or another version of ragops logged the champion.
    """
    name = workspace.registered(CHAIN)
    if (found := by_alias(client, name, CHAMPION)) is None:
        return working_copy(workspace, use_case)
    return registered(ChainVersion(name, str(found.version)))


def working_copy(workspace: Workspace, use_case: UseCase) -> MeasuredChain:
    """The chain of the bundle's files. Raises UserError as `open_chain`."""
    configuration, locations = ChainConfiguration.of(workspace, use_case), Locations.of(workspace)
    chain = open_chain(use_case, locations, configuration.templates)
    return MeasuredChain(ChainVersion(use_case.name, WORKING_COPY), configuration, chain, use_case, locations)


def registered(version: ChainVersion) -> MeasuredChain:
    """A registered version.

    Raises:
        UserError: another version of ragops logged it; or as `open_logged`.
    """
    folder = tempfile.TemporaryDirectory(prefix="ragops-measured-", ignore_cleanup_errors=True)
    configuration, files = download(version, folder.name)
    usual = Locations.of(configuration.workspace)
    locations = Locations(usual.workspace, files.get(CONVERTED, usual.models), files.get(INDEX, usual.index))
    chain, use_case = open_logged(configuration, files), configuration.use_case_with(files)
    return MeasuredChain(version, configuration, chain, use_case, locations, folder)
