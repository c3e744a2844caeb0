"""Opens what it takes to write questions about the live index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ragops.answers.llms.open import open_gateway
from ragops.answers.prompts.template_files import load_templates
from ragops.assembly import Locations, delimiter_key, open_searcher
from ragops.corpus.index.passages import Passage
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.datasets.generated.author import Author
from ragops.quality.datasets.generated.generate import Generator, chosen_passages
from ragops.quality.datasets.leakage import examples_of
from ragops.quality.datasets.wordings import Wordings
from ragops.quality.questions import Question
from ragops.usecase import UseCase


@contextmanager
def open_generator(
    use_case: UseCase, workspace: Workspace, known: Sequence[Question], k: int, who: str
) -> Iterator[tuple[Generator, Callable[[int], list[Passage]]]]:
    """A generator, and the passages to ask about in the order of a seed; closes the index afterwards.

    Args:
        use_case: whose primary model writes; no other one takes its place.
        workspace: with the index.
        known: questions that are not written again, in addition to the examples of the prompt templates.
        k: how many passages a search returns.
        who: the caller's name in the ledger.

    Raises:
        UserError: there is no index, the model only quotes, or a template is wrong.
    """
    primary = use_case.models.chain()[0]
    if primary.provider == "extractive":
        raise UserError(f"model {primary.name}: does not follow instructions; choose a language model with --model")
    alone = use_case.models.answer.model_copy(update={"fallback": ()})
    models = use_case.models.model_copy(update={"answer": alone})
    templates = load_templates(use_case.prompts, use_case.folder)
    wordings = Wordings([*((one.question_id, one.question) for one in known), *examples_of(templates.values())])
    author = Author(
        open_gateway(models, use_case.corpus.classification, workspace), templates, delimiter_key(workspace), who
    )
    searcher = open_searcher(use_case, Locations.of(workspace))
    try:

        def passages(seed: int) -> list[Passage]:
            table = searcher.live_generation().table
            return chosen_passages((one for page in table.scan() for one in page), seed)

        minimum = use_case.answers.min_evidence
        yield Generator(author, lambda asked: searcher.search(asked, k), wordings, minimum), passages
    finally:
        searcher.close()
