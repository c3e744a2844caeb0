"""What a team chooses about its serving endpoint, and the endpoint's AI Gateway block."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from databricks.sdk.service.serving import AiGatewayConfig, AiGatewayRateLimit

_SECRET = re.compile(r"\{\{secrets/[^/{}\s]+/[^/{}\s]+\}\}")
_CONFIDENTIAL = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)


class AiGatewaySettings(BaseModel):
    """What the platform records of an endpoint's traffic, and its rate limits.

    The platform calls this block legacy; everything that depends on it is in this module. Agent endpoints support the
    inference table only (REST reference of serving-endpoints); the platform refuses anything else before it changes
    the endpoint.

    Attributes:
        inference_table: CATALOG.SCHEMA.PREFIX of the table that stores requests and responses, which contain users'
            questions.
        usage_tracking: Whether the platform counts tokens and requests.
        calls_per_minute: Limit for all callers together.
        calls_per_minute_and_user: Limit for each caller.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inference_table: str | None = Field(default=None, pattern=r"^[^.]+\.[^.]+\.[^.]+$")
    usage_tracking: bool = False
    calls_per_minute: int | None = Field(default=None, gt=0)
    calls_per_minute_and_user: int | None = Field(default=None, gt=0)


class EndpointSettings(BaseModel):
    """One endpoint for custom models.

    Attributes:
        scale_to_zero: Costs nothing while idle, but the first question after a pause waits until the model is loaded.
        environment_vars: Of the container; secrets only as references.
        managers: Who may change the endpoint, in addition to its creator and the workspace admins: group names, user
            e-mail addresses, application ids of service principals.
        callers: Who may query it.
        ready_seconds: Limit for an update; building the image and loading the model take 10 to 20 minutes.
        smoke_seconds: Limit for the smoke test's answer.
        poll_seconds: Pause between two requests for the endpoint's state.
    """

    # Values may be secrets entered by mistake, so errors name the field and do not show the value.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
    workload_size: Literal["Small", "Medium", "Large"] = "Small"
    workload_type: Literal[
        "CPU",
        "CPU_MEDIUM",
        "CPU_LARGE",
        "GPU_SMALL",
        "GPU_MEDIUM",
        "GPU_LARGE",
        "GPU_XLARGE",
        "GPU_XLARGE_8",
        "MULTIGPU_MEDIUM",
    ] = "CPU"
    scale_to_zero: bool = False
    environment_vars: dict[str, str] = {}
    managers: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    gateway: AiGatewaySettings | None = None
    ready_seconds: float = Field(default=2400, gt=0)
    smoke_seconds: float = Field(default=180, gt=0)
    poll_seconds: float = Field(default=10, gt=0)

    @field_validator("name")
    @classmethod
    def _no_reserved_name(cls, name: str) -> str:
        if name.startswith("databricks-"):
            raise ValueError("names that begin with databricks- are reserved by the platform")
        return name

    @field_validator("environment_vars")
    @classmethod
    def _secrets_are_references(cls, variables: dict[str, str]) -> dict[str, str]:
        for name, value in variables.items():
            secret = _SECRET.fullmatch(value)
            if not secret and ("{{" in value or _CONFIDENTIAL.search(name)):
                raise ValueError(
                    f"{name} must be a reference {{{{secrets/SCOPE/KEY}}}}; users who can view the endpoint can read "
                    "a plain value"
                )
        return variables


def ai_gateway_config(settings: AiGatewaySettings) -> AiGatewayConfig:
    """The block in the SDK's type."""
    from databricks.sdk.service.serving import (
        AiGatewayConfig,
        AiGatewayInferenceTableConfig,
        AiGatewayUsageTrackingConfig,
    )

    table = None
    if settings.inference_table:
        catalog, schema, prefix = settings.inference_table.split(".")
        table = AiGatewayInferenceTableConfig(
            enabled=True, catalog_name=catalog, schema_name=schema, table_name_prefix=prefix
        )
    usage = AiGatewayUsageTrackingConfig(enabled=True) if settings.usage_tracking else None
    return AiGatewayConfig(
        inference_table_config=table, usage_tracking_config=usage, rate_limits=_rate_limits(settings) or None
    )


def same_ai_gateway(wanted: AiGatewayConfig, current: AiGatewayConfig | None) -> bool:
    """Whether the endpoint's block already equals the wanted one; an absent part counts as disabled."""
    return current is not None and _essence(wanted) == _essence(current)


def _rate_limits(settings: AiGatewaySettings) -> list[AiGatewayRateLimit]:
    from databricks.sdk.service.serving import (
        AiGatewayRateLimit,
        AiGatewayRateLimitKey,
        AiGatewayRateLimitRenewalPeriod,
    )

    limits = {
        AiGatewayRateLimitKey.ENDPOINT: settings.calls_per_minute,
        AiGatewayRateLimitKey.USER: settings.calls_per_minute_and_user,
    }
    minute = AiGatewayRateLimitRenewalPeriod.MINUTE
    return [AiGatewayRateLimit(calls=calls, key=key, renewal_period=minute) for key, calls in limits.items() if calls]


def _essence(config: AiGatewayConfig) -> tuple[object, ...]:
    table, usage = config.inference_table_config, config.usage_tracking_config
    named = (table.catalog_name, table.schema_name, table.table_name_prefix) if table and table.enabled else None
    limits = {(limit.key.value if limit.key else "endpoint", limit.calls) for limit in config.rate_limits or []}
    return named, bool(usage and usage.enabled), limits
