"""A serving endpoint's container in small: the packaged chain of CONFIGURATION.json answers a question a line."""

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

# Where older versions of the SDK and of MLflow look; newer ones go by the folder in the environment.
_TOKEN = os.environ["SERVING_CREDENTIALS_DIR"] + "/model-dependencies-oauth-token"
ModelServingAuthProvider._MODEL_DEPENDENCY_OAUTH_TOKEN_FILE_PATH = _TOKEN
databricks_utils._MODEL_DEPENDENCY_OAUTH_TOKEN_FILE_PATH = _TOKEN


def main() -> None:
    """See the module. The index's pointer is looked at with every question."""
    reader._LOOK_SECONDS = 0.0
    agent = ChainAgent()
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with redirect_stdout(sys.stderr):  # what it tells of itself
        agent.load_context(SimpleNamespace(model_config=configuration, artifacts={}))
    for number, line in enumerate(sys.stdin):
        request = ResponsesAgentRequest.model_validate({"input": [{"role": "user", "content": line.strip()}]})
        with set_prediction_context(Context(request_id=f"request-{number}")):  # as the platform's server does
            print(json.dumps(agent.predict(request).model_dump()), flush=True)


if __name__ == "__main__":
    main()
