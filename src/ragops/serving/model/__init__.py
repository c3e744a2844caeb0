"""The chain as an MLflow model: logged, loaded, answering."""
