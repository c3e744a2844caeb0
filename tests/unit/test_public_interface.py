"""`from ragops import ...`: every name is documented with an example, and the import costs nothing."""

import doctest
import inspect
import subprocess
import sys

import pytest

import ragops
from ragops import api


@pytest.mark.parametrize("name", ragops.__all__)
def test_a_public_name_has_a_docstring_with_an_example(name: str) -> None:
    documentation = inspect.getdoc(getattr(ragops, name)) or ""
    assert "Example:" in documentation, name
    examples = doctest.DocTestParser().get_examples(documentation)
    assert examples and name in "".join(example.source for example in examples)


def test_the_public_interface_is_small_and_sorted() -> None:
    assert ragops.__all__ == sorted(ragops.__all__) and 10 <= len(ragops.__all__) <= 15
    assert set(ragops.__all__) <= set(dir(ragops))


def test_every_public_function_of_the_api_module_is_exported() -> None:
    functions = {
        name for name, value in vars(api).items() if inspect.isfunction(value) and value.__module__ == api.__name__
    }
    assert {name for name in functions if not name.startswith("_")} <= set(ragops.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="open_chian"):
        _ = ragops.open_chian  # type: ignore[attr-defined]


def test_importing_ragops_imports_none_of_its_modules_and_no_library() -> None:
    code = "import sys; before = set(sys.modules); import ragops; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.split(".")[0] not in sys.stdlib_module_names}
    assert loaded == {"ragops", "openvino_telemetry"}


def test_a_name_is_imported_without_spark() -> None:
    code = "import sys; from ragops import open_chain, publish_index, Workspace; print('pyspark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
