"""The endpoint encoder: an OpenAI-compatible /embeddings, such as a Databricks serving endpoint or a vLLM server."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import numpy as np
from pydantic import BaseModel, ValidationError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ragops.corpus.embeddings.interface import PromptedEncoder, Vectors, normalized
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError
from ragops.platform.model_servers import is_this_machine, is_transient, refusal
from ragops.text import one_line

# Common limits of servers: OpenAI 2,048 texts and 300,000 tokens per request, Databricks' own models 150 texts.
_TEXTS_PER_REQUEST = 128
_CHARACTERS_PER_REQUEST = 256_000

_ATTEMPTS = 6
_LONGEST_WAIT_SECONDS = 30.0
_TIMEOUT = httpx.Timeout(120.0, connect=10.0)

Token = str | Callable[[], str]
"""A token, or a function that returns a valid one; "" for none."""


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Row]


class _Transient(Exception):
    """A failure that another attempt may avoid."""


class EndpointEncoder(PromptedEncoder):
    """Encodes by requests of limited size, retried with random exponential backoff while the server is unavailable.

    Both encode methods raise UserError if the endpoint refuses, does not answer, or answers with anything other than
    these vectors.
    """

    def __init__(
        self, model: EmbeddingModel, base_url: str, token: Token = "", longest_wait: float = _LONGEST_WAIT_SECONDS
    ) -> None:
        """Opens a client for `base_url`, without /embeddings; `longest_wait`: seconds between two attempts.

        Long-running processes pass a function as `token`, which is called for each request.

        Raises:
            UserError: `base_url` is not an http or https address.
        """
        if not base_url.startswith(("http://", "https://")):
            raise UserError(
                f"Embedding endpoint {model.served_name}: '{base_url}' is not an http(s) address; set its base URL"
            )
        super().__init__(model)
        self._url = base_url.rstrip("/") + "/embeddings"
        self._token = token
        # Texts are sent only to this address: redirects are not followed, and no proxy is used for this machine.
        self._client = httpx.Client(auth=self._signed, timeout=_TIMEOUT, trust_env=not is_this_machine(base_url))
        self._retrying = Retrying(
            retry=retry_if_exception_type(_Transient),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=min(0.5, longest_wait), max=longest_wait),
        )

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for rows in requests(texts):
            try:
                vectors[rows] = self._retrying(self._request, texts[rows])
            except RetryError as error:
                reason = error.last_attempt.exception()
                raise self._error(f"no answer in {_ATTEMPTS} attempts ({reason}); check that it is up") from error
        return normalized(vectors) if self._model.normalise else vectors

    def _signed(self, request: httpx.Request) -> httpx.Request:
        if token := self._token() if callable(self._token) else self._token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    def _request(self, texts: list[str]) -> Vectors:
        # No encoding_format: strict servers refuse unknown fields, and all of them return numbers by default.
        body: dict[str, Any] = {"model": self._model.served_name, "input": texts}
        try:
            response = self._client.post(self._url, json=body)
        except httpx.TransportError as error:
            raise _Transient(str(error) or type(error).__name__) from error
        status = response.status_code
        if is_transient(status):
            raise _Transient(f"HTTP {status}")
        if not response.is_success:
            location = one_line(response.headers["location"], 200) if response.has_redirect_location else ""
            raise self._error(refusal(status, location, one_line(f"HTTP {status} {response.text}", 200)))
        return self._vectors(response, len(texts))

    def _vectors(self, response: httpx.Response, count: int) -> Vectors:
        try:
            rows = _Answer.model_validate_json(response.content).data
        except ValidationError as error:
            raise self._error(f"answered with {one_line(response.text, 200)!r}; check the base URL") from error
        if sorted(row.index for row in rows) != list(range(count)):
            raise self._error(
                f"answered {count} texts with other rows, so it is not OpenAI-compatible; check the base URL"
            )
        lengths = {len(row.embedding) for row in rows}
        if lengths != {self.dimension}:
            raise self._error(f"vectors of length {lengths}, not {self.dimension}; correct `dimension` in usecase.yml")
        return np.array([row.embedding for row in sorted(rows, key=lambda row: row.index)], dtype=np.float32)

    def _error(self, message: str) -> UserError:
        return UserError(f"Embedding endpoint {self._model.served_name} at {self._url}: {message}")


def requests(texts: Sequence[str]) -> list[slice]:
    """Splits the texts into consecutive slices, one for each request."""
    found: list[slice] = []
    start = size = 0
    for row, text in enumerate(texts):
        if row > start and (row - start >= _TEXTS_PER_REQUEST or size + len(text) > _CHARACTERS_PER_REQUEST):
            found.append(slice(start, row))
            start, size = row, 0
        size += len(text)
    return [*found, slice(start, len(texts))] if texts else []
