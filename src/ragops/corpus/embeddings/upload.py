"""A model's files on a volume: uploaded once, and copied by each machine that needs them.

A folder is complete once its listing exists, which is written last. Models are mapped into memory and hashed at each
start, which both need a local disk.
"""

import hashlib
import json
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.mounted import MountedFiles
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import cache_folder

LISTING = "uploaded.json"
"""The file that lists each file of the model, relative to its folder, with its SHA-256."""
FILES_OF_A_MODEL = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin", "*.onnx")
COMMAND = "databricks bundle run upload_models -t TARGET"

_Listing = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class Uploaded:
    """An uploaded model: number of files, total bytes, and whether it was already uploaded."""

    files: int
    size: int
    was_there: bool


def upload(source: Path, into: Path, files: VolumeFiles) -> Uploaded:
    """Copies a model's files from a local folder to a volume, unless the same files are there already.

    The uploaded files are read for this check, since concurrent uploads of different versions leave a wrong listing.

    Raises:
        UserError: `source` contains no model files.
        VolumeError: the volume cannot be read or written.
    """
    found = sorted({path for pattern in FILES_OF_A_MODEL for path in source.rglob(pattern) if path.is_file()})
    if not found:
        raise UserError(f"no model files in {source}; reinstall its package")
    listing = {path.relative_to(source).as_posix(): MountedFiles().digest(path) for path in found}
    content, size = json.dumps(listing, indent=1).encode(), sum(path.stat().st_size for path in found)
    if _read(files, into / LISTING) == content and all(
        _has_digest(files, into / name, listing[name]) for name in listing
    ):
        return Uploaded(len(found), size, was_there=True)
    files.remove(into / LISTING)
    files.remove_folder(into)
    for path in found:
        files.upload(path, into / path.relative_to(source))
    files.write(into / LISTING, content)
    return Uploaded(len(found), size, was_there=False)


def uploaded_folder(what: str, folder: Path) -> Path:
    """This machine's copy of a model on a volume, created on first use; `what` names the model in errors.

    Raises:
        UserError: the volume does not have it, or it is being replaced.
        VolumeError: the volume cannot be read.
    """
    content = _read(volume_files(folder), folder / LISTING)
    if content is None:
        raise UserError(f"{what}: its files are not in {folder}; upload them with: {COMMAND}")
    copy = cache_folder() / "uploaded" / f"{folder.name}-{hashlib.sha256(content).hexdigest()[:8]}"
    if not copy.is_dir():
        _fetch(what, folder, _Listing.validate_json(content), copy)
    return copy


def _fetch(what: str, folder: Path, listing: dict[str, str], copy: Path) -> None:
    """The first of several concurrent processes to finish wins; the folder appears complete or not at all."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{copy.name}-", dir=copy.parent) as temporary:
        files, arrived = volume_files(folder), Path(temporary) / "model"
        for name, digest in listing.items():
            (arrived / name).parent.mkdir(parents=True, exist_ok=True)
            with suppress(PathNotFound):
                files.download(folder / name, arrived / name)
            if not (arrived / name).is_file() or MountedFiles().digest(arrived / name) != digest:
                raise UserError(f"{what}: {folder / name} differs from its listing; upload it again with: {COMMAND}")
        try:
            arrived.rename(copy)
        except OSError:
            if not copy.is_dir():
                raise


def _has_digest(files: VolumeFiles, path: Path, digest: str) -> bool:
    with suppress(PathNotFound):
        return files.digest(path) == digest
    return False


def _read(files: VolumeFiles, path: Path) -> bytes | None:
    with suppress(PathNotFound):
        return files.read(path)
    return None
