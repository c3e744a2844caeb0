"""A minimal container of a serving endpoint: the chain of CONFIGURATION.json answers one question for each line."""

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

from databricks.sdk.credentials_provider import ModelServingAuthProvider
from mlflow.pyfunc.context import Context, set_prediction_context
from mlflow.types.responses import ResponsesAgentRequest
from mlflow.utils import databricks_utils

from ragops.corpus.index.reading import reader
from ragops.serving.model.agent import ChainAgent

# The path in older versions of the SDK and MLflow; newer ones read the folder from the environment.
_TOKEN = os.environ["SERVING_CREDENTIALS_DIR"] + "/model-dependencies-oauth-token"
ModelServingAuthProvider._MODEL_DEPENDENCY_OAUTH_TOKEN_FILE_PATH = _TOKEN
databricks_utils._MODEL_DEPENDENCY_OAUTH_TOKEN_FILE_PATH = _TOKEN


def main() -> None:
    """See the module. Every question checks the index's pointer."""
    reader._CHECK_SECONDS = 0.0
    agent = ChainAgent()
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with redirect_stdout(sys.stderr):  # the line about the container
        agent.load_context(SimpleNamespace(model_config=configuration, artifacts={}))
    for number, line in enumerate(sys.stdin):
        request = ResponsesAgentRequest.model_validate({"input": [{"role": "user", "content": line.strip()}]})
        with set_prediction_context(Context(request_id=f"request-{number}")):  # as the platform's server does
            print(json.dumps(agent.predict(request).model_dump()), flush=True)


if __name__ == "__main__":
    main()
