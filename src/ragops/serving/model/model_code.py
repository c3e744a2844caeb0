"""MLflow runs this file to create the model (models from code), so that no pickle is involved."""

from mlflow.models import set_model

from ragops.serving.model.agent import ChainAgent

set_model(ChainAgent())
