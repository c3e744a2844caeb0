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


CHANGES_NO_ANSWER = frozenset(
    {
        "timeout_s",
        "price_per_million_input",
        "price_per_million_output",
        "price_per_second",
        "private",
        "concurrency",
        "requests_per_minute",
        "gpu_memory_utilization",
        "key",
    }
)
"""Those of a model's settings that cannot change an answer."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(_Section):
    """The settings that all providers share."""

    name: str
    """The name that `models.answer`, the job parameter llm and the option --model use."""
    context_tokens: PositiveInt
    """Maximum length of prompt and answer together, in tokens."""
    max_tokens: PositiveInt = 512
    """Maximum length of an answer, in tokens."""
    timeout_s: PositiveFloat = 60.0
    """Maximum time of one attempt, in seconds."""
    price_per_million_input: NonNegativeFloat = 0.0
    """Price of a million tokens read, in any currency, the same for all models."""
    price_per_million_output: NonNegativeFloat = 0.0
    """Price of a million tokens written, in the same currency."""
    price_per_second: NonNegativeFloat = 0.0
    """Price of a second of computing time, in the same currency, for a model on your own GPU."""
    private: bool = False
    """The operator's statement that texts stay within the organization, which decides what `corpus.classification`
    lets the model see."""
    concurrency: PositiveInt = 4
    """Maximum number of requests at the same time, per process."""
    requests_per_minute: PositiveInt | None = None
    """Maximum number of requests per minute, per process; null for no limit."""


class OpenAICompatible(ModelSettings):
    """A served model: a Databricks serving endpoint, a vLLM server, a gateway, OpenAI."""

    provider: Literal["openai_compatible"]
    """Selects this kind of model."""
    served_name: str
    """The model's name on the server."""
    base_url: str | None = Field(default=None, pattern="^https?://")
    """The server's address; null for this workspace's own endpoints with the workspace's own identity. On a laptop
    null means the server that OPENAI_BASE_URL and OPENAI_API_KEY name, which counts as `private` only if it runs on
    this machine."""
    key: str | None = None
    """Name of the secret in the target's scope that contains the token for `base_url`."""
    omit: tuple[OptionalField, ...] = ()
    """Fields of a request that this server refuses. Each process discovers those not listed here by a refusal."""
    starts_inside_thoughts: bool = False
    """Whether the model's thoughts end with </think> but have no opening tag: nothing before that tag is then shown.
    Each process discovers this from the first such answer, whose thoughts it may have streamed already."""

    @model_validator(mode="after")
    def _key_has_an_address(self) -> OpenAICompatible:
        if self.key and not self.base_url:
            raise ValueError("key needs a base_url: the workspace's own endpoints use the workspace's identity")
        return self


class OpenVinoGguf(ModelSettings):
    """A GGUF file that runs in this process on the CPU."""

    provider: Literal["openvino_gguf"]
    """Selects this kind of model."""
    source: str = Field(pattern=r"\.gguf$")
    """The file: package:MODULE/FILE.gguf, or a path such as /Volumes/..."""
    private: Literal[True] = True
    """Always true: texts do not leave this process."""
    concurrency: Literal[1] = 1
    """Always 1: a second request would only compete with the first for the same cores."""


class VllmOffline(ModelSettings):
    """A model that vLLM runs inside Spark's workers, one engine per GPU."""

    provider: Literal["vllm_offline"]
    """Selects this kind of model."""
    source: str
    """OWNER/NAME on the Hugging Face hub, or a folder with the model's files."""
    private: Literal[True] = True
    """Always true: texts do not leave the workers."""
    gpu_memory_utilization: float = Field(default=0.9, gt=0, lt=1)
    """Share of each GPU's memory that vLLM reserves for weights and KV cache."""


class Extractive(ModelSettings):
    """Quotes sentences, items of lists and rows of tables of the evidence, without a model."""

    provider: Literal["extractive"]
    """Selects this kind of model."""
    context_tokens: PositiveInt = 1_000_000
    private: Literal[True] = True
    """Always true: texts do not leave this process."""
    sentences: int = Field(default=3, ge=1, le=10)
    """Maximum number of quotes."""
    support: float = Field(default=0.1, ge=0, le=1)
    """Share of the question's word weights that the best quote must contain; below it the answer is `abstention`."""
    abstention: str = DEFAULT_ABSTENTION
    """The answer if no quote has enough support."""


class Scripted(ModelSettings):
    """For tests and demonstrations: gives these replies in order, then repeats the last one."""

    provider: Literal["scripted"]
    """Selects this kind of model."""
    context_tokens: PositiveInt = 1_000_000
    private: Literal[True] = True
    """Always true: texts do not leave this process."""
    replies: tuple[str, ...] = Field(min_length=1)
    """The answers, in the order in which they are given."""


AnyModel = Annotated[
    OpenAICompatible | OpenVinoGguf | VllmOffline | Extractive | Scripted, Field(discriminator="provider")
]


class Answering(_Section):
    """Which models answer."""

    primary: str
    """Name of the model that is asked first."""
    fallback: tuple[str, ...] = ()
    """Names of the models that are asked if it fails, in this order."""
    deadline_s: PositiveFloat = 120.0
    """Maximum time for one question, all attempts of all models together, in seconds."""


class Resilience(_Section):
    """Attempts per model, and its circuit breaker."""

    attempts: PositiveInt = 3
    """Maximum number of attempts per model and request; only transient failures are retried."""
    failures_to_rest: PositiveInt = 5
    """Number of consecutive transient failures after which a model is not called for `rest_s`."""
    rest_s: PositiveFloat = 30.0
    """Time until such a model is tried again, in seconds."""


class Ledger(_Section):
    """What is recorded of calls, in addition to times, tokens and costs."""

    payloads: Literal["none", "encrypted"] = "none"
    """Whether prompts and answers are recorded, encrypted, or not at all."""
    key: str = "payload-keys"
    """Name of the secret in the target's scope that contains the keys for `payloads: encrypted`."""


class Models(_Section):
    """All models, which of them answer, and how calls are made and recorded."""

    answer: Answering
    """Which of the models answer."""
    known: tuple[AnyModel, ...] = Field(min_length=1)
    """All models that can be chosen, each with its own name."""
    resilience: Resilience = Resilience()
    """Retries and circuit breaker."""
    ledger: Ledger = Ledger()
    """What is recorded of calls."""
    cache: int = Field(default=256, ge=0)
    """Number of answers kept in memory, per process, at temperature 0 only; 0 keeps none."""

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
