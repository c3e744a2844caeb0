"""Conversion of a model for the CPU: done once, stored in a folder named by the model's fingerprint.

On a laptop that folder is in the cache. On a volume, which jobs share, it is copied file by file with its manifest
last, and each machine uses a copy of its own: `on_this_machine`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint, is_onnx, locate, short
from ragops.corpus.embeddings.model_files import file_hash
from ragops.errors import UserError
from ragops.platform.compute import on_databricks
from ragops.platform.volumes.errors import PathNotFound, VolumeError
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import on_volume, volume_files
from ragops.platform.workspace import cache_folder

GRAPH = "model.xml"
TOKENIZER = "tokenizer.json"
MANIFEST = "manifest.json"

# The texts that a conversion is checked with: short, long, empty, in several scripts.
CANONICAL_TEXTS = (
    "hello world",
    "The quick brown fox jumps over the lazy dog.",
    "Größe, naïve café, Ελληνικά, русский, 東京, 🙂",
    "def f(x: int) -> int:\n    return x + 1",
    "",
    "Retrieval finds the passages that answer a question. " * 60,
)

# The child's exit status if its last line of output is a message for the user.
REFUSED = 3

# A conversion takes a minute at most; older folders were left by a process that was killed.
_ABANDONED_SECONDS = 3600
# Its writer may be on another machine, whose clock may be wrong.
_ABANDONED_ON_VOLUME = timedelta(days=1)


class Manifest(BaseModel):
    """Description of a converted model in its folder: its spec, its fingerprint, and the library versions used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    model: EmbeddingModel
    versions: dict[str, str]


def read_manifest(folder: Path) -> Manifest:
    """Reads a converted model's manifest.

    Raises:
        UserError: `folder` does not contain a complete conversion.
    """
    try:
        return Manifest.model_validate_json(volume_files(folder).read(folder / MANIFEST))
    except (VolumeError, ValidationError) as error:
        raise UserError(
            f"Converted model in {folder}: no valid {MANIFEST}; delete the folder and convert the model again"
        ) from error


def convert(model: EmbeddingModel, into: Path) -> Path:
    """Returns the folder below `into` with the model for OpenVINO, converting it first if necessary.

    Raises:
        UserError: the model has no files, sentence-transformers is not installed, the conversion fails its check
            against PyTorch, or the folder contains another model with the same short fingerprint.
    """
    identity = fingerprint(model)
    target = convert_once(identity, into, lambda folder: _export(model, folder))
    if read_manifest(target).fingerprint != identity:
        raise UserError(f"Converted model in {target}: its fingerprint is not that of {model.name}; delete the folder")
    return target


def convert_once(identity: str, into: Path, export: Callable[[Path], None]) -> Path:
    """Returns the folder of a conversion below `into`; `export` fills it first if it does not exist.

    Its name is FINGERPRINT8, on a volume FINGERPRINT8-DIGEST8, so that concurrent converters never write into the
    same folder. It is valid once it contains its manifest.

    Raises:
        UserError: the volume cannot be read or written.
    """
    return (_convert_on_volume if on_volume(into) else convert_on_disk)(short(identity), into, export)


def on_this_machine(conversion: Path) -> Path:
    """The folder of a conversion on a local disk, where it can be mapped into memory; named by the fingerprint.

    Raises:
        UserError: it cannot be copied from its volume.
    """
    if not on_volume(conversion):
        return conversion
    name = conversion.name.partition("-")[0]
    return convert_on_disk(
        name, cache_folder() / "models", lambda built: volume_files(conversion).copy(conversion, built)
    )


def convert_on_disk(name: str, into: Path, export: Callable[[Path], None]) -> Path:
    """Returns the folder `into`/`name` on a local disk; `export` fills it first if it does not exist.

    The first of several concurrent converters to finish wins; the folder appears complete or not at all.
    """
    target = into / name
    if not (target / MANIFEST).is_file():
        into.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(into, target.name)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=into, ignore_cleanup_errors=True) as temporary:
            built = Path(temporary) / "model"
            built.mkdir()
            export(built)
            _publish(built, target)
    return target


def _convert_on_volume(name: str, into: Path, export: Callable[[Path], None]) -> Path:
    files = volume_files(into)
    if found := _find_on_volume(files, name, into):
        return found
    with tempfile.TemporaryDirectory(prefix="ragops-convert-") as temporary:
        built = Path(temporary)
        export(built)
        parts = sorted(path for path in built.rglob("*") if path.is_file() and path != built / MANIFEST)
        digest = hashlib.sha256("".join(file_hash(part) for part in parts).encode()).hexdigest()
        target = into / f"{name}-{digest[:8]}"
        for part in (*parts, built / MANIFEST):
            files.upload(part, target / part.relative_to(built))
    return target


def _find_on_volume(files: VolumeFiles, name: str, into: Path) -> Path | None:
    """The first complete conversion; removes incomplete ones that were started long ago."""
    with suppress(PathNotFound):
        for one in files.list(into):
            if one.is_folder and one.name.partition("-")[0] == name:
                if _holds_manifest(files, into / one.name):
                    return into / one.name
                _remove_if_abandoned(files, into / one.name)
    return None


def _holds_manifest(files: VolumeFiles, folder: Path) -> bool:
    with suppress(PathNotFound):
        return any(one.name == MANIFEST for one in files.list(folder))
    return False


def _remove_if_abandoned(files: VolumeFiles, folder: Path) -> None:
    """Removes an old incomplete conversion, but none without files, which may have just been started."""
    with suppress(PathNotFound):
        times = [one.modified for _, one in files.walk(folder) if not one.is_folder]
        if times and all(datetime.now(UTC) - time > _ABANDONED_ON_VOLUME for time in times):
            files.remove_folder(folder)


def run_exporter(module: str, description: str, folder: Path, what: str, source: str) -> None:
    """Converts a model in a child process, so that this one does not load PyTorch.

    Args:
        module: runs with the description (JSON) and the folder; exits with REFUSED if its last line is for the user.
        description: of the model.
        folder: where the conversion is written.
        what: names the model in errors.
        source: the model's source, for errors.

    Raises:
        UserError: sentence-transformers is not installed, or the conversion fails.
    """
    command = [sys.executable, "-m", module, description, str(folder)]
    # A notebook may use libraries from a path that is set only in its own process.
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | own)
    if done.returncode == 0:
        return
    reason = (done.stderr.strip().splitlines() or [f"the converter ended with {done.returncode}"])[-1]
    if done.returncode == REFUSED:
        raise UserError(reason)
    raise UserError(f"{what}: cannot convert it ({reason}); {_remedy(reason, source)}")


def _remedy(reason: str, source: str) -> str:
    if "No module named" not in reason:
        return f"check the files of {source}"
    if on_databricks():
        return "run the refresh job first, which can convert it"
    return "install ragops[embed], or choose a model in ONNX, which needs no PyTorch"


def _export(model: EmbeddingModel, folder: Path) -> None:
    if is_onnx(locate(model)):
        from ragops.corpus.embeddings.onnx_export import export_onnx  # imports OpenVINO

        export_onnx(model, folder)
    else:
        _export_in_child(model, folder)


def _export_in_child(model: EmbeddingModel, folder: Path) -> None:
    what = f"Embedding model {model.name}"
    run_exporter("ragops.corpus.embeddings.export", model.model_dump_json(), folder, what, model.source)


def _publish(built: Path, target: Path) -> None:
    if target.is_dir() and not (target / MANIFEST).is_file():
        shutil.rmtree(target)  # a complete folder always has a manifest, so this one is damaged
    try:
        built.rename(target)
    except OSError:
        if not (target / MANIFEST).is_file():
            raise


def _remove_abandoned(into: Path, name: str) -> None:
    for folder in into.glob(f".{name}-*"):
        if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
