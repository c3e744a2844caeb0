"""The use case's section `models`: which models there are, what each costs and may see, and who answers."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from ragops.errors import UserError

OptionalField = Literal[
    "stream_options", "seed", "temperature", "stop", "response_format", "max_tokens", "max_completion_tokens", "stream"
]
"""Fields of a request that can be left out: what is asked stays the same question."""
OPTIONAL: tuple[OptionalField, ...] = get_args(OptionalField)

DEFAULT_ABSTENTION = "I don't know: the documents do not say."


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(_Section):
    """What every model has.

    `context_tokens` is what prompt and answer may have together, `max_tokens` the longest answer, `timeout_s` how long
    one attempt may take. Prices are in the use case's currency: per million tokens, or per second of one's own GPU.
    `private` is the operator's word that texts stay within the organisation; `policy.why_not_private` says where it
    holds. `requests_per_minute` is the rate kept to; None for any.
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

    Without `base_url` it is this workspace's own serving, with the workspace's own identity; on a laptop, what
    OPENAI_BASE_URL and OPENAI_API_KEY say, which is `private` on this machine only. `key` names the secret in the
    target's scope that holds the token for `base_url`. `omit` lists fields of a request that this server refuses.
    One that is not listed is left out after the first refusal, anew in each process.
    """

    provider: Literal["openai_compatible"]
    served_name: str
    base_url: str | None = Field(default=None, pattern="^https?://")
    key: str | None = None
    omit: tuple[OptionalField, ...] = ()

    @model_validator(mode="after")
    def _key_has_an_address(self) -> OpenAICompatible:
        if self.key and not self.base_url:
            raise ValueError("key goes with base_url: this workspace's own serving takes the workspace's identity")
        return self


class OpenVinoGguf(ModelSettings):
    """A GGUF file that runs in this process on the CPU: package:MODULE/FILE.gguf, or a path such as /Volumes/..."""

    provider: Literal["openvino_gguf"]
    source: str = Field(pattern=r"\.gguf$")
    private: Literal[True] = True
    # One at a time: a second would only take the cores from the first.
    concurrency: Literal[1] = 1


class VllmOffline(ModelSettings):
    """A model that vLLM runs inside Spark's workers, one engine a GPU: a hub's OWNER/NAME or a folder."""

    provider: Literal["vllm_offline"]
    source: str
    private: Literal[True] = True
    gpu_memory_utilization: float = Field(default=0.9, gt=0, lt=1)


class Extractive(ModelSettings):
    """No model: the evidence's own sentences. Below the share `support` of the question's weight it abstains."""

    provider: Literal["extractive"]
    context_tokens: PositiveInt = 1_000_000
    private: Literal[True] = True
    sentences: int = Field(default=3, ge=1, le=10)
    support: float = Field(default=0.2, ge=0, le=1)
    abstention: str = DEFAULT_ABSTENTION


class Scripted(ModelSettings):
    """For tests and demonstrations: these replies in turn, the last one for ever."""

    provider: Literal["scripted"]
    context_tokens: PositiveInt = 1_000_000
    private: Literal[True] = True
    replies: tuple[str, ...] = Field(min_length=1)


AnyModel = Annotated[
    OpenAICompatible | OpenVinoGguf | VllmOffline | Extractive | Scripted, Field(discriminator="provider")
]


class Answering(_Section):
    """Who answers: `primary`, and where it fails those of `fallback` in turn; a whole question within `deadline_s`."""

    primary: str
    fallback: tuple[str, ...] = ()
    deadline_s: PositiveFloat = 120.0


class Resilience(_Section):
    """How often one model is asked, and when it is left alone: after so many failures in a row, for so long."""

    attempts: PositiveInt = 3
    failures_to_rest: PositiveInt = 5
    rest_s: PositiveFloat = 30.0


class Ledger(_Section):
    """What is kept of calls. `payloads`: prompts and answers, encrypted with the key ring in the secret `key`."""

    payloads: Literal["none", "encrypted"] = "none"
    key: str = "payload-keys"


class Models(_Section):
    """All models by name, who of them answers, and how calls are made and recorded. `cache`: answers kept in memory."""

    answer: Answering
    known: tuple[AnyModel, ...] = Field(min_length=1)
    resilience: Resilience = Resilience()
    ledger: Ledger = Ledger()
    cache: int = Field(default=256, ge=0)

    @model_validator(mode="after")
    def _names_fit(self) -> Models:
        names = [model.name for model in self.known]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two models are named {twice[0]}")
        for name in (self.answer.primary, *self.answer.fallback):
            if name not in names:
                raise ValueError(f"answer names {name}, which is no known model; there are {', '.join(names)}")
        return self

    def named(self, name: str) -> AnyModel:
        """The settings of one model. Raises UserError when there is none of that name."""
        for model in self.known:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in self.known)
        raise UserError(f"model {name}: the use case knows none of that name; choose one of {names}")

    def chain(self) -> list[AnyModel]:
        """Those who answer, in the order in which they are asked, each once."""
        return [self.named(name) for name in dict.fromkeys((self.answer.primary, *self.answer.fallback))]

    @property
    def quotes(self) -> Extractive:
        """How evidence is quoted in place of an answer that cites nothing: by the use case's own quoting model."""
        return next((model for model in self.known if isinstance(model, Extractive)), _QUOTES)

    def with_primary(self, name: str) -> Models:
        """The same with another primary, as a job's parameter or --model gives it; "" for the use case's own.

        Raises:
            UserError: the use case knows no such model.
        """
        if not name:
            return self
        return self.model_copy(update={"answer": self.answer.model_copy(update={"primary": self.named(name).name})})


_QUOTES = Extractive(name="quotes", provider="extractive")
QUOTES_ONLY = Models(answer=Answering(primary=_QUOTES.name), known=(_QUOTES,))
"""What a use case without the section gets: no model at all, the evidence's own sentences."""
