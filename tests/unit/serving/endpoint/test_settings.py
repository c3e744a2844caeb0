import typing

import pytest
from databricks.sdk.service.serving import ServingModelWorkloadType
from pydantic import ValidationError

from ragops.serving.endpoint.settings import EndpointSettings


def test_knows_the_platforms_workload_types() -> None:
    known = typing.get_args(EndpointSettings.model_fields["workload_type"].annotation)

    assert set(known) >= {member.value for member in ServingModelWorkloadType}  # an older SDK knows fewer


@pytest.mark.parametrize("name", ["", "-rag", "rag.prod", "rag prod", "databricks-rag", "r" * 64])
def test_refuses_names_that_the_platform_refuses(name: str) -> None:
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
def test_a_secret_is_a_reference_and_no_error_shows_it(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} must be a reference") as raised:
        EndpointSettings(name="rag", environment_vars={name: value})

    assert "hunter2" not in str(raised.value)


def test_takes_references_and_plain_variables() -> None:
    variables = {"OPENAI_API_KEY": "{{secrets/rag-prod/openai_key}}", "LOG_LEVEL": "INFO"}

    assert EndpointSettings(name="rag-prod_1", environment_vars=variables).environment_vars == variables


@pytest.mark.parametrize("field", ["ready_seconds", "smoke_seconds", "poll_seconds"])
def test_refuses_times_that_never_pass(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        EndpointSettings.model_validate({"name": "rag", field: 0})
