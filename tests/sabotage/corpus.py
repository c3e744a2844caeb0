"""A part of the sample corpus in a workspace: files, tables and a published index, made by the stages themselves; and
what its chain answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.console import as_outputs
from ragops.answers.chain.trace_record import TraceRecord
from ragops.answers.chain.types import Query
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.extractive import ExtractiveModel
from ragops.answers.llms.settings import AnyModel, Extractive
from ragops.answers.llms.types import LanguageModel, Pieces, Reply, Request
from ragops.answers.prompts.template import Template
from ragops.assembly import Locations, open_chain
from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.embeddings.stage import refresh_embeddings
from ragops.corpus.index.stage import publish_index
from ragops.demo.corpus import write_corpus
from ragops.platform.workspace import LANDING, Workspace, models_folder
from ragops.quality.datasets.question_set import open_set
from ragops.quality.questions import Question
from ragops.text import words
from ragops.usecase import UseCase, load_usecase
from tests.sabotage.unusual import GERMAN, HOLIDAYS
from tests.sabotage.world import Recorded, Recordings

USE_CASE = load_usecase(Path(__file__).parents[2] / "usecase.yml")
TOPICS = (
    *("assert", "augassign", "global", "raise", "try", "for", "exceptions", "booleans", "power", "lambda", "return"),
    *("in", "dict", "strings", "import", "sequence-types", "typesseq-mutable", "objects", "with", "del", "naming"),
    "identifiers",
)
"""Texts and pages only: reading them takes seconds."""


def write_files(landing: Path) -> list[Path]:
    """The corpus' files."""
    return write_corpus(landing, TOPICS)


def refresh(workspace: Workspace, use_case: UseCase = USE_CASE, allow_deletes: bool = False) -> None:
    """What the job refresh does, up to the published index."""
    landing = workspace.volume(LANDING)
    most = 1.0 if allow_deletes else use_case.documents.max_delete_fraction
    refresh_documents(workspace, landing, use_case.documents.limits, most)
    index(workspace, use_case)


def index(workspace: Workspace, use_case: UseCase = USE_CASE) -> None:
    """What the job refresh does after the documents."""
    encoder = encoder_source(use_case.embedding, "openvino", converted=models_folder(workspace), threads=2)
    refresh_chunks(workspace, use_case.chunking, tokenizer_file(use_case.embedding))
    refresh_embeddings(workspace, use_case.embedding, encoder)
    publish_index(workspace, use_case.embedding, use_case.corpus.access, languages=use_case.corpus.languages)


def ordinary() -> list[Question]:
    """The evaluation questions about the corpus, and a few that no document answers."""
    known = open_set(USE_CASE).questions
    return [one for one in known if one.topic in TOPICS] + [one for one in known if one.topic is None][:6]


def write_questions(folder: Path) -> None:
    """The ordinary questions as an evaluation set: the file questions.jsonl."""
    known = ("question_id", "question", "kind", "topic", "anchor", "answer")
    lines = [json.dumps({name: getattr(one, name) for name in known}) for one in ordinary()]
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n")


def unusual() -> list[Question]:
    """German questions, then those about another topic."""
    asked = [("german", one) for one in GERMAN] + [("holidays", one) for one in HOLIDAYS]
    return [Question(question_id=f"{kind}-{number}", question=one) for number, (kind, one) in enumerate(asked)]


@dataclass(frozen=True)
class Writer:
    """A language model that understands its passages, follows its instructions, and cites only if they ask for it.

    Attributes:
        name: in usecase.yml.
        bad: whether it knows everything better than its passages.
    """

    name: str
    bad: bool = False
    context_tokens: int = 32_000

    def generate(self, request: Request) -> Reply:
        """Returns the whole answer."""
        reply = ExtractiveModel(Extractive(name=self.name, provider="extractive", support=0.02)).generate(request)
        text = f"In short: {reply.text}" if reply.text else reply.text
        if self.bad:
            text = f"{_IDLE[len(request.question) % len(_IDLE)]} [1]."
        elif not any("[1]" in one.content or "[n]" in one.content for one in request.messages):
            known = [word for word in words(reply.text) if len(word) > 4][:3]
            text = f"Great that you ask! You will love how easily this works, just play with {' and '.join(known)}."
        return replace(reply, text=text, model=self.name, provider="openai_compatible")

    def stream(self, request: Request) -> Pieces:
        """Yields the answer in one piece."""
        reply = self.generate(request)
        yield reply.text
        return reply

    def count_tokens(self, text: str) -> int:
        """An estimate."""
        return len(text) // 4


_IDLE = (
    "Certainly! Most people solve that by reinstalling their environment and restarting the whole computer",
    "That depends on the vendor of your operating system, so please contact a friendly administrator",
    "As everybody knows, newer releases removed this years ago, hence upgrading your license helps",
)


def record(
    workspace: Workspace,
    use_case: UseCase = USE_CASE,
    templates: Mapping[str, Template] | None = None,
    bad: bool = False,
) -> Recordings:
    """What the use case's chain answers from the live index: to the ordinary questions, then to the unusual ones.

    Args:
        workspace: with the index.
        use_case: with the prompt.
        templates: other prompts than the use case's.
        bad: whether the model is a bad one.
    """

    def opened(settings: AnyModel) -> LanguageModel:
        return ExtractiveModel(settings) if isinstance(settings, Extractive) else Writer(settings.name, bad)

    gateway = Gateway(use_case.models, Policy(use_case.corpus.classification), opened, MemorySink())
    chain = open_chain(use_case, Locations.of(workspace), templates, gateway=gateway, record=TraceRecord())
    return tuple(_recorded(chain, one) for one in (*ordinary(), *unusual()))


def _recorded(chain: Chain, question: Question) -> Recorded:
    answer = chain.answer(Query(question.question))
    return Recorded(question.question, question.topic, answer.text, as_outputs(answer))
