"""The parameters of the smoke job's notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.demo.smoke_corpus import Edition, Version, edition
from ragops.jobs.refresh import RefreshParameters

if TYPE_CHECKING:
    from ragops.answers.retrieval.search import Searcher

# More passages than the corpus has: what is not among them is not in the index.
ALL_PASSAGES = 50
BY_HAND = "by-hand"
"""The mark of whoever runs the notebooks without their job."""


class SmokeParameters(RefreshParameters):
    """The refresh job's parameters, which the smoke job hands on to it, and which edition of its corpus is due.

    `mark` is written into the texts and differs between runs, so that no run finds what an earlier one left.
    """

    job: ClassVar[str] = "smoke"

    version: Version
    mark: str

    @property
    def corpus(self) -> Edition:
        """What lies in the landing folder and must be found."""
        return edition(self.version, self.mark)

    @property
    def has_nothing_to_check(self) -> bool:
        """Whether somebody runs the check by hand where nothing was published yet; in the job that is a failure."""
        return self.mark == BY_HAND and PublishedIndex(index_root(self.workspace)).find_pointer() is None

    @cached_property
    def searcher(self) -> Searcher:
        """Search over the published index: near-identical passages too, since the editions are."""
        from ragops.answers.retrieval.search import Searcher
        from ragops.answers.retrieval.settings import RetrievalSettings
        from ragops.corpus.embeddings.interface import CPU

        encoder, everything = self.query_source().load(CPU), RetrievalSettings(duplicates=None)
        return Searcher(index_root(self.workspace), self.use_case.embedding, encoder, everything)

    def search(self, question: str) -> list[tuple[str, str]]:
        """Path and text of every passage of the published index, the best one first."""
        every_group = {group for rule in self.use_case.corpus.access for group in rule.groups}
        found = self.searcher.search(question, ALL_PASSAGES, every_group)
        return [(one.passage.path, one.passage.text) for one in found]


def check_smoke(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the smoke job before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    _ = RefreshParameters.read(given).use_case
