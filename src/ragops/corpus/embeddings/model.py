"""The embedding model: its settings, where its files are, and the fingerprint that names its vectors."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter, field_validator

from ragops.corpus.embeddings.model_files import config_hash, file_hash, find_folder, read_as, read_json, weight_files
from ragops.errors import UserError

SHORT_LENGTH = 8

_MODULES = {"Transformer", "Pooling", "Normalize"}
_POOLING_FLAGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


class Module(BaseModel):
    """A step of a sentence-transformers model: its class, and the folder of its files inside the model's."""

    type: str
    path: str


class EmbeddingModel(BaseModel):
    """An embedding model as the use case describes it.

    `source` is one of "package:MODULE/FOLDER" (files inside an installed Python package), "hub:OWNER/NAME[@REVISION]",
    "volume:FOLDER" (from `ragops models upload`), a folder, or "endpoint:NAME_OR_URL" (OpenAI-compatible), which
    may see public documents only if it is neither this workspace's own nor on this machine. `dimension` is the vectors'
    length; a text longer than `max_tokens` is cut there. The prompts are put before queries and before documents.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    dimension: PositiveInt
    max_tokens: PositiveInt
    pooling: Literal["mean", "cls"] = "mean"
    normalise: bool = True
    query_prompt: str = ""
    document_prompt: str = ""
    tokenizer: str | None = None

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        scheme, _, rest = source.partition(":")
        if source.startswith(("/", "./", "../")) or (scheme in {"package", "hub", "volume", "endpoint"} and rest):
            return source
        raise ValueError(
            f"'{source}' is neither package:MODULE/FOLDER, hub:OWNER/NAME, volume:FOLDER, endpoint:NAME nor a folder's "
            "path"
        )

    @property
    def is_endpoint(self) -> bool:
        """Whether the vectors come from a server, so that there are no files to find or convert."""
        return self.source.startswith("endpoint:")

    @property
    def served_name(self) -> str:
        """The name to ask an endpoint for: the one in `source`, or the model's own where `source` holds a URL."""
        return self.name if self.base_url else self.source.removeprefix("endpoint:")

    @property
    def base_url(self) -> str:
        """Where the endpoint is, if `source` holds its URL; "" where it is one of this place's own."""
        target = self.source.removeprefix("endpoint:")
        return target if self.is_endpoint and "://" in target else ""


def locate(model: EmbeddingModel) -> Path:
    """Returns the folder with the model's files on this machine, which get there on first use.

    Raises:
        UserError: the model is missing, is not a sentence-transformers model, or differs from its settings.
    """
    if model.is_endpoint:
        raise UserError(f"Embedding model {model.name}: {model.source} has no files; use the endpoint encoder")
    folder = find_folder(f"Embedding model {model.name}", model.source)
    if not (folder / "modules.json").is_file():
        raise UserError(
            f"Embedding model {model.name}: no sentence-transformers model (modules.json) in {folder}; "
            "correct `source` in usecase.yml, or save the model there with SentenceTransformer.save_pretrained"
        )
    _check_agreement(model, folder)
    return folder


def tokenizer_file(model: EmbeddingModel) -> Path:
    """The tokenizer.json by which chunks are measured. Raises UserError when it is not to be found."""
    if not model.is_endpoint:
        return locate(model) / "tokenizer.json"
    if model.tokenizer is None:
        raise UserError(
            f"Embedding model {model.name} is an endpoint: give `tokenizer`, the path of its tokenizer.json"
        )
    if not Path(model.tokenizer).is_file():
        raise UserError(f"Embedding model {model.name}: no file {model.tokenizer}; correct `tokenizer` in usecase.yml")
    return Path(model.tokenizer)


def fingerprint(model: EmbeddingModel) -> str:
    """Returns 64 hex digits that change whenever the vectors could.

    They cover weights, architecture, tokenizer, pooling, normalisation, prompts and lengths, not the model's name nor
    the place of its files. For an endpoint the served name stands in for the files.

    Raises:
        UserError: as `locate` does.
    """
    identity: dict[str, Any] = model.model_dump(exclude={"name", "source", "tokenizer"})
    if model.is_endpoint:
        identity["served"] = model.served_name
    else:
        identity["files"] = _file_hashes(locate(model))
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def short(fingerprint: str) -> str:
    """The fingerprint's first 8 digits: what tables and folders are named by."""
    return fingerprint[:SHORT_LENGTH]


def _check_agreement(model: EmbeddingModel, folder: Path) -> None:
    """Settings and the model's configuration must agree: encoders follow the files, the fingerprint the settings."""
    for key, value in _described(folder).items():
        stated = getattr(model, key)
        if stated != value:
            raise UserError(
                f"Embedding model {model.name}: the use case says {key}={stated}, the files in {folder} {value}; "
                "correct the use case"
            )


def _described(folder: Path) -> dict[str, Any]:
    """What the model's files say of pooling, dimension and normalisation, by the use case's names."""
    modules = {entry.type.rsplit(".", 1)[-1]: entry.path for entry in module_list(folder)}
    unknown = sorted(modules.keys() - _MODULES)
    if unknown or "Pooling" not in modules:
        what = f"module {unknown[0]}" if unknown else "a model without a Pooling module"
        raise UserError(f"Embedding model in {folder}: {what} is not supported; choose another model")
    pooling = read_json(folder / modules["Pooling"] / "config.json")
    modes = [mode for flag, mode in _POOLING_FLAGS.items() if pooling.get(flag)]
    found: dict[str, Any] = {"pooling": pooling.get("pooling_mode") or "+".join(modes) or "another"}
    dimension = pooling.get("word_embedding_dimension") or pooling.get("embedding_dimension")
    if dimension:
        found["dimension"] = dimension
    if "Normalize" in modules:
        found["normalise"] = True
    return found


def _file_hashes(folder: Path) -> dict[str, str]:
    hashes = {"tokenizer.json": file_hash(folder / "tokenizer.json")}
    for number, entry in enumerate(module_list(folder)):
        inside = folder / entry.path
        hashes |= {f"{number}/{file.name}": file_hash(file) for file in weight_files(inside)}
        for config in ("config.json", "sentence_bert_config.json"):
            if (inside / config).is_file():
                hashes[f"{number}/{config}"] = config_hash(inside / config)
    return hashes


def module_list(folder: Path) -> list[Module]:
    """The steps of a sentence-transformers model, as its modules.json lists them."""
    return read_as(folder / "modules.json", TypeAdapter(list[Module]))
