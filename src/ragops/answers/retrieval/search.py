"""Search over a published index: the question is encoded with the index's own model, then `pipeline.retrieve`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ragops.answers.retrieval.context import Context, pack
from ragops.answers.retrieval.pipeline import Found, retrieve
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.answers.retrieval.validate import check_question
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.corpus.embeddings.interface import Encoder
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.index.access import AccessRule, check_groups, rules_digest
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError


class Searcher:
    """Search over a schema's live index; follows its pointer. Thread-safe if its encoder is.

    Example:
        >>> from ragops import load_usecase, open_searcher, open_workspace
        >>> searcher = open_searcher(load_usecase(), open_workspace())
        >>> for found in searcher.search("how do I open a file", k=3):
        ...     print(found.score, found.passage.path)  # doctest: +SKIP
    """

    def __init__(
        self,
        root: Path,
        model: EmbeddingModel,
        encoder: Encoder,
        settings: RetrievalSettings = RetrievalSettings(),  # noqa: B008 (frozen)
        *,
        reranker: Reranker | None = None,
        known_groups: Collection[str] = (),
        rules: Sequence[AccessRule] = (),
    ) -> None:
        """Opens the index.

        Args:
            root: the index's folder.
            model: the use case's embedding model.
            encoder: encodes questions with that model.
            settings: how to search.
            reranker: for `settings.rerank`.
            known_groups: all existing groups, if they are known; others are rejected.
            rules: the use case's access rules. An index that was published under other rules is refused; without any,
                the index's own apply.

        Raises:
            UserError: there is no index, it is broken, or it was built with another model or under other access rules.
        """
        self._index = IndexReader(root)
        self._model, self._fingerprint = model, fingerprint(model)
        self._encoder, self._settings, self._reranker = encoder, settings, reranker
        self._known_groups, self._rules = frozenset(known_groups), rules_digest(rules)
        self.live_generation()

    @property
    def generation(self) -> str:
        """The name of the index generation that is searched now."""
        return self._index.manifest.name

    def search(self, question: str, k: int | None = None, groups: Collection[str] = ()) -> list[Found]:
        """The k best passages (by default the settings' k) that a member of these groups may see.

        Raises:
            UserError: the question is invalid (`check_question`), a group is unknown, or the index published since has
                another model or other access rules.
        """
        return self._find(question, k, groups)[1]

    def context(
        self, question: str, count_tokens: TokenCounter, k: int | None = None, groups: Collection[str] = ()
    ) -> Context:
        """The sources for a model: found as by `search`, with neighbors, within the settings' token budget.

        `count_tokens` counts with that model's tokenizer. Raises as `search` does.
        """
        generation, found = self._find(question, k, groups)
        return pack(found, generation.neighbors, count_tokens, self._settings)

    def live_generation(self) -> Generation:
        """The live generation, for the reads of one request.

        Raises:
            UserError: it has another model or other access rules than this searcher.
        """
        generation = self._index.generation()
        generation.check_encoder(self._fingerprint, self._model.name)
        if self._rules and generation.manifest.access != self._rules:
            raise UserError(
                f"index generation {generation.manifest.name}: was not published under the use case's corpus.access; "
                "run the refresh job so the index enforces the current access rules"
            )
        return generation

    def close(self) -> None:
        """Closes the index."""
        self._index.close()

    def _find(self, question: str, k: int | None, groups: Collection[str]) -> tuple[Generation, list[Found]]:
        text, allowed = check_question(question), check_groups(groups, self._known_groups)
        vector = self._encoder.encode_queries([text])[0]
        generation = self.live_generation()
        return generation, retrieve(generation, text, vector, self._settings_for(k), allowed, self._reranker)

    def _settings_for(self, k: int | None) -> RetrievalSettings:
        if k is None:
            return self._settings
        return self._settings.model_copy(update={"k": k, "candidates": max(k, self._settings.candidates)})
