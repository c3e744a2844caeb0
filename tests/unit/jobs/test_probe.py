from pathlib import Path

import pytest

from ragops.jobs.probe import ProbeParameters

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("llm", "first"), [("", "served"), ("quotes", "quotes")])
def test_the_targets_model_is_the_one_that_must_be_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, llm: str, first: str
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    given = {"catalog": "spark_catalog", "schema": "s", "landing": "/l", "usecase": str(ROOT / "usecase.yml")}
    place = ProbeParameters.read(given | {"encoder": "openvino", "gpus": "true", "llm": llm}).place
    assert place.use_case.models.chain()[0].name == first
    assert (place.gpus, place.landing) == (True, "/l")
