"""The registered champion as the server's source of chains."""

from typing import Any, cast

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ragops.answers.chain.trace_record import TraceRecord
from ragops.errors import NotPermitted
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.sources import Champion, NoChampion


class Registry:
    """What MLflow's client answers."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def champion(answer: Any) -> Champion:
    return Champion(cast(MlflowClient, Registry(answer)), "main.rag.chain", TraceRecord().open)


def test_the_alias_names_the_version() -> None:
    class Found:
        version = 3

    assert champion(Found()).wanted() == ChainVersion("main.rag.chain", "3")


@pytest.mark.parametrize("code", ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"])
def test_without_a_champion_the_line_says_what_to_run(code: str) -> None:
    with pytest.raises(NoChampion, match="no champion yet.*localbundle run release.*--working-copy"):
        champion(_failure(code)).wanted()


def test_without_the_right_to_read_it_the_line_names_the_right() -> None:
    with pytest.raises(NotPermitted, match="EXECUTE"):
        champion(_failure("PERMISSION_DENIED")).wanted()


def _failure(code: str) -> MlflowException:
    error = MlflowException("no")
    error.error_code = code
    return error
