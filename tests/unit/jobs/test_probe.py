from pathlib import Path

import pytest

from ragops.jobs.probe import ProbeParameters, environment

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("llm", "first"), [("", "served"), ("quotes", "quotes")])
def test_the_targets_language_model_is_the_primary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, llm: str, first: str
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    given = {"catalog": "spark_catalog", "schema": "s", "landing": "/l", "usecase": str(ROOT / "usecase.yml")}
    found = environment(ProbeParameters.read(given | {"gpus": "true", "llm": llm}))
    assert found.use_case.models.chain()[0].name == first
    assert (found.gpus, found.landing) == (True, "/l")
