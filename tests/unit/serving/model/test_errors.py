"""What a server of MLflow passes on of an error: a status and one line, neither the request nor a stack trace."""

import json

import pytest
from mlflow.exceptions import MlflowException

from ragops.answers.llms.errors import Unavailable
from ragops.errors import RequestError, UserError
from ragops.serving.model.errors import NotAnswered, result


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RequestError("question: it is empty; ask something"), 400, "INVALID_PARAMETER_VALUE"),
        (UserError("index: there is none; refresh"), 500, "INTERNAL_ERROR"),
        (Unavailable("Model served: it is down"), 500, "INTERNAL_ERROR"),
    ],
)
def test_the_status_says_whose_fault_it_is(error: UserError, status: int, code: str) -> None:
    with pytest.raises(UserError) as caught, result():
        raise error
    passed_on = caught.value
    assert isinstance(passed_on, MlflowException) and str(passed_on) == str(error)
    assert passed_on.get_http_status_code() == status
    passed_on.message = f"Failed to predict data '...'. \nError: {passed_on.message}"  # as MLflow's server does
    assert json.loads(passed_on.serialize_as_json()) == {"error_code": code, "message": str(error)}


def test_a_defect_stays_what_it_is() -> None:
    with pytest.raises(KeyError), result():
        raise KeyError("x")
    assert issubclass(NotAnswered, UserError)
