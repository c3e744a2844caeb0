from pathlib import Path

import pytest
from localbundle.errors import BundleError
from localbundle.lab.ipython_extension import Connection
from localbundle.workspace.environment import HOME, OWNER


@pytest.fixture
def connection(write, shell, monkeypatch) -> Connection:
    root: Path = write(root="bundle: {name: b}\ntargets: {dev: {default: true}}\n")
    (root / "notebooks").mkdir()
    monkeypatch.chdir(root / "notebooks")
    monkeypatch.delenv(HOME, raising=False)
    monkeypatch.setenv(OWNER, "a lab")
    return Connection(shell)


def test_without_spark_the_error_names_the_command_that_starts_it(connection) -> None:
    with pytest.raises(
        BundleError, match="Spark is not running for target dev; `localbundle up -t dev`, then run this"
    ):
        connection.connect()


def test_outside_a_bundle_is_an_error(connection, tmp_path_factory, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(BundleError, match="no databricks.yml"):
        connection.connect()


def test_ipython_shows_the_one_line(shell, capsys) -> None:
    def refuse(lines: list[str]) -> list[str]:
        raise BundleError("the thing is broken; fix it")

    shell.input_transformers_post.append(refuse)
    assert shell.run_cell("print('begun')").success is False
    assert capsys.readouterr().out.strip() == "error: the thing is broken; fix it"
