import typing

import pytest
from databricks.sdk.service.serving import (
    AiGatewayConfig,
    AiGatewayInferenceTableConfig,
    AiGatewayRateLimit,
    AiGatewayRateLimitRenewalPeriod,
    AiGatewayUsageTrackingConfig,
    FallbackConfig,
    ServingModelWorkloadType,
)
from pydantic import ValidationError

from ragops.serving.endpoint.settings import (
    AiGatewaySettings,
    EndpointSettings,
    ai_gateway_config,
    same_ai_gateway,
)


def test_workload_types_include_those_of_the_sdk() -> None:
    known = typing.get_args(EndpointSettings.model_fields["workload_type"].annotation)

    assert set(known) >= {member.value for member in ServingModelWorkloadType}  # an older SDK knows fewer


@pytest.mark.parametrize("name", ["", "-rag", "rag.prod", "rag prod", "databricks-rag", "r" * 64])
def test_names_that_the_platform_refuses_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        EndpointSettings(name=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "sk-hunter2"),
        ("db_password", "hunter2"),
        ("MODE", "{{secrets/scope hunter2}}"),
        ("MODE", "{{secrets/hunter2}}"),
    ],
)
def test_a_secret_must_be_a_reference_and_no_error_shows_it(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} must be a reference") as raised:
        EndpointSettings(name="rag", environment_vars={name: value})

    assert "hunter2" not in str(raised.value)


def test_references_and_plain_variables_are_accepted() -> None:
    variables = {"OPENAI_API_KEY": "{{secrets/rag-prod/openai_key}}", "LOG_LEVEL": "INFO"}

    assert EndpointSettings(name="rag-prod_1", environment_vars=variables).environment_vars == variables


@pytest.mark.parametrize("field", ["ready_seconds", "smoke_seconds", "poll_seconds"])
def test_zero_seconds_are_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        EndpointSettings.model_validate({"name": "rag", field: 0})


ALL = AiGatewaySettings(
    inference_table="prod.rag.requests", usage_tracking=True, calls_per_minute=600, calls_per_minute_and_user=30
)


def test_the_ai_gateway_block_in_the_platforms_form() -> None:
    assert ai_gateway_config(ALL).as_dict() == {
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


def test_disabled_parts_of_the_ai_gateway_are_not_sent() -> None:
    assert ai_gateway_config(AiGatewaySettings()).as_dict() == {}


def test_an_absent_part_of_the_ai_gateway_equals_a_disabled_one() -> None:
    off = AiGatewayConfig(
        usage_tracking_config=AiGatewayUsageTrackingConfig(enabled=False),
        inference_table_config=AiGatewayInferenceTableConfig(enabled=False, catalog_name="prod"),
        fallback_config=FallbackConfig(enabled=False),
        rate_limits=[],
    )

    assert same_ai_gateway(ai_gateway_config(AiGatewaySettings()), off)


def test_a_rate_limit_without_a_key_applies_to_the_endpoint() -> None:
    minute = AiGatewayRateLimitRenewalPeriod.MINUTE
    current = AiGatewayConfig(rate_limits=[AiGatewayRateLimit(calls=9, renewal_period=minute)])

    assert same_ai_gateway(ai_gateway_config(AiGatewaySettings(calls_per_minute=9)), current)


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
def test_every_part_of_the_ai_gateway_is_compared(change: dict[str, object]) -> None:
    assert same_ai_gateway(ai_gateway_config(ALL), ai_gateway_config(ALL))
    assert not same_ai_gateway(ai_gateway_config(ALL), ai_gateway_config(ALL.model_copy(update=change)))


def test_a_missing_ai_gateway_differs_from_an_empty_one() -> None:
    assert not same_ai_gateway(ai_gateway_config(AiGatewaySettings()), None)


def test_an_inference_table_needs_three_levels() -> None:
    with pytest.raises(ValidationError, match="inference_table"):
        AiGatewaySettings(inference_table="rag.requests")
