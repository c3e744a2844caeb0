"""The scope is read without a value being shown; what the use case needs and is not there is missing."""

import json
from pathlib import Path

import pytest

from ragops.doctor.secrets import check_secrets
from ragops.errors import NotPermitted
from ragops.platform.workspace import Workspace

PLACE = Workspace("spark_catalog", "rag")


def test_names_are_shown_and_values_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "secrets.json").write_text(json.dumps({"ragops-spark_catalog": {"payload-keys": "hidden"}}))
    scope, lacking = check_secrets(PLACE, ["other", "payload-keys"])
    assert scope.found == "ragops-spark_catalog may be read; holds payload-keys"
    assert (lacking.what, lacking.state) == ("other", "missing")
    assert "hidden" not in scope.found + lacking.found + lacking.to_do


@pytest.mark.parametrize(("wanted", "state"), [([], "unknown"), (["payload-keys"], "missing")])
def test_a_scope_that_may_not_be_read_is_missing_only_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, wanted: list[str], state: str
) -> None:
    def refused(scope: str) -> list[str]:
        raise NotPermitted(f"i needs READ on secret scope {scope}")

    monkeypatch.setattr("ragops.doctor.secrets.secret_names", refused)
    (finding,) = check_secrets(PLACE, wanted)
    assert finding.state == state and "docs/rights.md" in finding.to_do
