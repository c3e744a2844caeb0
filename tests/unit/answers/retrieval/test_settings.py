import pytest
from pydantic import ValidationError

from ragops.answers.retrieval.settings import RetrievalSettings


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"fusion": "magic"}, "fusion"),
        ({"dense_weight": 2}, "dense_weight"),
        ({"k": 20, "candidates": 10}, "candidates 10 is below retrieval.k 20"),
        ({"mmr": 1.5}, "mmr"),
        ({"rerank": {"model": {"name": "m", "source": "floppy:x"}}}, "source"),
        ({"neighbors": 1}, "neighbors"),
    ],
)
def test_an_invalid_setting_is_named(given: dict, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RetrievalSettings.model_validate(given)


@pytest.mark.parametrize("source", ["hub:a/b@c", "package:m/f", "/Volumes/a", "./x", "../x"])
def test_all_kinds_of_model_source_are_accepted(source: str) -> None:
    given = {"rerank": {"model": {"name": "m", "source": source}, "top": 10}}
    assert RetrievalSettings.model_validate(given).rerank
