from datetime import date
from pathlib import Path

import pytest

from environments.lock import read_runtime
from environments.refresh import refresh
from ragops.errors import UserError

TODAY = date(2026, 12, 1)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "python" / "serverless" / "serverless-v7"
    folder.mkdir(parents=True)
    (folder / "constraints.txt").write_text("# constraints\n\ngrpcio~=1.67\nnumpy~=2.3.4\n")
    (folder / "pyproject.toml").write_text('[project]\nrequires-python = "==3.13.*"\n')
    return tmp_path / "checkout"


def test_a_list_is_written_and_updated(checkout: Path, tmp_path: Path) -> None:
    assert refresh(checkout, ["serverless-v7"], tmp_path, TODAY) == ["serverless-v7: 2 packages, 2 new or changed"]
    runtime = read_runtime(tmp_path, "serverless-v7")
    assert (runtime.python, runtime.packages) == ("3.13", {"grpcio": "1.67", "numpy": "2.3.4"})
    assert refresh(checkout, [], tmp_path, TODAY) == ["serverless-v7: 2 packages, 0 new or changed"]


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no python.*; check out github.com/databricks/environments"):
        refresh(tmp_path, [], tmp_path, TODAY)


def test_an_unknown_runtime_is_named_with_the_closest_ones(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no list of serverless-v8; closest are serverless-v7; correct the name"):
        refresh(checkout, ["serverless-v8"], tmp_path, TODAY)


def test_a_list_of_another_format_is_refused(checkout: Path, tmp_path: Path) -> None:
    (checkout / "python" / "serverless" / "serverless-v7" / "constraints.txt").write_text("numpy\n")
    with pytest.raises(UserError, match="is not a list of pins"):
        refresh(checkout, ["serverless-v7"], tmp_path, TODAY)
