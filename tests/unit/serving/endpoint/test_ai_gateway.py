import pytest
from databricks.sdk.service.serving import (
    AiGatewayConfig,
    AiGatewayInferenceTableConfig,
    AiGatewayRateLimit,
    AiGatewayRateLimitRenewalPeriod,
    AiGatewayUsageTrackingConfig,
    FallbackConfig,
)
from pydantic import ValidationError

from ragops.serving.endpoint.ai_gateway import GatewaySettings, gateway_config, same_gateway

ALL = GatewaySettings(
    inference_table="prod.rag.requests", usage_tracking=True, calls_per_minute=600, calls_per_minute_and_user=30
)


def test_the_block_as_the_platform_takes_it() -> None:
    assert gateway_config(ALL).as_dict() == {
        "inference_table_config": {
            "enabled": True,
            "catalog_name": "prod",
            "schema_name": "rag",
            "table_name_prefix": "requests",
        },
        "usage_tracking_config": {"enabled": True},
        "rate_limits": [
            {"calls": 600, "key": "endpoint", "renewal_period": "minute"},
            {"calls": 30, "key": "user", "renewal_period": "minute"},
        ],
    }


def test_what_is_off_is_not_sent() -> None:
    assert gateway_config(GatewaySettings()).as_dict() == {}


def test_an_absent_part_is_one_that_is_off() -> None:
    off = AiGatewayConfig(
        usage_tracking_config=AiGatewayUsageTrackingConfig(enabled=False),
        inference_table_config=AiGatewayInferenceTableConfig(enabled=False, catalog_name="prod"),
        fallback_config=FallbackConfig(enabled=False),
        rate_limits=[],
    )

    assert same_gateway(gateway_config(GatewaySettings()), off)


def test_a_limit_without_key_is_the_endpoints() -> None:
    minute = AiGatewayRateLimitRenewalPeriod.MINUTE
    current = AiGatewayConfig(rate_limits=[AiGatewayRateLimit(calls=9, renewal_period=minute)])

    assert same_gateway(gateway_config(GatewaySettings(calls_per_minute=9)), current)


@pytest.mark.parametrize(
    "change",
    [
        {"inference_table": "prod.rag.others"},
        {"inference_table": None},
        {"usage_tracking": False},
        {"calls_per_minute": 601},
        {"calls_per_minute_and_user": None},
    ],
)
def test_each_part_counts(change: dict[str, object]) -> None:
    assert same_gateway(gateway_config(ALL), gateway_config(ALL))
    assert not same_gateway(gateway_config(ALL), gateway_config(ALL.model_copy(update=change)))


def test_no_block_is_not_the_same() -> None:
    assert not same_gateway(gateway_config(GatewaySettings()), None)


def test_an_inference_table_has_three_levels() -> None:
    with pytest.raises(ValidationError, match="inference_table"):
        GatewaySettings(inference_table="rag.requests")
