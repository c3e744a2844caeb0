"""Conversion of a model for the CPU: done once, kept in a folder named by the model's fingerprint."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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

    Raises:
        UserError: the model has no files, sentence-transformers is not installed, the conversion fails its check
            against PyTorch, or another model with the same short fingerprint lies there.
    """
    identity = fingerprint(model)
    target = convert_once(identity, into, lambda folder: _export_in_child(model, folder))
    if read_manifest(target).fingerprint != identity:
        raise UserError(f"Converted model in {target} has another fingerprint than {model.name}; delete the folder")
    return target


def convert_once(identity: str, into: Path, export: Callable[[Path], None]) -> Path:
    """Returns the folder `into`/FINGERPRINT8, letting `export` fill it first if it is not there.

    Of several converters at once the first to finish wins; the folder appears whole or not at all.
    """
    target = into / short(identity)
    if not (target / MANIFEST).is_file():
        into.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(into, target.name)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=into, ignore_cleanup_errors=True) as temporary:
            built = Path(temporary) / "model"
            built.mkdir()
            export(built)
            _publish(built, target)
    return target


def run_exporter(module: str, description: str, folder: Path, what: str, source: str) -> None:
    """Converts a model in a child process, so that PyTorch does not make this one large.

    Args:
        module: run with the description (JSON) and the folder; exits with REFUSED when its last line is for the user.
        description: of the model.
        folder: to fill.
        what: names the model in errors.
        source: the model's, likewise.

    Raises:
        UserError: sentence-transformers is not installed, or the conversion fails.
    """
    command = [sys.executable, "-m", module, description, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"})
    if done.returncode == 0:
        return
    reason = (done.stderr.strip().splitlines() or [f"the converter ended with {done.returncode}"])[-1]
    if done.returncode == REFUSED:
        raise UserError(reason)
    mend = "install ragops[laptop]" if "No module named" in reason else f"check the files of {source}"
    raise UserError(f"{what}: cannot convert it ({reason}); {mend}")


def _export_in_child(model: EmbeddingModel, folder: Path) -> None:
    what = f"Embedding model {model.name}"
    run_exporter("ragops.embeddings.export", model.model_dump_json(), folder, what, model.source)


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
