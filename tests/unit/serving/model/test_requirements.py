"""The packaged chain's requirements: everything that answering needs, and nothing else."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ragops.errors import UserError
from ragops.serving.model.requirements import ANSWERS, LOCAL_LLM, pinned_requirements

_HEAVY = {"torch", "transformers", "sentence-transformers", "pyspark", "delta-spark", "vllm", "markitdown", "pypdfium2"}
# Needed by MLflow's own server and database, and by Spark, but not for answering.
_UNUSED = {"mlflow", "scipy", "scikit-learn", "matplotlib", "sqlalchemy", "pyarrow", "openvino-genai"}

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Adds a package's metadata to this process's installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, version: str, *requires: str, extras: str = "", origin: dict[str, object] | None = None) -> None:
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
        lines += [f"Provides-Extra: {one}" for one in extras.split()]
        (folder / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines, ""]))
        if origin:
            (folder / "direct_url.json").write_text(json.dumps(origin))

    return put


def test_direct_and_indirect_dependencies_are_pinned() -> None:
    pins = {canonicalize_name(one.name): one for one in map(Requirement, pinned_requirements())}
    assert {"chromadb", "mlflow-skinny", "openvino", "openai", "pydantic"} <= pins.keys()  # named by this package
    assert {"fastapi", "onnxruntime", "pydantic-core"} <= pins.keys()  # named by those
    assert all(str(one.specifier).startswith("==") for one in pins.values())
    assert not pins.keys() & (_HEAVY | _UNUSED | {"ragops", "localbundle"})


def test_a_language_model_in_the_process_adds_its_runtime() -> None:
    more = set(pinned_requirements((ANSWERS, LOCAL_LLM))) - set(pinned_requirements())
    assert {Requirement(one).name for one in more} == {"openvino-genai", "openvino-tokenizers"}


def test_pins_are_installed_versions_without_missing_packages(install: Install) -> None:
    install(
        "toy",
        "1.0",
        "toy-base>=1",
        'toy[inner]; extra == "answers"',
        'toy-extra; extra == "inner"',
        extras="answers inner",
    )
    install("toy-base", "3.1", "toy-absent>=2", 'toy-elsewhere; sys_platform == "win32"')
    install("toy-extra", "0.1")
    assert pinned_requirements(package="toy") == ["toy-base==3.1", "toy-extra==0.1"]


def test_a_local_version_is_pinned_by_its_public_part(install: Install) -> None:
    install("toy", "1.0", "toy-base", extras="answers")
    install("toy-base", "2.9.0+cu128")
    assert pinned_requirements(package="toy") == ["toy-base==2.9.0"]


@pytest.mark.parametrize(
    "origin",
    [
        {"url": "file:///somewhere/toy-base", "dir_info": {"editable": True}},
        {"url": "file:///somewhere/toy_base-2.9-py3-none-any.whl", "archive_info": {}},
    ],
)
def test_a_package_installed_from_a_file_or_folder_is_refused(install: Install, origin: dict[str, object]) -> None:
    install("toy", "1.0", "toy-base", extras="answers", origin=origin)  # its own code is in the model
    install("toy-base", "2.9", origin=origin)
    with pytest.raises(UserError, match="^packaging: toy-base 2.9 was installed from file:///somewhere/toy") as raised:
        pinned_requirements(package="toy")
    assert "\n" not in str(raised.value)


def test_answering_imports_neither_torch_nor_parsers() -> None:
    """MLflow imports Spark and some other libraries if they are installed."""
    code = """
import importlib.metadata, json, sys
import ragops.assembly, ragops.serving.model.agent, ragops.answers.retrieval.search
import ragops.answers.llms.providers.openai_compatible, ragops.answers.llms.providers.openvino_gguf
import ragops.corpus.embeddings.onnx_export, ragops.corpus.embeddings.onnx_encoder
import chromadb, ragops.corpus.index.stores.chroma, ragops.corpus.index.reading.reader, mlflow.pyfunc
owners = importlib.metadata.packages_distributions()
used = {name for module in list(sys.modules) for name in owners.get(module.partition(".")[0], ())}
print(json.dumps(sorted(used)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = {canonicalize_name(name) for name in json.loads(ran.stdout.strip().splitlines()[-1])}
    assert "chromadb" in used and not used & (_HEAVY - {"pyspark"})


@pytest.mark.parametrize(("package", "extra"), [("ragops", "nothing"), ("no-such-package", "answers")])
def test_a_missing_package_or_extra_is_an_error(package: str, extra: str) -> None:
    with pytest.raises(UserError, match=f"packaging: {package} is not installed as a package with the extra {extra}"):
        pinned_requirements((extra,), package)
