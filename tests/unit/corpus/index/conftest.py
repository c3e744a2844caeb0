"""A row to vary."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ragops.corpus.index.passages import Entry


@pytest.fixture
def make_entry() -> Callable[..., Entry]:
    def make(chunk_id: str = "c1", **changed: Any) -> Entry:
        values: dict[str, Any] = {
            "chunk_id": chunk_id,
            "doc_id": "d1",
            "text": "Text of the chunk.",
            "heading_path": ("Part", "Section"),
            "title": "Title",
            "path": "a/b.md",
            "page": 3,
            "ordinal": 4,
            "text_hash": "0123456789abcdef" * 4,
            "vector": np.array([3.0, 4.0], dtype=np.float32),
        }
        return Entry(**{**values, **changed})

    return make
