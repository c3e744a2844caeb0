"""The gateway through which every model call goes.

It checks the policy, returns a cached answer if there is one, and otherwise calls the models of the use case in order
until one answers: each within its limits, with retries, behind its circuit breaker. Every call gets a ledger row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from ragops.answers.llms.errors import (
    ContextOverflow,
    ModelFailure,
    NoCapacity,
    PolicyError,
    failure_reason,
    kind_and_status,
)
from ragops.answers.llms.ledger.calls import Call, Caller
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.sinks import Sink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.resilience import AnswerCache, Breaker, Deadline, Limits, retrying
from ragops.answers.llms.settings import AnyModel, Extractive, Models
from ragops.answers.llms.types import LanguageModel, Pieces, Reply, Request, drain
from ragops.errors import UserError

Opener = Callable[[AnyModel], LanguageModel]
_Method = Callable[[LanguageModel, Request], Pieces]


class Gateway:
    """Calls models as the use case configures. One object serves all threads of a process; models open on first use."""

    def __init__(
        self,
        models: Models,
        policy: Policy,
        opener: Opener,
        sink: Sink,
        keys: KeyRing | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`keys` encrypt the payloads in the ledger; None records no payloads."""
        self._models = models
        self._policy = policy
        self._sink = sink
        self._keys = keys
        self._sleep = sleep
        self._chain = [_Candidate(settings, models, opener, sleep) for settings in models.chain()]
        self._cache = AnswerCache(models.cache)

    @property
    def primary(self) -> LanguageModel:
        """The first model of the chain: prompts are packed for its tokens and context.

        Raises:
            ModelFailure: it is not available here.
        """
        return self._chain[0].model

    @property
    def concurrency(self) -> int:
        """How many concurrent requests the primary model takes."""
        return self._chain[0].settings.concurrency

    @property
    def quotes(self) -> Extractive:
        """The model that quotes the evidence as the use case configures it; it calls no server."""
        return self._models.quotes

    @property
    def primary_name(self) -> str:
        """The name of the primary model in usecase.yml."""
        return self._chain[0].settings.name

    def deadline(self) -> Deadline:
        """The deadline of a question asked now, for all its requests together."""
        return Deadline(self._models.answer.deadline_s)

    def generate(self, request: Request, caller: Caller, deadline: Deadline | None = None) -> Reply:
        """Returns the answer of the first model in the chain that gives one.

        Args:
            request: what to answer.
            caller: for the ledger.
            deadline: that of the question, if this is not its first request.

        Raises:
            PolicyError: a model of the chain may not see the text; nothing was sent.
            ContextOverflow: the request is too long for the primary model.
            ModelFailure: no model answered; it gives the last one's reason, then those of the models before it.
        """
        return drain(self._answer(request, caller, _whole, deadline))

    def stream(self, request: Request, caller: Caller, deadline: Deadline | None = None) -> Pieces:
        """Yields the answer in pieces; falls back to another model only before the first one. Raises as `generate`."""
        return self._answer(request, caller, lambda model, sent: model.stream(sent), deadline)

    def _answer(self, request: Request, caller: Caller, method: _Method, deadline: Deadline | None) -> Pieces:
        self._check(caller)
        deadline = deadline or self.deadline()
        failure: UserError | None = None
        failed: dict[str, str] = {}
        for candidate in self._chain:
            fallback_of = None if candidate is self._chain[0] else self._chain[0].settings.name
            call = Call(candidate.settings, caller, fallback_of, kind_and_status(failure) if failure else None)
            sent = self._policy.prepared(candidate.capped(request), candidate.settings)
            try:
                first, rest = self._first_piece(candidate, sent, method, deadline, call)
            except ContextOverflow as error:
                self._sink.write(call.ended("refused", error))
                if failure is None:
                    raise
                failure = error
            except ModelFailure as error:
                self._sink.write(call.ended("failed", error))
                failure = error
            else:
                return replace((yield from self._deliver(first, rest, sent, call)), failed=failed)
            failed[candidate.settings.name] = failure_reason(failure)
        assert failure is not None  # a chain has at least one model
        *before, _ = (f"{name}: {reason}" for name, reason in failed.items())
        if before:  # the primary model's message is what users can act on
            failure.args = (f"{failure} (fallback after {'; '.join(before)})",)
        raise failure

    def _check(self, caller: Caller) -> None:
        """Checks the whole chain at once: a forbidden fallback must not surface only in an outage."""
        for candidate in self._chain:
            try:
                self._policy.check([candidate.settings])
            except PolicyError as error:
                self._sink.write(Call(candidate.settings, caller).ended("refused", error))
                raise

    def _first_piece(
        self, candidate: _Candidate, sent: Request, method: _Method, deadline: Deadline, call: Call
    ) -> tuple[str, Pieces]:
        """Returns the first piece of an answer, and the generator of the others."""
        if (known := self._cache.get(candidate.settings.name, sent)) is not None:
            return known.text, _finished(replace(known, cached=True))

        def attempt() -> tuple[str, Pieces]:
            call.attempts += 1
            pieces = candidate.ask(sent, method, deadline)
            first = next(pieces)
            while not first.strip():  # the whole answer may turn out to be blank, which is a failure
                first += next(pieces)
            return first, pieces

        return retrying(self._models.resilience.attempts, deadline, self._sleep)(attempt)

    def _deliver(self, first: str, rest: Pieces, sent: Request, call: Call) -> Pieces:
        try:
            yield first
            reply = yield from rest
        except GeneratorExit:
            rest.close()
            self._sink.write(call.ended("abandoned"))
            raise
        except Exception as error:
            self._sink.write(call.ended("failed", error))
            raise
        if not reply.cached:
            self._cache.put(reply.model, sent, reply)
        self._sink.write(call.answered(reply, sent, self._keys))
        return reply


class _Candidate:
    """A model of the chain with its limits and its breaker."""

    def __init__(self, settings: AnyModel, models: Models, opener: Opener, sleep: Callable[[float], None]) -> None:
        self.settings = settings
        self._opener = opener
        self._lock = threading.Lock()
        self._opened: LanguageModel | None = None
        self._limits = Limits(settings, sleep)
        resilience = models.resilience
        self._breaker = Breaker(settings.name, resilience.failures_to_rest, resilience.rest_s)

    @property
    def model(self) -> LanguageModel:
        with self._lock:
            if self._opened is None:
                self._opened = self._opener(self.settings)
            return self._opened

    def capped(self, request: Request) -> Request:
        return replace(request, max_tokens=min(request.max_tokens, self.settings.max_tokens))

    def ask(self, request: Request, method: _Method, deadline: Deadline) -> Pieces:
        """Makes one attempt, which occupies a slot until the end of the answer."""
        model = self.model  # before waiting for a slot: a model that is not available must fail at once
        # Quoting the evidence takes no time, and is the answer when the other models have used up the deadline.
        end = Deadline(self.settings.timeout_s) if isinstance(self.settings, Extractive) else deadline
        with self._breaker.watched(), self._limits.slot(end.left()):
            left = end.left()
            if not left:
                raise NoCapacity(f"Model {self.settings.name}: the answer's deadline has passed; raise deadline_s")
            seconds = min(left, request.timeout_s or left, self.settings.timeout_s)
            return (yield from method(model, replace(request, timeout_s=seconds)))


def _whole(model: LanguageModel, request: Request) -> Pieces:
    reply = model.generate(request)
    yield reply.text
    return reply


def _finished(reply: Reply) -> Pieces:
    yield from ()
    return reply
