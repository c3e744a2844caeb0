"""A served model that speaks OpenAI's chat completions: Databricks serving, a vLLM server, a gateway, OpenAI."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import openai
from pydantic import BaseModel, ValidationError

from ragops.answers.llms.errors import Declined, EmptyAnswer, Malformed, ModelFailure, check_context
from ragops.answers.llms.providers.deadline_socket import TimeLimit
from ragops.answers.llms.providers.openai_errors import ServerErrors, field_refused_by, read_error, shorten
from ragops.answers.llms.providers.openai_replies import Chunk, Chunks, Completion, Usage
from ragops.answers.llms.providers.request_fields import RequestFields
from ragops.answers.llms.providers.schemas import strict_schema
from ragops.answers.llms.providers.token_counts import estimate_tokens
from ragops.answers.llms.resilience import Deadline
from ragops.answers.llms.settings import OPTIONAL, OpenAICompatible
from ragops.answers.llms.thoughts import ThoughtFilter
from ragops.answers.llms.types import Pieces, Reply, Request
from ragops.platform.model_servers import is_this_machine

_CUT_OFF = "length"  # the finish reason of an answer that ended at max_tokens
_FILTERED = "content_filter"  # that of an answer which a filter removed
_TOKENS_PER_MESSAGE = 8  # added by a chat template
_Content = TypeVar("_Content", bound=BaseModel)
_Answer = TypeVar("_Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """A server's address and token: text, or a function that returns a valid one for each request."""

    base_url: str
    token: str | Callable[[], str] = field(default="", repr=False)


class _NotInPieces(Exception):
    """The server does not stream, or not this request."""


class OpenAICompatibleModel:
    """Calls one served model, once for each request: retries are up to the gateway.

    If the server refuses an optional field, the request is repeated without it; if the server then answers, the field
    is omitted from all further requests. Likewise, once an answer has only the closing tag of its thoughts, all further
    answers are shown only from that tag on.
    """

    def __init__(self, settings: OpenAICompatible, access: Access) -> None:
        """Opens a client; nothing is sent before the first request."""
        self._settings = settings
        self._errors = ServerErrors(settings.name, access.base_url)
        self._fields = RequestFields(settings.omit, access.base_url)
        self._starts_inside_thoughts = settings.starts_inside_thoughts
        # The client requires a key; a server without one must not receive a made-up one.
        self._headers: dict[str, Any] = {} if access.token else {"extra_headers": {"Authorization": openai.omit}}
        # Texts go to this address only: redirects are not followed, and requests to this machine bypass proxies.
        http = openai.DefaultHttpxClient(
            follow_redirects=False,
            trust_env=not is_this_machine(access.base_url),
            event_hooks={"response": [TimeLimit.on_response, read_error]},
        )
        self._client = openai.OpenAI(
            base_url=access.base_url, api_key=access.token or "none", max_retries=0, http_client=http
        )

    @property
    def name(self) -> str:
        """Its name in usecase.yml."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """As configured."""
        return self._settings.context_tokens

    def generate(self, request: Request) -> Reply:
        """Returns the whole answer.

        Raises:
            ModelFailure: there is none, or an empty one.
            ContextOverflow: the request is too long by our estimate, or by the server's count.
        """
        return self._whole(request, set())

    def _whole(self, request: Request, refused: set[str]) -> Reply:
        body, started, within = self._body(request), time.monotonic(), Deadline(self._seconds(request))
        create = self._client.chat.completions.with_raw_response.create
        with self._errors.in_time(self._seconds(request)):
            raw = self._accepted(body, lambda sent: create(**sent, timeout=within.left()), refused)
            done = self._read(Completion, raw.text)
        if not done.choices:
            raise self._errors.error(Malformed, "answered without choices; it is not OpenAI-compatible")
        choice = done.choices[0]
        written = ThoughtFilter(self._starts_inside_thoughts)
        written.feed(choice.message.content or "")
        written.end(cut_off=choice.finish_reason == _CUT_OFF)
        text = written.answer if self._fields.accepts_stop() else _before_stop(written.answer, request.stop)
        return self._reply(request, text, written, choice.finish_reason, done.usage, started, choice.message.refusal)

    def stream(self, request: Request) -> Pieces:
        """Yields the answer in pieces, or as a single piece if the server does not stream.

        Raises:
            ModelFailure: as for `generate`; also if the stream breaks off.
            ContextOverflow: as for `generate`.
        """
        refused = set[str]()
        if self._fields.streams(request.stop):
            try:
                return (yield from self._streamed(request, refused))
            except _NotInPieces:
                pass
        reply = self._whole(request, refused)
        yield reply.text
        return reply

    def _streamed(self, request: Request, refused: set[str]) -> Pieces:
        started, within = time.monotonic(), Deadline(self._seconds(request))
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        create = self._client.chat.completions.with_raw_response.create
        written = ThoughtFilter(self._starts_inside_thoughts)
        reason: str | None = None
        usage: Usage | None = None
        with (
            self._errors.in_time(self._seconds(request)),
            self._accepted(body, lambda sent: create(**sent, timeout=within.left()), refused).parse(
                to=Chunks
            ) as chunks,
        ):
            for raw in chunks:
                # The client returns JSON that is not an object unparsed.
                chunk = self._read(
                    Chunk, raw.to_json(warnings=False) if isinstance(raw, openai.BaseModel) else repr(raw)
                )
                usage = chunk.usage or usage
                for part in (chunk.choices or [])[:1]:
                    reason = part.finish_reason or reason
                    if piece := written.feed(part.delta.content or ""):
                        yield piece
        if reason is None and not chunks.is_complete:
            raise self._errors.error(Malformed, "the answer was cut off")
        if piece := written.end(cut_off=reason == _CUT_OFF):
            yield piece
        return self._reply(request, written.answer, written, reason, usage, started)

    def _accepted(self, body: dict[str, Any], ask: Callable[[dict[str, Any]], _Answer], refused: set[str]) -> _Answer:
        """The server's answer to the fields it accepts: after a refusal that names a field, repeats without that field.

        Such fields are added to `refused`, and omitted for good once the server accepts the request without them:
        until then a refusal may have another reason, and name a field because the prompt contains its name.

        Raises:
            _NotInPieces: the server only answers as a whole.
        """
        while True:
            sent = self._fields.accepted(body, refused)
            try:
                answer = ask(sent | self._headers)
            except openai.APIStatusError as error:
                name = field_refused_by(error, sent)
                if name not in OPTIONAL:
                    raise
                refused.add(name)
                if "stream" in sent and not self._fields.streams(body.get("stop", ()), refused):
                    raise _NotInPieces from error
            else:
                for name in self._fields.omit(refused):
                    _log.warning("%s", self._errors.line(f"it refuses the field {name}, which is omitted from now on"))
                return answer

    def count_tokens(self, text: str) -> int:
        """An estimate: only the server has the tokenizer."""
        return estimate_tokens(text)

    def _prompt_tokens(self, request: Request) -> int:
        return sum(self.count_tokens(message.content) + _TOKENS_PER_MESSAGE for message in request.messages)

    def _seconds(self, request: Request) -> float:
        return min(request.timeout_s or self._settings.timeout_s, self._settings.timeout_s)

    def _body(self, request: Request) -> dict[str, Any]:
        check_context(self.name, self._prompt_tokens(request), request.max_tokens, self.context_tokens)
        body: dict[str, Any] = {
            "model": self._settings.served_name,
            "messages": request.chat(),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
        }
        if request.temperature > 0:  # without sampling, a strict server may refuse it
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        if request.response_schema is not None:
            schema = {"name": "answer", "schema": strict_schema(request.response_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _reply(
        self,
        request: Request,
        text: str,
        written: ThoughtFilter,
        reason: str | None,
        usage: Usage | None,
        started: float,
        refusal: str | None = None,
    ) -> Reply:
        self._starts_inside_thoughts |= written.began_inside
        read, counted = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
        tokens = (
            self._prompt_tokens(request) if read is None else read,
            self.count_tokens(written.text) if counted is None else counted,
        )
        if not text.strip():
            failure = self._no_answer(reason, refusal)
            failure.tokens = tokens
            raise failure
        seconds = time.monotonic() - started
        return Reply(text, self.name, self._settings.provider, *tokens, seconds, reason or "stop")

    def _no_answer(self, reason: str | None, refusal: str | None) -> ModelFailure:
        if refusal or reason == _FILTERED:
            words = shorten(refusal or f"finish_reason {reason}")
            return self._errors.error(Declined, f"it declines to answer ({words}); rephrase the question")
        fix = "raise max_tokens, which its thoughts used up" if reason == _CUT_OFF else "rephrase the question"
        return self._errors.error(EmptyAnswer, f"the model returned an empty answer (finish_reason {reason}); {fix}")

    def _read(self, kind: type[_Content], raw: str) -> _Content:
        try:
            return kind.model_validate_json(raw)
        except ValidationError as error:
            raise self._errors.error(Malformed, f"answered with {shorten(raw)!r}; check its address") from error


def _before_stop(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop text."""
    return text[: min((at for one in stop if (at := text.find(one)) >= 0), default=len(text))]
