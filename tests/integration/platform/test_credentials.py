"""A client of the workspace without credentials for one."""

from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.platform.credentials import workspace_client


def test_a_missing_login_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UserError, match="Databricks: .*; log in with: databricks auth login"):
        workspace_client()
