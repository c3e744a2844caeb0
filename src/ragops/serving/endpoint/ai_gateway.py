"""The AI-gateway block of a serving endpoint: who used it and how much, its requests in a table, its limits.

The platform calls this block legacy and moves it elsewhere: everything that knows of it is here. Endpoints of agents
take the inference table only (REST reference of serving-endpoints); what they do not take is refused by the platform
before the endpoint is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from databricks.sdk.service.serving import AiGatewayConfig, AiGatewayRateLimit


class GatewaySettings(BaseModel):
    """What is recorded of an endpoint's traffic, and how much of it is let through."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # CATALOG.SCHEMA.PREFIX of the table that keeps requests and answers; they hold people's questions.
    inference_table: str | None = Field(default=None, pattern=r"^[^.]+\.[^.]+\.[^.]+$")
    usage_tracking: bool = False
    calls_per_minute: int | None = Field(default=None, gt=0)
    calls_per_minute_and_user: int | None = Field(default=None, gt=0)


def gateway_config(settings: GatewaySettings) -> AiGatewayConfig:
    """The block as the platform takes it."""
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


def same_gateway(wanted: AiGatewayConfig, current: AiGatewayConfig | None) -> bool:
    """Whether the endpoint's block already says what is wanted; a part that is absent is one that is off."""
    return current is not None and _essence(wanted) == _essence(current)


def _rate_limits(settings: GatewaySettings) -> list[AiGatewayRateLimit]:
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
