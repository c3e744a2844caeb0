"""Cross-encoders: locating their files, fingerprints, conversion, and loading on a runtime."""

import json
from pathlib import Path
from typing import Literal

from ragops.answers.retrieval.rerankers.interface import Reranker
from ragops.answers.retrieval.settings import RerankModel
from ragops.corpus.embeddings.conversion import convert_once, on_this_machine, run_exporter
from ragops.corpus.embeddings.model_files import config_hash, file_hash, find_folder, weight_files
from ragops.errors import UserError
from ragops.text import digest


def load_reranker(
    model: RerankModel, backend: Literal["openvino", "torch"], *, converted: Path, threads: int = 0
) -> Reranker:
    """The model in this process.

    Args:
        model: the use case's.
        backend: OpenVINO on the CPU, or PyTorch, on the first GPU if there is one.
        converted: OpenVINO models are converted once, into a folder below this one.
        threads: cores to use with OpenVINO, 0 for all.

    Raises:
        UserError: the model is missing, is not a cross-encoder with one score, or cannot be converted.
    """
    if backend == "torch":
        from ragops.answers.retrieval.rerankers.torch_reranker import TorchReranker

        return TorchReranker(model, locate(model))
    from ragops.answers.retrieval.rerankers.openvino_reranker import OpenVinoReranker

    return OpenVinoReranker(on_this_machine(convert(model, converted)), model, threads)


def convert(model: RerankModel, into: Path) -> Path:
    """Returns the folder below `into` with the model for OpenVINO, converting it first if it is missing.

    Raises:
        UserError: as `load_reranker` does.
    """
    module, what = "ragops.answers.retrieval.rerankers.export", f"Reranker {model.name}"
    return convert_once(
        fingerprint(model), into, lambda built: run_exporter(module, model.model_dump_json(), built, what, model.source)
    )


def locate(model: RerankModel) -> Path:
    """Returns the folder with the model's files, downloading a hub model on first use.

    Raises:
        UserError: the files are missing, or not a cross-encoder with one score.
    """
    folder = find_folder(f"Reranker {model.name}", model.source)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"Reranker {model.name}: no config.json in {folder}; correct `source` in usecase.yml"
        ) from error
    kinds = config.get("architectures") or [""]
    if not kinds[0].endswith("ForSequenceClassification") or len(config.get("id2label") or [0]) != 1:
        raise UserError(
            f"Reranker {model.name}: the model in {folder} does not give a single score ({kinds[0] or 'unknown'}); "
            "name a cross-encoder for ranking as retrieval.rerank.model"
        )
    return folder


def fingerprint(model: RerankModel) -> str:
    """64 hex digits that change whenever scores could: over weights, tokenizer, configuration and maximum length.

    Raises:
        UserError: as `locate` does.
    """
    folder = locate(model)
    hashes = {file.name: file_hash(file) for file in (*weight_files(folder), folder / "tokenizer.json")}
    identity = {"files": hashes, "config": config_hash(folder / "config.json"), "max_tokens": model.max_tokens}
    return digest(identity)
