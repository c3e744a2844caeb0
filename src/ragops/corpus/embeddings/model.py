"""The embedding model: its settings, its files, and the fingerprint that identifies its vectors."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter, field_validator, model_validator

from ragops.corpus.embeddings.maven import ONNX, parse_maven
from ragops.corpus.embeddings.model_files import config_hash, file_hash, find_folder, read_as, read_json, weight_files
from ragops.errors import UserError
from ragops.text import digest

SHORT_LENGTH = 8

_SCHEMES = {"package", "hub", "volume", "endpoint", "maven"}
_MODULES = {"Transformer", "Pooling", "Normalize"}
_POOLING_FLAGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


class Module(BaseModel):
    """A module of a sentence-transformers model: its class, and its folder inside the model's folder."""

    type: str
    path: str


class EmbeddingModel(BaseModel):
    """An embedding model as described in usecase.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The model's name in messages and in its folder on a volume; also in requests, if `source` is a URL."""
    source: str
    """One of "maven:GROUP:ARTIFACT:VERSION/FILE.onnx" (inside a jar on Maven Central), "package:MODULE/FOLDER" (inside
    an installed Python package), "hub:OWNER/NAME[@REVISION]", "volume:FOLDER" (from `ragops models upload`), a folder,
    or "endpoint:NAME_OR_URL" (OpenAI-compatible), which may receive only public documents unless it is this workspace's
    own or on this machine. A folder has a sentence-transformers model, or model.onnx and tokenizer.json."""
    dimension: PositiveInt
    """Length of a vector."""
    max_tokens: PositiveInt
    """What the model reads of a text, in tokens with special tokens; the rest is cut off."""
    pooling: Literal["mean", "cls"] = "mean"
    """How the vectors of tokens become one: their mean, or the first token's; must agree with the model's files.
    ONNX files do not say it, so it is required with "maven:"."""
    normalise: bool = True
    """Whether vectors are scaled to length 1; must be true if the model's files say so."""
    query_prompt: str = ""
    """Text that the model expects before a question."""
    document_prompt: str = ""
    """Text that the model expects before a chunk."""
    tokenizer: str | None = None
    """For an endpoint: path of the model's tokenizer.json, which counts the tokens of chunks."""

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        scheme, _, rest = source.partition(":")
        if scheme == "maven" and parse_maven(source) is None:
            raise ValueError(f"'{source}' is not maven:GROUP:ARTIFACT:VERSION/FILE.onnx")
        if source.startswith(("/", "./", "../")) or (scheme in _SCHEMES and rest):
            return source
        raise ValueError(
            f"'{source}' is neither package:MODULE/FOLDER, maven:GROUP:ARTIFACT:VERSION/FILE.onnx, hub:OWNER/NAME, "
            "volume:FOLDER, endpoint:NAME nor the path of a folder"
        )

    @model_validator(mode="after")
    def _says_how_it_is_pooled(self) -> Self:
        if self.source.startswith("maven:") and "pooling" not in self.model_fields_set:
            raise ValueError("an ONNX file does not say how its vectors are pooled; set pooling: mean or pooling: cls")
        return self

    @property
    def is_endpoint(self) -> bool:
        """Whether vectors come from a server, so that there are no model files."""
        return self.source.startswith("endpoint:")

    @property
    def served_name(self) -> str:
        """The model's name in requests to the endpoint: from `source`, or `name` if `source` is a URL."""
        return self.name if self.base_url else self.source.removeprefix("endpoint:")

    @property
    def base_url(self) -> str:
        """The endpoint's URL if `source` contains one; "" if the endpoint is the workspace's own."""
        target = self.source.removeprefix("endpoint:")
        return target if self.is_endpoint and "://" in target else ""


def locate(model: EmbeddingModel) -> Path:
    """Returns the folder with the model's files on this machine, downloading them on first use.

    Raises:
        UserError: the model is missing, is not a sentence-transformers model, or does not match its settings.
    """
    if model.is_endpoint:
        raise UserError(f"Embedding model {model.name}: {model.source} has no files; use the endpoint encoder")
    folder = find_folder(f"Embedding model {model.name}", model.source)
    if is_onnx(folder):
        return folder
    if not (folder / "modules.json").is_file():
        raise UserError(
            f"Embedding model {model.name}: neither {ONNX} nor a sentence-transformers model (modules.json) in "
            f"{folder}; correct `source` in usecase.yml, or save the model there with save_pretrained"
        )
    _check_agreement(model, folder)
    return folder


def is_onnx(folder: Path) -> bool:
    """Whether a model's files are an ONNX file and its tokenizer, not those of sentence-transformers."""
    return (folder / ONNX).is_file() and not (folder / "modules.json").is_file()


def tokenizer_file(model: EmbeddingModel) -> Path:
    """The tokenizer.json that counts the tokens of chunks. Raises UserError if it does not exist."""
    if not model.is_endpoint:
        return locate(model) / "tokenizer.json"
    if model.tokenizer is None:
        raise UserError(
            f"Embedding model {model.name} is an endpoint; set `tokenizer` to the path of its tokenizer.json"
        )
    if not Path(model.tokenizer).is_file():
        raise UserError(f"Embedding model {model.name}: no file {model.tokenizer}; correct `tokenizer` in usecase.yml")
    return Path(model.tokenizer)


def fingerprint(model: EmbeddingModel) -> str:
    """Returns 64 hex digits that change whenever the vectors could.

    They cover weights, architecture, tokenizer, pooling, normalization, prompts and lengths, but not the model's name
    or the location of its files. For an endpoint, the served name is used instead of the files.

    Raises:
        UserError: as `locate` does.
    """
    identity: dict[str, Any] = model.model_dump(exclude={"name", "source", "tokenizer"})
    if model.is_endpoint:
        identity["served"] = model.served_name
    else:
        identity["files"] = _file_hashes(locate(model))
    return digest(identity)


def short(fingerprint: str) -> str:
    """The fingerprint's first 8 digits, used in names of tables and folders."""
    return fingerprint[:SHORT_LENGTH]


def _check_agreement(model: EmbeddingModel, folder: Path) -> None:
    """Refuses settings that contradict the model's files: encoders use the files, the fingerprint the settings."""
    for key, value in _described(folder).items():
        stated = getattr(model, key)
        if stated != value:
            raise UserError(
                f"Embedding model {model.name}: the use case says {key}={stated}, but the files in {folder} say "
                f"{value}; correct the use case"
            )


def _described(folder: Path) -> dict[str, Any]:
    """Pooling, dimension and normalization according to the model's files, by the setting's name."""
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
    if is_onnx(folder):
        return hashes | {ONNX: file_hash(folder / ONNX)}
    for number, entry in enumerate(module_list(folder)):
        inside = folder / entry.path
        hashes |= {f"{number}/{file.name}": file_hash(file) for file in weight_files(inside)}
        for config in ("config.json", "sentence_bert_config.json"):
            if (inside / config).is_file():
                hashes[f"{number}/{config}"] = config_hash(inside / config)
    return hashes


def module_list(folder: Path) -> list[Module]:
    """The modules of a sentence-transformers model, from its modules.json."""
    return read_as(folder / "modules.json", TypeAdapter(list[Module]))
