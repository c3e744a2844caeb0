"""From a question to an answer: retrieve, judge the evidence, prompt, generate, check the citations, or abstain."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ragops.answers.chain.abstention import evidence
from ragops.answers.chain.citations import check_citations
from ragops.answers.chain.grounding import attribute, quote
from ragops.answers.chain.parse_reply import read
from ragops.answers.chain.rewriting import Standalone, standalone
from ragops.answers.chain.settings import AnswerSettings
from ragops.answers.chain.trace import Steps
from ragops.answers.chain.types import Abstained, Answer, Question
from ragops.answers.llms.errors import ModelFailure
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.ledger import Caller
from ragops.answers.llms.resilience.retries import Deadline
from ragops.answers.llms.settings import DEFAULT_ABSTENTION
from ragops.answers.llms.types import Pieces as ReplyPieces
from ragops.answers.llms.types import Reply, Request
from ragops.answers.prompts.delimiters import PROCESS_KEY, unmarked
from ragops.answers.prompts.delimiters import Request as PromptRequest
from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.render import render
from ragops.answers.prompts.sources import Source
from ragops.answers.prompts.template import Template
from ragops.answers.retrieval.context import Context, Packed
from ragops.answers.retrieval.search import Searcher
from ragops.answers.retrieval.validate import checked

Pieces = Generator[str, None, Answer]
"""The pieces of an answer as they come; the generator returns the checked answer, whose text is the one that counts."""

_CHARACTERS_A_TOKEN = 3
"""Fewer than English has: where no tokenizer is at hand, tokens are counted as too many rather than too few."""


@dataclass(frozen=True)
class Chain:
    """Everything that an answer needs. One object serves all threads of a process.

    `values` are for the prompt's own variables, `key` is that of its marks.
    """

    searcher: Searcher
    gateway: Gateway
    prompt: Template
    rewrite: Template
    settings: AnswerSettings = AnswerSettings()
    values: dict[str, str] = field(default_factory=dict)
    key: bytes = PROCESS_KEY

    def answer(self, question: Question) -> Answer:
        """The checked answer to a question.

        Raises:
            UserError: the question is no question, there is no index, policy forbids the model, or none answers.
        """
        pieces = self._answer(question, streamed=False)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                answer: Answer = end.value
                return answer

    def stream(self, question: Question) -> Pieces:
        """The same in pieces, as the model writes them; citations are checked once the last one has come."""
        return self._answer(question, streamed=True)

    def _answer(self, question: Question, streamed: bool) -> Pieces:
        started, text = time.monotonic(), checked(question.text)
        steps, deadline = Steps(question=text, history=len(question.history)), self.gateway.deadline()
        try:
            text, not_rewritten = self._rewritten(text, question, steps, deadline)
            context, score = self._retrieved(text, question, steps)
            if context.sources and score >= self.settings.min_evidence:
                ask = self.gateway.stream if streamed and self._is_plain else self._at_once
                reply = yield from self._generated(text, context, question.who, steps, partial(ask, deadline=deadline))
                answer = self._read(reply, text, context, score, steps)
            else:
                answer = self._abstention("no evidence", text, context, score)
            if not (streamed and self._is_plain and answer.model):
                yield answer.text
        except BaseException as error:
            steps.fail(error)
            raise
        seconds = time.monotonic() - started
        answer = replace(answer, not_rewritten=not_rewritten, seconds=seconds, trace_id=steps.trace_id)
        cited = [one.number for one in answer.cited]
        came = {"model": answer.model, "failed": answer.failed}
        steps.end(answer=answer.text, cited=cited, abstained=answer.abstained, **came)
        return answer

    def messages(self, text: str, sources: Sequence[Packed]) -> list[Message]:
        """What a model is sent for a question that stands alone, and the passages for it; always the same for both."""
        given = [Source(one.number, one.passage.title, one.passage.path, one.text) for one in sources]
        return render(self.prompt, PromptRequest(text, given, values=self.values), self.key)

    @property
    def _is_plain(self) -> bool:
        """Whether a reply is the answer itself; reasoning before it, or JSON around it, is for no reader's eyes."""
        return not self.prompt.answer_after and not self.prompt.response_schema

    def _at_once(self, request: Request, caller: Caller, deadline: Deadline) -> ReplyPieces:
        yield from ()
        return self.gateway.generate(request, caller, deadline)

    def _rewritten(self, text: str, question: Question, steps: Steps, deadline: Deadline) -> Standalone:
        history = question.history[-self.settings.history_turns :] if self.settings.history_turns else ()
        if not history:
            return Standalone(text, {})
        with steps.step("rewrite", "CHAIN", question=text) as span:
            alone = standalone(text, history, self.rewrite, self.gateway, question.who, self.key, deadline)
            span.set_attribute("not_by", list(alone.failed))
            span.set_outputs(alone.text)
        return alone

    def _retrieved(self, text: str, question: Question, steps: Steps) -> tuple[Context, float]:
        with steps.step("retrieve", "RETRIEVER", question=text, groups=question.groups) as span:
            context = self.searcher.context(text, self._count_tokens, groups=question.groups)
            score = evidence([source.found for source in context.sources])
            span.set_attribute("evidence", score)
            span.set_outputs([_as_document(source) for source in context.sources])
        return context, score

    def _generated(
        self, text: str, context: Context, who: str, steps: Steps, ask: Callable[[Request, Caller], ReplyPieces]
    ) -> ReplyPieces:
        with steps.step("prompt", "PARSER", template=self.prompt.name) as span:
            messages = self.messages(text, context.sources)
            span.set_outputs([{"role": one.role, "content": one.content} for one in messages])
        request = Request(
            messages=tuple(messages),
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            response_schema=self.prompt.response_schema,
            question=text,
            evidence=tuple(one.text for one in context.sources),
        )
        caller = Caller(who, "ask", self.prompt.name, self.prompt.content_hash[:8], steps.trace_id)
        with steps.step("generate", "CHAT_MODEL") as span:
            reply = yield from ask(request, caller)
            span.set_attribute("model", reply.model)
            span.set_attribute("stood_in_for", list(reply.failed))
            span.set_outputs(reply.text)
        return reply

    def _read(self, reply: Reply, text: str, context: Context, score: float, steps: Steps) -> Answer:
        passages = [one.text for one in context.sources]
        with steps.step("check", "PARSER", reply=reply.text) as span:
            written = read(unmarked(reply.text), self.prompt, (self.prompt.abstention or "", DEFAULT_ABSTENTION))
            cited = check_citations(written.text, len(passages))
            grounded = attribute(cited.text.strip(), passages, self.settings.attribute_from)
            quoted = not grounded.numbers and not written.abstains and self.settings.uncited == "quote"
            if quoted:
                grounded = quote(text, passages, self.gateway.quotes)
            span.set_outputs({"removed": cited.removed, "attributed": grounded.attributed, "quoted": quoted})
        answer = replace(
            self._abstention("the model", text, context, score),
            model=reply.model,
            failed=reply.failed,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            valid_citations=cited.valid,
            removed_citations=cited.removed,
        )
        if written.abstains or not grounded.text:
            return answer
        used = tuple(one for one in context.sources if one.number in grounded.numbers)
        return replace(
            answer,
            text=grounded.text,
            cited=used,
            abstained=None,
            attributed=grounded.attributed,
            quoted=quoted,
        )

    def _abstention(self, who: Abstained, text: str, context: Context, score: float) -> Answer:
        return Answer(
            text=self.prompt.abstention or DEFAULT_ABSTENTION,
            cited=(),
            sources=context.sources,
            abstained=who,
            standalone=text,
            evidence=score,
            prompt=f"{self.prompt.name}@{self.prompt.content_hash[:8]}",
            generation=self.searcher.generation,
        )

    def _count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the primary model counts; an estimate where that one cannot be had and another will have to answer."""
        try:
            model = self.gateway.primary
        except ModelFailure:
            return [len(text) // _CHARACTERS_A_TOKEN + 1 for text in texts]
        return [model.count_tokens(text) for text in texts]


def _as_document(source: Packed) -> dict[str, object]:
    """As MLflow's pages and judges read retrieved documents."""
    passage = source.passage
    return {
        "page_content": source.text,
        "metadata": {"doc_uri": passage.path, "number": source.number, "chunk_ids": list(source.chunk_ids)},
        "id": passage.chunk_id,
    }
