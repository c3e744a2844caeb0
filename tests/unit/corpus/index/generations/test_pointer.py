from pathlib import Path

import pytest

from ragops.corpus.index.generations.manifest import Damaged, IndexedModel, Manifest
from ragops.corpus.index.generations.pointer import Pointer, parse_pointer


def test_a_pointer_remembers_the_previous_generation() -> None:
    model = IndexedModel(fingerprint="ab" * 32, name="m", dimension=2)
    manifest = Manifest(number=3, model=model, count=0, source_version="x", parent=None)
    assert Pointer.to(manifest, previous=None).generation == "000003-abababab"
    assert Pointer.to(manifest, previous=manifest).previous == "000003-abababab"


@pytest.mark.parametrize(("content", "kind"), [(b"", "empty"), (b"{", "damaged"), (b"\xff", "damaged")])
def test_a_damaged_pointer_is_an_error(content: bytes, kind: str) -> None:
    with pytest.raises(Damaged, match=rf"/index/pointer.json is not a readable pointer \({kind}\)"):
        parse_pointer(content, Path("/index/pointer.json"))
