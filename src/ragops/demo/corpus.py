"""Writes the sample corpus: Python's language reference, which every Python carries, as files of mixed formats."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from pydoc_data.topics import topics as texts

from ragops.demo.formats import RENDERERS, Document
from ragops.demo.layout import PATHS
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files


def write_corpus(folder: Path, topics: Sequence[str] | None = None) -> list[Path]:
    """Writes topics of the language reference below `folder` and returns their files, sorted.

    The same Python gives the same bytes each time, and a file that holds them already is left alone, so a second run
    finds nothing changed. Files of other topics are neither removed nor returned.

    Args:
        folder: made if it is missing.
        topics: names as in `help()`; None for all.

    Raises:
        KeyError: a topic is not in the corpus.
        ModuleNotFoundError: a writer's package is missing (extra `sample`).
    """
    paths = []
    for topic in PATHS if topics is None else topics:
        path = folder / PATHS[topic]
        _write_if_changed(path, RENDERERS[path.suffix](Document(texts[topic])))
        paths.append(path)
    return sorted(paths)


def _write_if_changed(path: Path, content: bytes) -> None:
    files = volume_files(path)
    with suppress(PathNotFound):
        if files.read(path) == content:
            return
    files.write(path, content)
