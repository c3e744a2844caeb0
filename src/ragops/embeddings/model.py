"""Which embedding model: what the card says of it, where its files lie, and the fingerprint that names its vectors."""

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter, ValidationError, field_validator

from ragops.errors import UserError

SHORT_LENGTH = 8

_Content = TypeVar("_Content")

# These say who saved the configuration and when, not what the model computes.
_VOLATILE_CONFIG = {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache"}
_MODULES = {"Transformer", "Pooling", "Normalize"}
_POOLING_FLAGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


class EmbeddingModel(BaseModel):
    """An embedding model as the card describes it.

    `source` is one of "package:MODULE/FOLDER" (files inside an installed Python package), "hub:OWNER/NAME[@REVISION]",
    a folder such as "/Volumes/...", or "endpoint:NAME_OR_URL" (OpenAI-compatible). `dimension` is the vectors' length;
    a text longer than `max_tokens` is cut there. The prompts are put before queries and before documents.
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
        if source.startswith(("/", "./", "../")) or (scheme in {"package", "hub", "endpoint"} and rest):
            return source
        raise ValueError(
            f"'{source}' is neither package:MODULE/FOLDER, hub:OWNER/NAME, endpoint:NAME nor a folder's path"
        )

    @property
    def is_endpoint(self) -> bool:
        """Whether the vectors come from a server, so that there are no files to find or convert."""
        return self.source.startswith("endpoint:")

    @property
    def served_name(self) -> str:
        """The name to ask an endpoint for: the one in `source`, or the model's own where `source` holds a URL."""
        target = self.source.removeprefix("endpoint:")
        return self.name if "://" in target else target


def locate(model: EmbeddingModel) -> Path:
    """Returns the folder with the model's files, downloading a hub model on first use.

    Raises:
        UserError: the model is not there, is not a sentence-transformers model, or does otherwise than the card says.
    """
    if model.is_endpoint:
        raise UserError(f"Embedding model {model.name}: {model.source} has no files; use the endpoint encoder")
    scheme, _, rest = model.source.partition(":")
    if scheme == "package":
        folder = _package_folder(model, rest)
    elif scheme == "hub":
        folder = _hub_folder(model, rest)
    else:
        folder = Path(model.source)
    if not (folder / "modules.json").is_file():
        raise UserError(
            f"Embedding model {model.name}: no sentence-transformers model (modules.json) in {folder}; "
            "correct `source` on the card, or save the model there with SentenceTransformer.save_pretrained"
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
        raise UserError(f"Embedding model {model.name}: no file {model.tokenizer}; correct `tokenizer` on the card")
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


def _package_folder(model: EmbeddingModel, rest: str) -> Path:
    package, _, inside = rest.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"Embedding model {model.name}: Python package {package} is not installed; install it")
    return Path(spec.submodule_search_locations[0]) / inside


def _hub_folder(model: EmbeddingModel, rest: str) -> Path:
    from huggingface_hub import snapshot_download  # takes a second to import, and most sources do not need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository, _, revision = rest.partition("@")
    wanted = ["*.json", "*.txt", "*.model", "*.safetensors", "*.bin"]
    try:
        found = snapshot_download(
            repository, revision=revision or None, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"]
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"Embedding model {model.name}: cannot download {repository} from the hub ({reason}); "
            "check the name and the network, or put the files in a folder and name that as `source`"
        ) from error
    return Path(found)


def _check_agreement(model: EmbeddingModel, folder: Path) -> None:
    """The card and the model's own configuration must agree: encoders follow the files, the fingerprint the card."""
    for key, value in _described(folder).items():
        stated = getattr(model, key)
        if stated != value:
            raise UserError(
                f"Embedding model {model.name}: the card says {key}={stated}, the files in {folder} {value}; "
                "correct the card"
            )


def _described(folder: Path) -> dict[str, Any]:
    """What the model's files say of pooling, dimension and normalisation, by the card's names."""
    modules = {entry["type"].rsplit(".", 1)[-1]: entry["path"] for entry in _modules(folder)}
    unknown = sorted(modules.keys() - _MODULES)
    if unknown or "Pooling" not in modules:
        what = f"module {unknown[0]}" if unknown else "a model without a Pooling module"
        raise UserError(f"Embedding model in {folder}: {what} is not supported; choose another model")
    pooling = _json(folder / modules["Pooling"] / "config.json")
    modes = [mode for flag, mode in _POOLING_FLAGS.items() if pooling.get(flag)]
    found: dict[str, Any] = {"pooling": pooling.get("pooling_mode") or "+".join(modes) or "another"}
    dimension = pooling.get("word_embedding_dimension") or pooling.get("embedding_dimension")
    if dimension:
        found["dimension"] = dimension
    if "Normalize" in modules:
        found["normalise"] = True
    return found


def _file_hashes(folder: Path) -> dict[str, str]:
    hashes = {"tokenizer.json": _file_hash(folder / "tokenizer.json")}
    for number, entry in enumerate(_modules(folder)):
        inside = folder / entry["path"]
        weights = sorted(inside.glob("*.safetensors")) or sorted(inside.glob("pytorch_model*.bin"))
        hashes |= {f"{number}/{file.name}": _file_hash(file) for file in weights}
        for config in ("config.json", "sentence_bert_config.json"):
            if (inside / config).is_file():
                hashes[f"{number}/{config}"] = _config_hash(inside / config)
    return hashes


def _config_hash(file: Path) -> str:
    kept = {key: value for key, value in _json(file).items() if key not in _VOLATILE_CONFIG}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _file_hash(file: Path) -> str:
    try:
        status = file.stat()
    except FileNotFoundError as error:
        raise UserError(f"Embedding model in {file.parent}: {file.name} is missing; complete the folder") from error
    return _sha256(file, status.st_size, status.st_mtime_ns)


@cache
def _sha256(file: Path, size: int, modified_ns: int) -> str:
    """Hashes a file once in a process; size and time are there for the cache's key."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _modules(folder: Path) -> list[dict[str, Any]]:
    return _read(folder / "modules.json", TypeAdapter(list[dict[str, Any]]))


def _json(file: Path) -> dict[str, Any]:
    return _read(file, TypeAdapter(dict[str, Any]))


def _read(file: Path, kind: TypeAdapter[_Content]) -> _Content:
    try:
        return kind.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"Embedding model: cannot read {file} ({reason}); complete the folder") from error
