"""Locates and reads the files of any model that usecase.yml names by a source."""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ragops.corpus.embeddings.maven import maven_folder
from ragops.corpus.embeddings.upload import FILES_OF_A_MODEL, uploaded_folder
from ragops.errors import UserError
from ragops.text import digest

_Content = TypeVar("_Content")

# Fields that describe how the configuration was saved, not what the model computes.
_VOLATILE_CONFIG = {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache"}


def find_folder(what: str, source: str) -> Path:
    """The folder of a source on this machine; files on the hub or on a volume are copied on first use.

    Args:
        what: names the model in errors, such as "Embedding model NAME".
        source: "package:MODULE/FOLDER", "maven:GROUP:ARTIFACT:VERSION/FILE.onnx", "hub:OWNER/NAME[@REVISION]",
            "volume:FOLDER" or a folder.

    Raises:
        UserError: the package is not installed, or the model cannot be found on the hub or the volume.
    """
    scheme, _, rest = source.partition(":")
    if scheme == "package":
        return _package_folder(what, rest)
    if scheme == "maven":
        return maven_folder(what, source)
    if scheme == "volume":
        return uploaded_folder(what, Path(rest))
    return _hub_folder(what, rest) if scheme == "hub" else Path(source)


def is_package(source: str) -> bool:
    """Whether a source is a Python package or a Maven artifact, used on laptops; workspaces have a volume instead."""
    return source.startswith(("package:", "maven:"))


def weight_files(folder: Path) -> list[Path]:
    """The files with a model's weights, sorted."""
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def file_hash(file: Path) -> str:
    """SHA-256 in hex. Raises UserError when the file is missing."""
    try:
        status = file.stat()
    except FileNotFoundError as error:
        raise UserError(f"Model in {file.parent}: {file.name} is missing; complete the folder") from error
    return _sha256(file, status.st_size, status.st_mtime_ns)


def config_hash(file: Path) -> str:
    """SHA-256 in hex of the fields of a JSON configuration that affect the model's computation."""
    kept = {key: value for key, value in read_json(file).items() if key not in _VOLATILE_CONFIG}
    return digest(kept)


def read_json(file: Path) -> dict[str, Any]:
    """Reads a JSON object. Raises UserError if the file is not one."""
    return read_as(file, TypeAdapter(dict[str, Any]))


def read_as(file: Path, kind: TypeAdapter[_Content]) -> _Content:
    """Reads a JSON file as the given type. Raises UserError if it does not match."""
    try:
        return kind.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"Model: cannot read {file} ({reason}); complete the folder") from error


def _package_folder(what: str, rest: str) -> Path:
    package, _, inside = rest.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"{what}: Python package {package} is not installed; install it")
    return Path(spec.submodule_search_locations[0]) / inside


def _hub_folder(what: str, rest: str) -> Path:
    from huggingface_hub import snapshot_download  # takes a second to import, and few sources need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository, _, revision = rest.partition("@")
    wanted, unwanted = list(FILES_OF_A_MODEL), ["onnx/*", "openvino/*"]
    try:
        found = snapshot_download(
            repository, revision=revision or None, allow_patterns=wanted, ignore_patterns=unwanted
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"{what}: cannot download {repository} from the hub ({reason}); "
            "check the name and the network, or put the files in a folder and set `source` to it"
        ) from error
    return Path(found)


@cache
def _sha256(file: Path, size: int, modified_ns: int) -> str:
    """Hashes a file once per process; size and time are part of the cache's key."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
