"""The packaged chain's requirements: all that answering needs, and nothing of what it does not."""

import json
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ragops.errors import UserError
from ragops.releases.requirements import pinned_requirements

_HEAVY = {"torch", "transformers", "sentence-transformers", "pyspark", "delta-spark", "vllm", "markitdown", "pypdfium2"}


def test_every_library_and_what_it_needs_is_there_at_the_version_at_work() -> None:
    pins = {canonicalize_name(one.name): one for one in map(Requirement, pinned_requirements())}
    assert {"chromadb", "mlflow", "openvino", "openai", "pydantic"} <= pins.keys()  # named by the extra
    assert {"sqlalchemy", "fastapi", "onnxruntime", "pydantic-core"} <= pins.keys()  # named by those
    assert all(str(one.specifier).startswith("==") for one in pins.values())
    assert not pins.keys() & (_HEAVY | {"ragops", "localbundle"})


def test_the_code_of_answering_imports_neither_torch_nor_parsers() -> None:
    """Spark is not asked for either, but MLflow takes it where it is."""
    code = """
import importlib.metadata, json, sys
import ragops.assembly, ragops.releases.agent, ragops.retrieval.search, ragops.llms.openai_compatible
import ragops.llms.openvino_gguf, ragops.embeddings.openvino_encoder, ragops.index.reader, mlflow.pyfunc
owners = importlib.metadata.packages_distributions()
used = {name for module in list(sys.modules) for name in owners.get(module.partition(".")[0], ())}
print(json.dumps(sorted(used)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = {canonicalize_name(name) for name in json.loads(ran.stdout.strip().splitlines()[-1])}
    assert "chromadb" in used and not used & (_HEAVY - {"pyspark"})


@pytest.mark.parametrize(("package", "extra"), [("ragops", "nothing"), ("no-such-package", "answers")])
def test_without_the_package_or_the_extra_it_says_so(package: str, extra: str) -> None:
    with pytest.raises(UserError, match=f"packaging: {package} is not installed as a package with the extra {extra}"):
        pinned_requirements(package, extra)
