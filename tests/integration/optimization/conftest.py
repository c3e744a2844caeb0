"""The same database of MLflow as the prompts' tests have."""

from tests.integration.prompts.conftest import client, migrated

__all__ = ["client", "migrated"]
