"""Our bundle as `localbundle validate` sees it."""

from pathlib import Path

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.lint.check import lint
from localbundle.workspace.resources import check_resources

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
def test_our_bundle_has_no_findings(target: str) -> None:
    findings = lint(load_bundle(ROOT, target), check_resources)
    assert [finding for finding in findings if finding.level != "note"] == []
