from pathlib import Path

import pytest

from ragops.corpus.index.generations.published_files import index_root
from ragops.jobs.smoke import CheckSearchParameters

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("mark", "published", "nothing"), [("manual", False, True), ("manual", True, False), ("7", False, False)]
)
def test_only_a_manual_check_may_have_nothing_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str, published: bool, nothing: bool
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    given = {"catalog": "spark_catalog", "schema": "smoke", "usecase": str(ROOT / "usecase.yml")}
    parameters = CheckSearchParameters.read(given | {"version": "first", "mark": mark})
    if published:
        folder = index_root(parameters.workspace)
        folder.mkdir(parents=True)
        pointer = '{"generation": "000001-aaaaaaaa", "fingerprint": "f"}'
        (folder / "pointer.json").write_text(pointer)
    assert parameters.has_nothing_to_check == nothing
