import sys
from pathlib import Path

import pytest
from localbundle.errors import BundleError
from localbundle.packages.uv import UvError, planned_changes, run_uv, uv_command
from localbundle_support.wheels import write_wheel


def test_uv_is_found_beside_this_python() -> None:
    assert Path(uv_command()).is_file()


def test_without_uv_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BundleError, match="uv is not installed, and packages have to be; run `pip install uv`"):
        uv_command()


def test_the_plan_of_uv_is_read(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "a folder", "tiny-alpha", "1.0", requires=["tiny-beta"])
    write_wheel(tmp_path / "a folder", "tiny-beta", "2.0")
    arguments = ["pip", "install", "--dry-run", "--python", sys.executable, "--no-index", "--find-links", wheel.parent]
    output = run_uv([*arguments, f"tiny-alpha @ {wheel.as_uri()}", "rich"], tmp_path)
    changes = planned_changes(output)
    assert changes == {"tiny-alpha 1.0": f"tiny-alpha @ {wheel.as_uri()}", "tiny-beta 2.0": "tiny-beta==2.0"}


def test_the_plan_of_an_older_uv_is_read() -> None:
    output = " - rich==13.0\n + rich==14.0\n ~ mine==1.0 (from file:///tmp/mine-1.0-py3-none-any.whl)\n"
    assert planned_changes(output) == {
        "rich 14.0": "rich==14.0",
        "mine 1.0": "mine @ file:///tmp/mine-1.0-py3-none-any.whl",
    }


def test_an_unsolvable_requirement_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UvError) as raised:
        run_uv(["pip", "install", "--dry-run", "--python", sys.executable, "--no-index", "tiny==9"], tmp_path)
    assert str(raised.value) == "Because tiny was not found in the provided package locations and you require tiny==9"
    assert not raised.value.is_offline


def test_an_unreachable_index_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    index = "http://127.0.0.1:9/simple"  # the port that nothing listens on
    arguments = ["pip", "install", "--dry-run", "--python", sys.executable, "--index-url", index, "tiny==9"]
    with pytest.raises(UvError) as raised:
        run_uv(arguments, tmp_path)
    assert raised.value.is_offline
    assert str(raised.value).startswith(f"Failed to fetch: {index}/tiny/")
    assert "\n" not in str(raised.value)


OLD = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because only tiny<=2 is available and you require
      tiny==9, we can conclude that your requirements are unsatisfiable.

hint: try another one
"""


def test_the_errors_of_an_older_uv_are_read() -> None:
    assert str(UvError(OLD)) == "Because only tiny<=2 is available and you require tiny==9"
    assert str(UvError("")) == "no output"
    assert (
        str(UvError("error: Distribution not found at: file:///a.whl\n")) == "Distribution not found at: file:///a.whl"
    )
