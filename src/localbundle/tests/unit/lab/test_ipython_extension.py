from pathlib import Path

import pytest
from localbundle.errors import BundleError
from localbundle.lab.ipython_extension import Place
from localbundle.workspace.processes import OWNER_VARIABLE


@pytest.fixture
def place(write, shell, monkeypatch) -> Place:
    root: Path = write(root="bundle: {name: b}\ntargets: {dev: {default: true}}\n")
    (root / "notebooks").mkdir()
    monkeypatch.chdir(root / "notebooks")
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.setenv(OWNER_VARIABLE, "a lab")
    return Place(shell)


def test_without_spark_one_line_mends_it(place) -> None:
    with pytest.raises(
        BundleError, match="Spark is not running for target dev; `localbundle up -t dev`, then run this"
    ):
        place.connect()


def test_outside_a_bundle_it_says_so(place, tmp_path_factory, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(BundleError, match="no databricks.yml"):
        place.connect()


def test_ipython_shows_the_one_line(shell, capsys) -> None:
    def refuse(lines: list[str]) -> list[str]:
        raise BundleError("the thing is broken; fix it")

    shell.input_transformers_post.append(refuse)
    assert shell.run_cell("print('begun')").success is False
    assert capsys.readouterr().out.strip() == "error: the thing is broken; fix it"
