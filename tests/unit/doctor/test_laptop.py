"""A laptop is told what its local workspace lacks."""

import json
from pathlib import Path

import pytest

from ragops.doctor.laptop import check_laptop


def test_a_target_that_was_never_run_is_missing_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    last = list(check_laptop("dev"))[-1]
    assert last == ("local workspace", "none for target dev", "missing", "localbundle run refresh -t dev")


def test_a_target_that_was_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    named = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "mine"}}}}
    (tmp_path / "bundle.json").write_text(json.dumps(named))
    monkeypatch.setenv("LOCALBUNDLE_STRICT_VOLUMES", str(tmp_path))
    found = {finding.what: finding for finding in check_laptop("dev")}
    assert found[f"target {tmp_path.name}"].found == f"catalog and schema spark_catalog.mine, in {tmp_path}"
    assert found["strict volumes"].found == "on"
