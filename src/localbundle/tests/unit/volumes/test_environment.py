"""Strict volumes come to every Python that inherits the environment, and nothing that was there before is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from localbundle.volumes.environment import AT_START, environment
from localbundle.volumes.strict import VARIABLE

APPEND = "import sys; open(sys.argv[1], 'a')"
GRANDCHILD = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"


def run(given: dict[str, str], *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", VARIABLE)}
    return subprocess.run([python, "-c", *arguments], env=inherited | given, capture_output=True, text=True, timeout=60)


def refuses(given: dict[str, str], file: Path, **options: str) -> bool:
    done = run(given, APPEND, str(file), **options)
    return "a volume on Databricks cannot append" in done.stderr


def test_a_child_and_its_child_are_strict(tmp_path) -> None:
    given = environment(tmp_path / "Volumes", strict=True)
    (tmp_path / "Volumes").mkdir()
    assert refuses(given, tmp_path / "Volumes" / "a")
    done = run(given, GRANDCHILD, APPEND, str(tmp_path / "Volumes" / "a"))
    assert "a volume on Databricks cannot append" in done.stderr
    assert run(given, APPEND, str(tmp_path / "a")).returncode == 0


def test_without_strict_volumes_nothing_is_refused_also_below_a_run_that_has_them(tmp_path) -> None:
    strict, plain = environment(tmp_path, strict=True), environment(tmp_path, strict=False)
    assert run(plain, APPEND, str(tmp_path / "a")).returncode == 0
    assert run(strict | plain, APPEND, str(tmp_path / "a")).returncode == 0


def test_a_python_without_localbundle_is_strict_too(tmp_path) -> None:
    given = environment(tmp_path, strict=True)
    bare = str(Path(sys.base_prefix) / "bin" / "python3")
    assert run({}, "import localbundle", python=bare).returncode == 1
    assert refuses(given, tmp_path / "a", python=bare)
    assert run(given, "import sys; assert 'strict' not in sys.modules", python=bare).returncode == 0


def test_the_path_of_the_user_stays_behind_ours(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}other")
    given = environment(tmp_path, strict=True)
    assert given["PYTHONPATH"].split(os.pathsep) == [str(AT_START), str(tmp_path), "other"]
    monkeypatch.setenv("PYTHONPATH", given["PYTHONPATH"])
    assert environment(tmp_path, strict=True)["PYTHONPATH"] == given["PYTHONPATH"]
    monkeypatch.delenv("PYTHONPATH")
    assert environment(tmp_path, strict=True)["PYTHONPATH"] == str(AT_START)
    assert environment(tmp_path, strict=False) == {VARIABLE: ""}


@pytest.mark.parametrize("strict", [True, False])
def test_a_sitecustomize_of_the_user_runs_as_before(tmp_path, monkeypatch, strict) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.path.append('added')\nvalue = __name__\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    given = environment(tmp_path / "Volumes", strict=strict)
    done = run(given, "import sitecustomize, sys; print(sitecustomize.value, sys.path[-1])")
    assert done.stdout == "sitecustomize added\n", done.stderr


def test_an_error_in_the_sitecustomize_of_the_user_is_reported_as_before(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    given = environment(tmp_path / "Volumes", strict=True)
    for error, result in [("import absent", "No module named 'absent'"), ("1 / 0", "ZeroDivisionError")]:
        (tmp_path / "sitecustomize.py").write_text(error)
        done = run(given, "print('goes on')")
        assert (result in done.stderr, done.stdout) == (True, "goes on\n")
