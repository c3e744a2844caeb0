"""Whether this machine's libraries can load a model that newer versions may have saved, without importing torch."""

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ragops.corpus.embeddings.maven import ONNX
from ragops.corpus.embeddings.model import EmbeddingModel, is_onnx, module_list
from ragops.corpus.embeddings.model_files import read_json
from ragops.errors import UserError


def check_loadable(model: EmbeddingModel, folder: Path) -> None:
    """Checks that the code that the model's files name is installed: its modules, and its architecture.

    Raises:
        UserError: sentence-transformers or transformers is not installed, or too old for this model; names both
            versions. Or the files are ONNX, and not those of a BERT encoder in fp32.
    """
    if is_onnx(folder):
        if not _has("sentence_transformers", []):
            raise _too_old(model, "", "sentence-transformers", "")
        from ragops.corpus.embeddings.onnx_graph import bert_weights, read_graph  # imports OpenVINO

        bert_weights(model, read_graph(model, folder / ONNX))
        return
    for entry in module_list(folder):
        inside = entry.type.split(".")[1:-1]
        # Every version understands `sentence_transformers.models`, although version 6 has no such file.
        if inside != ["models"] and not _has("sentence_transformers", inside):
            saved_with = _saved_with(folder, "sentence_transformers")
            raise _too_old(model, f"module {entry.type}", "sentence-transformers", saved_with)
        if entry.type.endswith(".Transformer"):
            _check_architecture(model, folder / entry.path)


def _check_architecture(model: EmbeddingModel, folder: Path) -> None:
    config = read_json(folder / "config.json")
    kind = str(config.get("model_type", ""))
    if not _has("transformers", ["models", kind.replace("-", "_")]) and not _is_known(kind):
        raise _too_old(model, f"architecture {kind}", "transformers", str(config.get("transformers_version", "")))


def _has(package: str, module: list[str]) -> bool:
    """Whether a package contains a module, judged by its files."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = [Path(folder).joinpath(*module) for folder in folders]
    return any(path.is_dir() or path.with_suffix(".py").is_file() for path in paths)


def _is_known(kind: str) -> bool:
    """Whether transformers knows an architecture; some are in a folder of another name."""
    try:
        from transformers import CONFIG_MAPPING
    except ImportError:
        return False
    return kind in CONFIG_MAPPING


def _saved_with(folder: Path, library: str) -> str:
    file = folder / "config_sentence_transformers.json"
    versions = read_json(file).get("__version__") if file.is_file() else None
    return str(versions.get(library, "")) if isinstance(versions, dict) else ""


def _too_old(model: EmbeddingModel, what: str, library: str, saved_with: str) -> UserError:
    try:
        here = f"{library} {version(library)} here does not know"
    except PackageNotFoundError:
        return UserError(f"Embedding model {model.name}: {library} is not installed; install ragops[embed]")
    newer = f"{library} {saved_with}, with which it was saved" if saved_with else f"a newer {library}"
    return UserError(
        f"Embedding model {model.name}: {here} its {what}; it needs {newer}; choose another model or a newer runtime "
        "(docs/another-runtime.md)"
    )
