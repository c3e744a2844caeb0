"""Versioned prompt templates as files; retrieved text as data; a model's own chat syntax; MLflow's prompt registry."""
