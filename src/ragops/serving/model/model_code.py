"""What MLflow runs to make the model (models from code): no pickle, and the code that answers is the code in it."""

from mlflow.models import set_model

from ragops.serving.model.agent import ChainAgent

set_model(ChainAgent())
