"""Searching: the question is encoded with the index's own model, and its passages are found as the settings say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ragops.answers.retrieval.context import Context, pack
from ragops.answers.retrieval.pipeline import Found, retrieve
from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.answers.retrieval.validate import checked
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.corpus.embeddings.interface import Encoder
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.index.access import AccessRule, check_groups, rules_digest
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.reading.reader import IndexReader
from ragops.errors import UserError


class Searcher:
    """Search over a schema's live index; follows its pointer. May be shared by threads if its encoder may."""

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
            model: what the use case says of the encoder's model.
            encoder: encodes questions.
            settings: how to search.
            reranker: of `settings.rerank`.
            known_groups: all groups that there are, if they are known.
            rules: the use case's access rules. An index that was not published under them is refused; without any, the
                index's own hold.

        Raises:
            UserError: there is no index, it is broken, was built with another model, or under other access rules.
        """
        self._reader = IndexReader(root)
        self._model, self._fingerprint = model, fingerprint(model)
        self._encoder, self._settings, self._reranker = encoder, settings, reranker
        self._known_groups, self._rules = frozenset(known_groups), rules_digest(rules)
        self._checked()

    @property
    def generation(self) -> str:
        """The name of the generation that answers."""
        return self._reader.manifest.name

    def search(self, question: str, k: int | None = None, groups: Collection[str] = ()) -> list[Found]:
        """The k best passages (by default the settings' k) that a member of these groups may see.

        Raises:
            UserError: the question is empty, far too long or no text; a group is not a known one; or an index of
                another model, or under other access rules, was published meanwhile.
        """
        return self._find(question, k, groups)[1]

    def context(
        self, question: str, count_tokens: TokenCounter, k: int | None = None, groups: Collection[str] = ()
    ) -> Context:
        """What a model is to read for the question: as `search`, with neighbours, within the settings' budget.

        `count_tokens` counts as that model does.
        """
        generation, found = self._find(question, k, groups)
        return pack(found, generation.neighbours, count_tokens, self._settings)

    def close(self) -> None:
        """Closes the index."""
        self._reader.close()

    def _find(self, question: str, k: int | None, groups: Collection[str]) -> tuple[Generation, list[Found]]:
        text, reader = checked(question), check_groups(groups, self._known_groups)
        vector = self._encoder.encode_queries([text])[0]
        generation = self._checked()
        return generation, retrieve(generation, text, vector, self._with(k), reader, self._reranker)

    def _with(self, k: int | None) -> RetrievalSettings:
        if k is None:
            return self._settings
        return self._settings.model_copy(update={"k": k, "candidates": max(k, self._settings.candidates)})

    def _checked(self) -> Generation:
        generation = self._reader.generation()
        generation.check_encoder(self._fingerprint, self._model.name)
        if self._rules and generation.manifest.access != self._rules:
            raise UserError(
                f"index generation {generation.manifest.name} was not published under the use case's corpus.access: "
                "run the refresh job, so that nobody finds what is no longer for him"
            )
        return generation
