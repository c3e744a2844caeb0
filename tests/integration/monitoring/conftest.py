"""A bundle that has been run once, in the workspace that all workers share."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="package")
def jobs(spark_environment: Mapping[str, str]) -> None:
    """The bundle's record. It stays: another worker may need it after the last test here."""
    content = json.dumps({"resources": {"jobs": {"refresh": {"name": "refresh"}}}})
    draft = Path(os.environ["LOCALBUNDLE_HOME"]) / f"bundle.{os.getpid()}.json"
    draft.write_text(content)
    draft.replace(draft.with_name("bundle.json"))
