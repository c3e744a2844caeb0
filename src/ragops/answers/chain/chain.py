"""How a question becomes an answer.

1. rewrite: a follow-up question is made to stand alone (`rewriting`).
2. retrieve: passages that the asker's groups may see, packed into the token budget (`retrieval.search`).
3. No passages, or evidence below the use case's threshold: abstain, without asking a model (`abstention`).
4. prompt: passages and question fill the template, untrusted text between delimiters (`prompts.render`).
5. generate: the gateway asks the primary model, or a fallback (`llms.gateway`).
6. check: invalid citations are removed, missing ones added, and a text without any is replaced (`checked`).

Each step is a span of one MLflow trace (`trace`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ragops.answers.chain.abstention import evidence
from ragops.answers.chain.checked import Checks
from ragops.answers.chain.rewriting import Standalone, standalone
from ragops.answers.chain.trace import Span, Steps, Trace
from ragops.answers.chain.types import Answer, AnswerSettings, Query
from ragops.answers.llms.errors import ModelFailure
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.providers.token_counts import estimate_tokens
from ragops.answers.llms.types import Pieces as ReplyPieces
from ragops.answers.llms.types import Reply, Request, drain
from ragops.answers.prompts.render import render
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.types import Message, PromptRequest, Source
from ragops.answers.prompts.untrusted import PROCESS_KEY
from ragops.answers.retrieval.context import Context, Packed
from ragops.answers.retrieval.search import Searcher

Pieces = Generator[str, None, Answer]
"""The pieces of an answer as they arrive; the generator returns the checked answer, and only that text counts."""


@dataclass(frozen=True)
class Chain:
    """Everything that answers need. One object serves all threads of a process.

    Attributes:
        searcher: finds passages.
        gateway: asks language models.
        prompt: the template for answers.
        rewrite: the template that makes follow-up questions stand alone.
        settings: the use case's section `answers`.
        values: for the prompt's own variables.
        key: of the prompt's delimiters.
        open_trace: starts the trace of an answer, with its inputs as keywords.

    Example:
        >>> from ragops import Query, load_usecase, open_chain, open_workspace
        >>> chain = open_chain(load_usecase(), open_workspace())
        >>> answer = chain.answer(Query("How do I open a file?", groups=("docs",)))
        >>> print(answer.text, [source.passage.path for source in answer.cited])  # doctest: +SKIP
    """

    searcher: Searcher
    gateway: Gateway
    prompt: Template
    rewrite: Template
    settings: AnswerSettings = AnswerSettings()
    values: dict[str, str] = field(default_factory=dict)
    key: bytes = PROCESS_KEY
    open_trace: Callable[..., Steps] = Trace

    @property
    def checks(self) -> Checks:
        """How a reply becomes an answer."""
        return Checks(self.prompt, self.settings, self.gateway.quotes)

    def answer(self, query: Query) -> Answer:
        """The checked answer to a question.

        Raises:
            UserError: there is no index, policy forbids the model, or no model answers.
        """
        return drain(self._run(query, streamed=False))

    def stream(self, query: Query) -> Pieces:
        """The same in pieces, as the model writes them; citations are checked after the last one. Raises as `answer`.

        With a prompt that asks for reasoning first, or for JSON, the checked answer is the only piece.
        """
        is_plain = not self.prompt.answer_after and not self.prompt.response_schema
        return self._run(query, streamed=is_plain)

    def messages(self, text: str, sources: Sequence[Packed]) -> list[Message]:
        """The model's input for a standalone question and its sources; equal arguments make equal messages."""
        shown = [Source(one.number, one.passage.title, one.passage.path, one.text) for one in sources]
        return render(self.prompt, PromptRequest(text, shown, values=self.values), self.key)

    def request(self, text: str, sources: Sequence[Packed]) -> Request:
        """What a model is asked for a standalone question and its sources."""
        return Request(
            messages=tuple(self.messages(text, sources)),
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            response_schema=self.prompt.response_schema,
            question=text,
            evidence=tuple(one.text for one in sources),
        )

    def retrieve(self, text: str, groups: Collection[str]) -> tuple[Context, float]:
        """The sources for a standalone question that members of the groups may see, and how well they match it."""
        context = self.searcher.context(text, self.count_tokens, groups=groups)
        return context, evidence([source.found for source in context.sources])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text for the primary model; an estimate if that model cannot be opened."""
        try:
            model = self.gateway.primary
        except ModelFailure:
            return [estimate_tokens(text) for text in texts]
        return [model.count_tokens(text) for text in texts]

    def _run(self, query: Query, *, streamed: bool) -> Pieces:
        """A generator of its own, so that clock and trace start with the first piece that is asked for."""
        return (yield from _Run(self, query, streamed).pieces())


class _Run:
    """One query on its way through the chain: the steps, with the trace and the deadline that they share."""

    def __init__(self, chain: Chain, query: Query, streamed: bool) -> None:
        self._chain, self._query, self._streamed = chain, query, streamed
        self._started = time.monotonic()
        self._trace = chain.open_trace(question=query.text, history=len(query.history))
        self._deadline = chain.gateway.deadline()
        self._step_seconds: dict[str, float] = {}

    def pieces(self) -> Pieces:
        """Runs all steps and ends the trace, with the answer or with the error."""
        try:
            answer = yield from self._steps()
        except BaseException as error:
            self._trace.fail(error)
            raise
        answer = replace(
            answer,
            seconds=time.monotonic() - self._started,
            step_seconds=self._step_seconds,
            trace_id=self._trace.trace_id,
        )
        self._trace.end(
            answer=answer.text,
            cited=[one.number for one in answer.cited],
            abstained=answer.abstained,
            model=answer.model,
            failed=answer.failed,
        )
        return answer

    def _steps(self) -> Pieces:
        question, not_rewritten = self._rewritten()
        context, score = self._retrieved(question)
        checks = self._chain.checks
        answer = checks.abstention(question, context, score, self._chain.searcher.generation)
        if checks.suffices(context, score):
            reply = yield from self._generated(question, context)
            answer = self._checked(reply, answer)
        if not (self._streamed and answer.model):
            yield answer.text
        return replace(answer, not_rewritten=not_rewritten)

    @contextmanager
    def _step(self, name: str, kind: str, **inputs: object) -> Iterator[Span]:
        """One step: a span of the trace, and its time. A streamed reply's includes the client's."""
        started = time.monotonic()
        with self._trace.step(name, kind, **inputs) as span:
            yield span
        self._step_seconds[name] = time.monotonic() - started

    def _rewritten(self) -> Standalone:
        chain, query = self._chain, self._query
        turns = chain.settings.history_turns
        history = query.history[-turns:] if turns else ()
        if not history:
            return Standalone(query.text, {})
        with self._step("rewrite", "CHAIN", question=query.text) as span:
            alone = standalone(query.text, history, chain.rewrite, chain.gateway, query.who, chain.key, self._deadline)
            span.set_attribute("failed_models", list(alone.failed))
            span.set_outputs(alone.text)
        return alone

    def _retrieved(self, question: str) -> tuple[Context, float]:
        chain, groups = self._chain, self._query.groups
        with self._step("retrieve", "RETRIEVER", question=question, groups=groups) as span:
            context, score = chain.retrieve(question, groups)
            span.set_attribute("evidence", score)
            span.set_outputs([_as_document(source) for source in context.sources])
        return context, score

    def _generated(self, question: str, context: Context) -> ReplyPieces:
        chain, prompt = self._chain, self._chain.prompt
        with self._step("prompt", "PARSER", template=prompt.name) as span:
            request = chain.request(question, context.sources)
            span.set_outputs(request.chat())
        with self._step("generate", "CHAT_MODEL") as span:
            reply = yield from self._reply(request)
            span.set_attribute("model", reply.model)
            span.set_attribute("failed_models", list(reply.failed))
            span.set_outputs(reply.text)
        return reply

    def _reply(self, request: Request) -> ReplyPieces:
        prompt, gateway = self._chain.prompt, self._chain.gateway
        caller = Caller(self._query.who, "ask", prompt.name, prompt.content_hash[:8], self._trace.trace_id)
        if self._streamed:
            return (yield from gateway.stream(request, caller, self._deadline))
        return gateway.generate(request, caller, self._deadline)

    def _checked(self, reply: Reply, abstention: Answer) -> Answer:
        with self._step("check", "PARSER", reply=reply.text) as span:
            done = self._chain.checks.checked(reply, abstention)
            span.set_outputs({"removed": done.removed, "attributed": done.attributed, "quoted": done.quoted})
        return done.answer


def _as_document(source: Packed) -> dict[str, object]:
    """The form in which MLflow's pages and judges read retrieved documents."""
    passage = source.passage
    return {
        "page_content": source.text,
        "metadata": {"doc_uri": passage.path, "number": source.number, "chunk_ids": list(source.chunk_ids)},
        "id": passage.chunk_id,
    }
