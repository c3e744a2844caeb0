"""The parameters of the smoke job's tasks, and what its notebooks build from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.demo.smoke_corpus import Edition, Version, edition
from ragops.jobs.parameters import EncoderParameters, LandingParameters, TaskParameters
from ragops.jobs.refresh import RefreshParameters

if TYPE_CHECKING:
    from ragops.answers.retrieval.search import Searcher

# More passages than the corpus has: a passage that is not among them is not in the index.
ALL_PASSAGES = 50
MANUAL = "manual"
"""The mark of a notebook that runs outside the job."""


class _EditionParameters(TaskParameters):
    """For tasks that use one edition of the smoke corpus. The mark keeps a run from finding texts of earlier runs."""

    job: ClassVar[str] = "smoke"

    version: Version = Field(description="the edition of the corpus: first, or second after an edit")
    mark: str = Field(description="identifies this run's texts")

    @property
    def corpus(self) -> Edition:
        """The documents, and the passages that a search must find."""
        return edition(self.version, self.mark)


class WriteCorpusParameters(_EditionParameters, LandingParameters):
    """Parameters of the tasks that write the corpus to the landing folder."""


class CheckSearchParameters(_EditionParameters, EncoderParameters):
    """Parameters of the tasks that check the search."""

    @property
    def has_nothing_to_check(self) -> bool:
        """Whether the check runs outside the job before anything was published; within the job that is a failure."""
        return self.mark == MANUAL and PublishedIndex(index_root(self.workspace)).find_pointer() is None


def open_searcher(parameters: CheckSearchParameters) -> Searcher:
    """Search over the published index that also returns near-duplicates, because the editions are similar."""
    from ragops.answers.retrieval.search import Searcher
    from ragops.answers.retrieval.settings import RetrievalSettings
    from ragops.corpus.embeddings.interface import CPU

    encoder = parameters.encoder_source("openvino", threads=0).load(CPU)
    settings = RetrievalSettings(duplicates=None)
    return Searcher(index_root(parameters.workspace), parameters.use_case.embedding, encoder, settings)


def search_all(parameters: CheckSearchParameters, searcher: Searcher) -> Callable[[str], list[tuple[str, str]]]:
    """A function from a question to path and text of every indexed passage, best first."""
    every_group = {group for rule in parameters.use_case.corpus.access for group in rule.groups}

    def search(question: str) -> list[tuple[str, str]]:
        found = searcher.search(question, ALL_PASSAGES, every_group)
        return [(one.passage.path, one.passage.text) for one in found]

    return search


def check_smoke(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the smoke job before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    _ = RefreshParameters.read(given).use_case
