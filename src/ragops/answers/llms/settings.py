"""The section `models` of usecase.yml: the models, their prices and limits, and which of them answer."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from ragops.errors import UserError

OptionalField = Literal[
    "stream_options", "seed", "temperature", "stop", "response_format", "max_tokens", "max_completion_tokens", "stream"
]
"""Fields of a request that can be omitted without changing the question."""
OPTIONAL: tuple[OptionalField, ...] = get_args(OptionalField)

DEFAULT_ABSTENTION = "I don't know: the documents do not say."


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(_Section):
    """The settings that all providers share.

    Attributes:
        context_tokens: the most tokens that prompt and answer may have together.
        max_tokens: the longest answer, in tokens.
        timeout_s: how long one attempt may take.
        price_per_million_input: per million tokens read, in the use case's currency.
        price_per_million_output: per million tokens written.
        price_per_second: of a GPU of one's own.
        private: the operator's statement that texts stay within the organization; `policy.why_not_private` tells
            when it applies.
        concurrency: how many requests may run at the same time.
        requests_per_minute: the rate limit; None for no limit.
    """

    name: str
    context_tokens: PositiveInt
    max_tokens: PositiveInt = 512
    timeout_s: PositiveFloat = 60.0
    price_per_million_input: NonNegativeFloat = 0.0
    price_per_million_output: NonNegativeFloat = 0.0
    price_per_second: NonNegativeFloat = 0.0
    private: bool = False
    concurrency: PositiveInt = 4
    requests_per_minute: PositiveInt | None = None


class OpenAICompatible(ModelSettings):
    """A served model: a Databricks serving endpoint, a vLLM server, a gateway, OpenAI.

    Attributes:
        served_name: the model's name on the server.
        base_url: the server's address; None for this workspace's own endpoints with the workspace's own identity. On
            a laptop None means the server that OPENAI_BASE_URL and OPENAI_API_KEY name, which counts as `private` only
            if it runs on this machine.
        key: the secret in the target's scope with the token for `base_url`.
        omit: fields of a request that this server refuses. Each process discovers those not listed here by a refusal.
    """

    provider: Literal["openai_compatible"]
    served_name: str
    base_url: str | None = Field(default=None, pattern="^https?://")
    key: str | None = None
    omit: tuple[OptionalField, ...] = ()

    @model_validator(mode="after")
    def _key_has_an_address(self) -> OpenAICompatible:
        if self.key and not self.base_url:
            raise ValueError("key needs a base_url: the workspace's own endpoints use the workspace's identity")
        return self


class OpenVinoGguf(ModelSettings):
    """A GGUF file that runs in this process on the CPU: package:MODULE/FILE.gguf, or a path such as /Volumes/..."""

    provider: Literal["openvino_gguf"]
    source: str = Field(pattern=r"\.gguf$")
    private: Literal[True] = True
    # A second request would only compete with the first for the same cores.
    concurrency: Literal[1] = 1


class VllmOffline(ModelSettings):
    """A model that vLLM runs inside Spark's workers, one engine per GPU. `source`: OWNER/NAME on a hub, or a folder."""

    provider: Literal["vllm_offline"]
    source: str
    private: Literal[True] = True
    gpu_memory_utilization: float = Field(default=0.9, gt=0, lt=1)


class Extractive(ModelSettings):
    """Quotes sentences of the evidence, without a model.

    Attributes:
        sentences: quotes at most this many.
        support: abstains below this share of the question's weight.
        abstention: the answer if it abstains.
    """

    provider: Literal["extractive"]
    context_tokens: PositiveInt = 1_000_000
    private: Literal[True] = True
    sentences: int = Field(default=3, ge=1, le=10)
    support: float = Field(default=0.2, ge=0, le=1)
    abstention: str = DEFAULT_ABSTENTION


class Scripted(ModelSettings):
    """For tests and demonstrations: gives these replies in order, then repeats the last one."""

    provider: Literal["scripted"]
    context_tokens: PositiveInt = 1_000_000
    private: Literal[True] = True
    replies: tuple[str, ...] = Field(min_length=1)


AnyModel = Annotated[
    OpenAICompatible | OpenVinoGguf | VllmOffline | Extractive | Scripted, Field(discriminator="provider")
]


class Answering(_Section):
    """Which models answer: `primary`, then those of `fallback` in order; all requests of a question in `deadline_s`."""

    primary: str
    fallback: tuple[str, ...] = ()
    deadline_s: PositiveFloat = 120.0


class Resilience(_Section):
    """Attempts per model, and its circuit breaker: open for `rest_s` after `failures_to_rest` consecutive failures."""

    attempts: PositiveInt = 3
    failures_to_rest: PositiveInt = 5
    rest_s: PositiveFloat = 30.0


class Ledger(_Section):
    """What is recorded of calls. `payloads`: prompts and answers, encrypted with the key ring in the secret `key`."""

    payloads: Literal["none", "encrypted"] = "none"
    key: str = "payload-keys"


class Models(_Section):
    """All models, which of them answer, and how calls are made and recorded. `cache`: answers kept in memory."""

    answer: Answering
    known: tuple[AnyModel, ...] = Field(min_length=1)
    resilience: Resilience = Resilience()
    ledger: Ledger = Ledger()
    cache: int = Field(default=256, ge=0)

    @model_validator(mode="after")
    def _names_fit(self) -> Models:
        names = [model.name for model in self.known]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two models have the name {twice[0]}")
        for name in (self.answer.primary, *self.answer.fallback):
            if name not in names:
                raise ValueError(f"answer: unknown model {name}; choose from {', '.join(names)}")
        return self

    def named(self, name: str) -> AnyModel:
        """The settings of one model. Raises UserError if there is none with that name."""
        for model in self.known:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in self.known)
        raise UserError(f"model {name}: not in usecase.yml; choose from {names}")

    def chain(self) -> list[AnyModel]:
        """The models that answer, in the order in which they are called, each once."""
        return [self.named(name) for name in dict.fromkeys((self.answer.primary, *self.answer.fallback))]

    @property
    def quotes(self) -> Extractive:
        """How to quote evidence instead of an uncited answer: as the use case's own quoting model, or by default."""
        return next((model for model in self.known if isinstance(model, Extractive)), _QUOTES)

    def with_primary(self, name: str) -> Models:
        """Returns the models with another primary one, from a job's parameter or --model; "" changes nothing.

        Raises:
            UserError: there is no such model.
        """
        if not name:
            return self
        return self.model_copy(update={"answer": self.answer.model_copy(update={"primary": self.named(name).name})})


_QUOTES = Extractive(name="quotes", provider="extractive")
QUOTES_ONLY = Models(answer=Answering(primary=_QUOTES.name), known=(_QUOTES,))
"""For a use case without the section: quotes from the evidence, without a model."""
