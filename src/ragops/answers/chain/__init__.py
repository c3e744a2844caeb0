"""From a question to an answer with citations, or to an honest "I don't know"; and the same as an MLflow model."""
