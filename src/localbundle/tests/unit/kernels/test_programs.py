import sys

import pytest
from localbundle.errors import BundleError
from localbundle.kernels.programs import run_entry_point, run_file


@pytest.fixture(autouse=True)
def arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", [])


def test_a_file_runs_as_a_script_with_its_arguments(tmp_path, capsys) -> None:
    file = tmp_path / "p.py"
    file.write_text("import sys\nif __name__ == '__main__': print(sys.argv[1:])\nsys.exit(0)")
    run_file(str(file), "--a", "b c")
    assert capsys.readouterr().out == "['--a', 'b c']\n"


@pytest.mark.parametrize(("code", "message"), [("3", "exit code 3"), ("'no table'", "no table")])
def test_a_program_that_ends_otherwise_has_failed(tmp_path, code, message) -> None:
    (tmp_path / "p.py").write_text(f"import sys; sys.exit({code})")
    with pytest.raises(RuntimeError, match=message):
        run_file(str(tmp_path / "p.py"))


def test_an_entry_point_comes_from_the_metadata_or_is_a_function(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_module.py").write_text("def start(): print('started')")
    run_entry_point("own-module", "start")
    run_entry_point("nbstripout", "nbstripout", "--version")
    assert capsys.readouterr().out.startswith("started\n")


@pytest.mark.parametrize(
    ("package", "name", "message"),
    [("unknown", "main", "package unknown is not installed"), ("rich", "nope", "package rich has no entry point nope")],
)
def test_a_missing_package_or_entry_point_is_an_error(package, name, message) -> None:
    with pytest.raises(BundleError, match=message):
        run_entry_point(package, name)
