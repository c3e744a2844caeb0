"""The chain as a model in MLflow: logged, tried, compared with the one that serves, and promoted or not."""
