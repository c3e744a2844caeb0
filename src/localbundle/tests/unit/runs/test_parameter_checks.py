from dataclasses import replace
from pathlib import Path

import pytest
from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError
from localbundle.runs.parameter_checks import check_parameters

MODULE = """
import os
class UserError(Exception): pass
class Missing(UserError): pass
def strict(parameters):
    print("chatter must not reach the result")
    if parameters["n"] == "0":
        raise Missing("n is 0; give a number above 0")
def fix(parameters):
    return {"n": int(parameters["n"]) + 1, "home": os.environ["LOCALBUNDLE_HOME"]}
def broken(parameters):
    raise KeyError("oops")
"""


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch) -> Bundle:
    (tmp_path / "own_checks.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Bundle(tmp_path, "b", "dev", {}, {})


def with_check(bundle: Bundle, function: str) -> Bundle:
    return replace(bundle, checks={"job": f"own_checks:{function}"})


def test_parameters_pass_a_check_and_may_be_fixed_by_it(bundle: Bundle) -> None:
    assert check_parameters(bundle, "job", {"n": "1"}) == {"n": "1"}
    assert check_parameters(with_check(bundle, "strict"), "job", {"n": "1"}) == {"n": "1"}
    fixed = check_parameters(with_check(bundle, "fix"), "job", {"n": "1"})
    assert fixed == {"n": "2", "home": str(bundle.home)}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("strict", "n is 0; give a number above 0"),
        ("broken", "the check own_checks:broken of job job failed (KeyError: 'oops')"),
        ("absent", "the check own_checks:absent of job job failed (AttributeError: "),
    ],
)
def test_a_refusal_or_a_broken_check_is_one_line(bundle: Bundle, function: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        check_parameters(with_check(bundle, function), "job", {"n": "0"})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
