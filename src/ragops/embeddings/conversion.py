"""Conversion of a model for the CPU: done once, kept in a folder named by the model's fingerprint."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ragops.embeddings.model import EmbeddingModel, fingerprint, short
from ragops.embeddings.openvino_encoder import MANIFEST, read_manifest
from ragops.errors import UserError

# The child's exit status when its last line of output is meant for the user as it stands.
REFUSED = 3

# A conversion takes a minute at most: what is older than this was left behind by a process that was killed.
_ABANDONED_SECONDS = 3600


def convert(model: EmbeddingModel, into: Path) -> Path:
    """Returns the folder `into`/FINGERPRINT8 with the model for OpenVINO, converting it first if it is not there.

    PyTorch works in a child process, so that the caller stays small. Of several converters at once the first to finish
    wins; the folder appears whole or not at all.

    Raises:
        UserError: the model has no files, sentence-transformers is not installed, the conversion fails its check
            against PyTorch, or another model with the same short fingerprint lies there.
    """
    identity = fingerprint(model)
    target = into / short(identity)
    if not (target / MANIFEST).is_file():
        into.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(into, target.name)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=into, ignore_cleanup_errors=True) as temporary:
            built = Path(temporary) / "model"
            built.mkdir()
            _export_in_child(model, built)
            _publish(built, target)
    if read_manifest(target).fingerprint != identity:
        raise UserError(f"Converted model in {target} has another fingerprint than {model.name}; delete the folder")
    return target


def _export_in_child(model: EmbeddingModel, folder: Path) -> None:
    command = [sys.executable, "-m", "ragops.embeddings.export", model.model_dump_json(), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"})
    if done.returncode == 0:
        return
    reason = (done.stderr.strip().splitlines() or [f"the converter ended with {done.returncode}"])[-1]
    if done.returncode == REFUSED:
        raise UserError(reason)
    mend = "install ragops[laptop]" if "No module named" in reason else f"check the files of {model.source}"
    raise UserError(f"Embedding model {model.name}: cannot convert it ({reason}); {mend}")


def _publish(built: Path, target: Path) -> None:
    if target.is_dir() and not (target / MANIFEST).is_file():
        shutil.rmtree(target)  # a finished folder always has a manifest: someone has damaged this one
    try:
        built.rename(target)
    except OSError:
        if not (target / MANIFEST).is_file():
            raise


def _remove_abandoned(into: Path, name: str) -> None:
    for folder in into.glob(f".{name}-*"):
        if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
