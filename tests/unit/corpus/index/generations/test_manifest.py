from importlib.metadata import version
from pathlib import Path

import pytest
from pydantic import ValidationError

from ragops.corpus.index.generations.manifest import (
    IndexedModel,
    Manifest,
    differing,
    file_digests,
    read_manifest,
    read_rows,
    write_manifest,
    write_rows,
)
from ragops.errors import UserError

_MODEL = IndexedModel(fingerprint="ab" * 32, name="m", dimension=2, spec={"pooling": "mean"})
_MANIFEST = Manifest(number=3, model=_MODEL, count=2, source_version="x", parent="000002-abababab")


def test_a_manifest_round_trip(tmp_path: Path) -> None:
    write_manifest(tmp_path, _MANIFEST)
    assert read_manifest(tmp_path) == _MANIFEST
    assert _MANIFEST.versions["chromadb"] == version("chromadb")


def test_a_rows_round_trip(tmp_path: Path) -> None:
    write_rows(tmp_path, {"b": "2", "a": "1"})
    assert read_rows(tmp_path) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("fingerprint", ["", "short", "../../etc/passwd", "ABCDEF01"])
def test_a_fingerprint_that_is_not_hex_is_refused(fingerprint: str) -> None:
    with pytest.raises(ValidationError):
        IndexedModel(fingerprint=fingerprint, name="m", dimension=2)


def test_a_missing_or_damaged_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="is not a manifest"):
        read_manifest(tmp_path)


def test_missing_new_and_changed_files_are_found(tmp_path: Path) -> None:
    for name in ("chroma/a", "chroma/b", "bm25/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    recorded = file_digests(tmp_path)
    write_manifest(tmp_path, _MANIFEST)
    assert differing(file_digests(tmp_path), recorded) == set()
    (tmp_path / "chroma/a").write_text("other")
    (tmp_path / "chroma/b").unlink()
    (tmp_path / "bm25/d").touch()
    assert differing(file_digests(tmp_path), recorded) == {"chroma/a", "chroma/b", "bm25/d"}
