"""A chain over given passages, with a scripted model: everything except the search is real."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.trace import Steps
from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import Rejected
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.settings import Models
from ragops.answers.llms.types import LanguageModel
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from ragops.answers.retrieval.context import Context, pack
from ragops.answers.retrieval.pipeline import Found
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.answers.retrieval.validate import check_question
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.corpus.index.passages import Passage

ROOT = Path(__file__).parents[2]
KEY = b"sixteen bytes or more"


def passage(number: int, text: str, path: str = "") -> Passage:
    return Passage(
        f"c{number}", f"d{number}", text, (), f"Title {number}", path or f"p{number}.md", None, 0, f"h{number}"
    )


class FakeSearcher:
    """Finds the given texts with the given similarity, and records questions and groups."""

    generation = "g-000001"

    def __init__(self, texts: Sequence[str], similarity: float = 0.6) -> None:
        self._found = [Found(passage(n, text), 1 / n, n, None, similarity) for n, text in enumerate(texts, start=1)]
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def context(
        self, question: str, count_tokens: TokenCounter, k: int | None = None, groups: Collection[str] = ()
    ) -> Context:
        self.asked.append((check_question(question), tuple(groups)))
        return pack(self._found, lambda passage, ordinals: [], count_tokens, RetrievalSettings())


def scripted_gateway(
    replies: Sequence[str],
    rows: MemorySink | None = None,
    model: LanguageModel | None = None,
    quotes: Mapping[str, object] | None = None,
) -> Gateway:
    known: list[Mapping[str, object]] = [{"name": "script", "provider": "scripted", "replies": list(replies)}]
    if quotes is not None:
        known.append({"name": "quotes", "provider": "extractive", **quotes})
    models = Models.model_validate({"answer": {"primary": "script"}, "known": known})
    script = model or ScriptedModel(tuple(replies), "script", 1_000_000)
    return Gateway(models, Policy("public"), lambda settings: script, rows or MemorySink())


def failing_gateway(error: str, *replies: str) -> Gateway:
    """A gateway whose primary model, served, always fails with this error; script is the fallback."""
    names = ("served", "script")
    known = [{"name": name, "provider": "scripted", "replies": ["-"]} for name in names]
    models = Models.model_validate({"answer": {"primary": "served", "fallback": ["script"]}, "known": known})
    known_models = {"served": ScriptedModel([Rejected(error)], "served"), "script": ScriptedModel(replies, "script")}
    return Gateway(models, Policy("public"), lambda settings: known_models[settings.name], MemorySink())


def chain(
    searcher: FakeSearcher, gateway: Gateway, prompt: str = "cite_or_abstain", settings: AnswerSettings | None = None
) -> Chain:
    templates = load_templates(PromptSettings(), ROOT)
    return Chain(
        searcher,  # type: ignore[arg-type]
        gateway,
        templates[prompt],
        templates["standalone_question"],
        settings or AnswerSettings(),
        {},
        KEY,
    )


def recorded(made: Chain, open_trace: Callable[..., Steps]) -> Chain:
    """The same chain with another kind of trace."""
    return replace(made, open_trace=open_trace)
