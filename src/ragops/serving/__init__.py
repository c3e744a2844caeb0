"""The chain where it is served: as an MLflow model, behind an endpoint, in batch."""
