"""What went wrong with a question, as MLflow's servers pass it on: a status, and our one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE

from ragops.errors import RequestError, UserError


class NotAnswered(UserError, MlflowException):
    """A `UserError` that MLflow's servers know: HTTP 400 for what was asked wrongly, 500 for all else.

    Of any other exception they send the stack trace, and before a message they put the whole request.
    """

    def __init__(self, error: UserError) -> None:
        code = INVALID_PARAMETER_VALUE if isinstance(error, RequestError) else INTERNAL_ERROR
        MlflowException.__init__(self, str(error), error_code=code)
        self._line = str(error)

    def serialize_as_json(self) -> str:
        """The body of the response."""
        return json.dumps({"error_code": self.error_code, "message": self._line}, ensure_ascii=False)


@contextmanager
def result() -> Iterator[None]:
    """Turns a `UserError` into one that MLflow's servers pass on as it is.

    Raises:
        NotAnswered: instead of it.
    """
    try:
        yield
    except UserError as error:
        raise NotAnswered(error) from error
