"""The gateway: policy, then cache, limits, retries, breaker and fallback, and a ledger row for every call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace

from ragops.answers.llms.errors import ContextOverflow, ModelFailure, NoCapacity, PolicyError, in_brief, reason
from ragops.answers.llms.ledger.encryption import KeyRing
from ragops.answers.llms.ledger.ledger import Caller, Entry, Sink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.resilience.breaker import Breaker
from ragops.answers.llms.resilience.cache import Answers
from ragops.answers.llms.resilience.limits import Limits
from ragops.answers.llms.resilience.retries import Deadline, retrying
from ragops.answers.llms.settings import AnyModel, Extractive, Models
from ragops.answers.llms.types import LanguageModel, Pieces, Reply, Request, drained
from ragops.errors import UserError

Opener = Callable[[AnyModel], LanguageModel]
_Asked = Callable[[LanguageModel, Request], Pieces]


class Gateway:
    """Calls models as the use case says. One object serves all threads of a process; models open when first asked."""

    def __init__(
        self,
        models: Models,
        policy: Policy,
        opener: Opener,
        sink: Sink,
        keys: KeyRing | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`keys`: for the payloads in the ledger; None keeps no payload."""
        self._models, self._policy, self._sink, self._keys, self._sleep = models, policy, sink, keys, sleep
        self._chain = [_Line(settings, models, opener, sleep) for settings in models.chain()]
        self._cache = Answers(models.cache)

    @property
    def primary(self) -> LanguageModel:
        """The model that should answer: its tokens and context are what a prompt is packed for.

        Raises:
            ModelFailure: it cannot be had in this place.
        """
        return self._chain[0].model

    @property
    def concurrency(self) -> int:
        """How many requests the primary model takes at a time."""
        return self._chain[0].settings.concurrency

    @property
    def quotes(self) -> Extractive:
        """How the use case wants evidence quoted; nobody is asked for that."""
        return self._models.quotes

    @property
    def primary_name(self) -> str:
        """The name in usecase.yml of the model that should answer."""
        return self._chain[0].settings.name

    def deadline(self) -> Deadline:
        """By when a question that is put now must be answered: for all requests that it takes."""
        return Deadline(self._models.answer.deadline_s)

    def generate(self, request: Request, caller: Caller, deadline: Deadline | None = None) -> Reply:
        """The answer of the first model of the chain that gives one; `deadline`: of the question, if it began before.

        Raises:
            PolicyError: a model of the chain may not see the text; nothing was sent.
            ContextOverflow: the request is too long for the primary model.
            ModelFailure: no model answered; the last one's reason, then those of the models before it.
        """
        return drained(self._answer(request, caller, _at_once, deadline))

    def stream(self, request: Request, caller: Caller, deadline: Deadline | None = None) -> Pieces:
        """The same in pieces; another model steps in only before the first of them. Raises as `generate` does."""
        return self._answer(request, caller, lambda model, sent: model.stream(sent), deadline)

    def _answer(self, request: Request, caller: Caller, ask: _Asked, deadline: Deadline | None) -> Pieces:
        self._check(caller)
        deadline = deadline or self.deadline()
        failure: UserError | None = None
        failed: dict[str, str] = {}
        for line in self._chain:
            fallback_of = None if line is self._chain[0] else self._chain[0].settings.name
            why = in_brief(failure) if failure else None
            entry = Entry(line.settings, line.settings.provider, caller, fallback_of, why)
            sent = self._policy.prepared(line.capped(request), line.settings)
            try:
                first, rest = self._begun(line, sent, ask, deadline, entry)
            except ContextOverflow as error:
                self._sink.write(entry.ended("refused", error))
                if failure is None:
                    raise
                failure = error
            except ModelFailure as error:
                self._sink.write(entry.ended("failed", error))
                failure = error
            else:
                return replace((yield from self._delivered(first, rest, sent, entry)), failed=failed)
            failed[line.settings.name] = reason(failure)
        assert failure is not None  # a chain has at least one model
        *before, _ = (f"{name}: {why}" for name, why in failed.items())
        if before:  # the words of the model that should have answered are what people fix
            failure.args = (f"{failure} (asked in place of {'; '.join(before)})",)
        raise failure

    def _check(self, caller: Caller) -> None:
        """The whole chain at once: a fallback that policy forbids must not come to light in an outage only."""
        for line in self._chain:
            try:
                self._policy.check([line.settings])
            except PolicyError as error:
                self._sink.write(Entry(line.settings, line.settings.provider, caller, None).ended("refused", error))
                raise

    def _begun(self, line: _Line, sent: Request, ask: _Asked, deadline: Deadline, entry: Entry) -> tuple[str, Pieces]:
        """The first piece of an answer, and the generator of the others."""
        if (known := self._cache.get(line.settings.name, sent)) is not None:
            return known.text, _ended(replace(known, cached=True))

        def attempt() -> tuple[str, Pieces]:
            entry.attempts += 1
            pieces = line.ask(sent, ask, deadline)
            first = next(pieces)
            while not first.strip():  # blanks are no beginning: what follows may be an empty answer's end
                first += next(pieces)
            return first, pieces

        return retrying(self._models.resilience.attempts, deadline, self._sleep)(attempt)

    def _delivered(self, first: str, rest: Pieces, sent: Request, entry: Entry) -> Pieces:
        try:
            yield first
            reply = yield from rest
        except GeneratorExit:
            rest.close()
            self._sink.write(entry.ended("abandoned"))
            raise
        except Exception as error:
            self._sink.write(entry.ended("failed", error))
            raise
        if not reply.cached:
            self._cache.put(reply.model, sent, reply)
        self._sink.write(entry.answered(reply, sent, self._keys))
        return reply


class _Line:
    """A model of the chain with its limits and its breaker."""

    def __init__(self, settings: AnyModel, models: Models, opener: Opener, sleep: Callable[[float], None]) -> None:
        self.settings = settings
        self._opener, self._lock = opener, threading.Lock()
        self._opened: LanguageModel | None = None
        self._limits = Limits(settings, sleep)
        tries = models.resilience
        self._breaker = Breaker(settings.name, tries.failures_to_rest, tries.rest_s)

    @property
    def model(self) -> LanguageModel:
        with self._lock:
            if self._opened is None:
                self._opened = self._opener(self.settings)
            return self._opened

    def capped(self, request: Request) -> Request:
        return replace(request, max_tokens=min(request.max_tokens, self.settings.max_tokens))

    def ask(self, request: Request, ask: _Asked, deadline: Deadline) -> Pieces:
        """One attempt: it holds its place until the answer's end."""
        model = self.model  # first: what is not to be had here must keep nobody waiting for a place
        # What quotes the evidence takes no time and answers when the others have used it all up.
        end = Deadline(self.settings.timeout_s) if isinstance(self.settings, Extractive) else deadline
        with self._breaker.watched(), self._limits.slot(end.left()):
            left = end.left()
            if not left:
                raise NoCapacity(f"Model {self.settings.name}: the answer's deadline has passed; raise deadline_s")
            seconds = min(left, request.timeout_s or left, self.settings.timeout_s)
            return (yield from ask(model, replace(request, timeout_s=seconds)))


def _at_once(model: LanguageModel, request: Request) -> Pieces:
    reply = model.generate(request)
    yield reply.text
    return reply


def _ended(reply: Reply) -> Generator[str, None, Reply]:
    yield from ()
    return reply
