"""A served model that speaks OpenAI's chat completions: Databricks serving, a vLLM server, a gateway, OpenAI."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import openai
from pydantic import BaseModel, ValidationError

from ragops.addresses import is_this_machine
from ragops.errors import UserError
from ragops.llms.alarm import Alarm
from ragops.llms.failures import (
    Busy,
    ContextOverflow,
    EmptyAnswer,
    Malformed,
    ModelFailure,
    Rejected,
    ServerFault,
    TimedOut,
    Unreachable,
    check_context,
)
from ragops.llms.model import Pieces, Reply, Request
from ragops.llms.settings import OpenAICompatible

_BYTES_A_TOKEN = 3
_TOKENS_A_MESSAGE = 8  # what a chat template puts around each
_CONTEXT_CODE = "context_length_exceeded"
_LATE = "no answer in time; raise timeout_s, or choose a faster model"
_Content = TypeVar("_Content", bound=BaseModel)


@dataclass(frozen=True)
class Access:
    """Where a server is, and the token for it: text, or a function that gives a fresh one for each request."""

    base_url: str
    token: str | Callable[[], str] = field(default="", repr=False)


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Text(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Text
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Part(BaseModel):
    delta: _Text = _Text()
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Part]
    usage: _Usage | None = None


class OpenAICompatibleModel:
    """Asks one served model, once for each request: asking again is the door's business."""

    def __init__(self, settings: OpenAICompatible, access: Access) -> None:
        """Opens a client; the server is not asked before the first request."""
        self._settings = settings
        self._url = access.base_url
        # The client insists on a key; a server without one must not be sent an invented one.
        self._headers: dict[str, Any] = {} if access.token else {"extra_headers": {"Authorization": openai.omit}}
        # Texts go to this address and to no other: not where a server sends us on to, and from a server on this machine
        # to no proxy.
        http = openai.DefaultHttpxClient(
            follow_redirects=False,
            trust_env=not is_this_machine(access.base_url),
            event_hooks={"response": [Alarm.heard, _read_refusal]},
        )
        self._client = openai.OpenAI(
            base_url=access.base_url, api_key=access.token or "none", max_retries=0, http_client=http
        )

    @property
    def name(self) -> str:
        """Its name on the card."""
        return self._settings.name

    @property
    def context_tokens(self) -> int:
        """As the card says."""
        return self._settings.context_tokens

    def generate(self, request: Request) -> Reply:
        """The whole answer.

        Raises:
            ModelFailure: none came, an empty one included.
            ContextOverflow: by our estimate, or by the server's count, the request is too long.
        """
        body, started = self._body(request), time.monotonic()
        with self._in_time(request):
            raw = self._client.chat.completions.with_raw_response.create(**body, timeout=self._seconds(request))
            done = self._read(_Completion, raw.text)
        if not done.choices:
            raise self._error(Malformed, "answered without a choice; it is not OpenAI-compatible")
        choice = done.choices[0]
        return self._reply(request, choice.message.content or "", choice.finish_reason, done.usage, started)

    def stream(self, request: Request) -> Pieces:
        """The answer in pieces. Raises as `generate` does; also where the stream breaks off."""
        body, started, pieces = self._body(request), time.monotonic(), []
        if "stream_options" not in self._settings.omit:
            body["stream_options"] = {"include_usage": True}
        reason: str | None = None
        usage: _Usage | None = None
        with (
            self._in_time(request),
            self._client.chat.completions.create(**body, stream=True, timeout=self._seconds(request)) as chunks,
        ):
            for raw in chunks:
                # The client gives JSON that is no object as it is.
                chunk = self._read(
                    _Chunk, raw.to_json(warnings=False) if isinstance(raw, openai.BaseModel) else repr(raw)
                )
                usage = chunk.usage or usage
                for part in chunk.choices[:1]:
                    reason = part.finish_reason or reason
                    if part.delta.content:
                        pieces.append(part.delta.content)
                        yield part.delta.content
        if reason is None:
            raise self._error(Malformed, "the answer broke off")
        return self._reply(request, "".join(pieces), reason, usage, started)

    def count_tokens(self, text: str) -> int:
        """An estimate on the high side, a token for every three bytes: the server alone has the tokenizer."""
        return -(-len(text.encode()) // _BYTES_A_TOKEN)

    def _prompt_tokens(self, request: Request) -> int:
        return sum(self.count_tokens(message.content) + _TOKENS_A_MESSAGE for message in request.messages)

    def _seconds(self, request: Request) -> float:
        return min(request.timeout_s or self._settings.timeout_s, self._settings.timeout_s)

    def _body(self, request: Request) -> dict[str, Any]:
        check_context(self.name, self._prompt_tokens(request), request.max_tokens, self.context_tokens)
        body: dict[str, Any] = {
            "model": self._settings.served_name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        if request.response_schema is not None:
            schema = {"name": "answer", "schema": request.response_schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        kept = {name: value for name, value in body.items() if name not in self._settings.omit}
        return kept | self._headers

    def _reply(self, request: Request, text: str, reason: str | None, usage: _Usage | None, started: float) -> Reply:
        if not text.strip():
            raise self._error(EmptyAnswer, f"the answer is empty (finish_reason {reason}); ask otherwise")
        read = usage.prompt_tokens if usage else self._prompt_tokens(request)
        written = usage.completion_tokens if usage else self.count_tokens(text)
        seconds = time.monotonic() - started
        return Reply(text, self.name, self._settings.provider, read, written, seconds, reason or "stop")

    def _read(self, kind: type[_Content], raw: str) -> _Content:
        try:
            return kind.model_validate_json(raw)
        except ValidationError as error:
            raise self._error(Malformed, f"answered with {_one_line(raw)!r}; check its address") from error

    @contextmanager
    def _in_time(self, request: Request) -> Iterator[None]:
        """Ends what is done in it when the request's time is over, whatever the server sends meanwhile."""
        failure: UserError | None = None
        with Alarm(self._seconds(request)) as alarm:
            try:
                with self._told():
                    yield
            except UserError as error:
                failure = error
        if alarm.rang:
            raise self._error(TimedOut, _LATE) from failure
        if failure is not None:
            raise failure

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns the client's errors into ours."""
        try:
            yield
        except openai.APITimeoutError as error:
            raise self._error(TimedOut, _LATE) from error
        except openai.APIConnectionError as error:
            raise self._error(Unreachable, f"{_cause(error)}; check that it is up") from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except openai.APIError as error:
            raise self._error(ServerFault, _one_line(error.message)) from error
        except (ValueError, RecursionError, openai.OpenAIError) as error:  # a line of the stream that is no JSON
            raise self._error(Malformed, f"sent what is no answer ({_one_line(str(error))})") from error

    def _refusal(self, error: openai.APIStatusError) -> Exception:
        status, said = error.status_code, _one_line(error.message)
        if status in {408, 409, 425, 429} or status >= 500:
            kind = Busy if status == 429 else ServerFault
            return kind(self._line(f"HTTP {status} {said}"), _retry_after(error.response.headers.get("retry-after")))
        if error.response.has_redirect_location:
            there = _one_line(error.response.headers["location"])
            return self._error(Rejected, f"it sends us on to {there}, where nothing was sent; correct its base URL")
        if status in {401, 403}:
            return self._error(Rejected, f"{said}; give a token that may query it (CAN QUERY in a workspace)")
        if error.code == _CONTEXT_CODE:
            return ContextOverflow(self.name, f"the server refuses the prompt ({said})")
        return self._error(Rejected, f"{said}; correct the card's model")

    def _error(self, kind: type[ModelFailure], reason: str) -> ModelFailure:
        return kind(self._line(reason))

    def _line(self, reason: str) -> str:
        return f"Model {self.name} at {self._url}: {reason}"


def _read_refusal(response: Any) -> None:  # noqa: ANN401 - httpx2's, which is the client's own
    """Reads the text of an error where the client still tells what goes wrong; later it lets httpx2's errors pass."""
    if not response.is_success:
        response.read()


def _retry_after(header: str | None) -> float | None:
    """Seconds, as servers of models send it; a date (RFC 9110 allows one) counts as not said."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _cause(error: BaseException) -> str:
    return _one_line(str(error.__cause__ or error)) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
