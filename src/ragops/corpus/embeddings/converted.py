"""What a folder with a converted model holds; readable without OpenVINO."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError

GRAPH = "model.xml"
TOKENIZER = "tokenizer.json"
MANIFEST = "manifest.json"


class Manifest(BaseModel):
    """What a converted model's folder says of it: its spec, its fingerprint, and the versions that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    model: EmbeddingModel
    versions: dict[str, str]


def read_manifest(folder: Path) -> Manifest:
    """Reads a converted model's manifest.

    Raises:
        UserError: `folder` holds no complete conversion.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(
            f"Converted model in {folder}: no valid {MANIFEST}; delete the folder, convert again"
        ) from error
