"""Writes the sample corpus: Python's language reference, which every Python includes, as files of mixed formats."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from pydoc_data.topics import topics as texts

from ragops.demo.formats import RENDERERS, Document
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files

# One committed table, so that the path of a topic never changes.
_TOPICS = {
    "statements": {
        "md": "del exceptions for global raise try",
        "html": "assert augassign else if nonlocal return with",
        "docx": "class continue while yield",
        "pdf": "assignment async compound function",
        "txt": "import",
        "png": "break pass",
    },
    "expressions": {
        "md": "attribute-references booleans exprlists lambda power subscriptions",
        "html": "atom-identifiers await conversions dict in",
        "docx": "calls comparisons shifting slicings",
        "pdf": "binary operator-summary truth unary",
        "txt": "atom-literals bitwise",
        "png": "lists",
    },
    "lexical-analysis": {
        "md": "identifiers",
        "html": "floating strings",
        "docx": "id-classes",
        "pdf": "integers",
        "txt": "imaginary numbers",
    },
    "data-model": {
        "md": "callable-types customization naming",
        "html": "dynamic-features specialnames",
        "docx": "attribute-access context-managers types",
        "pdf": "execmodel numeric-types",
        "txt": "objects sequence-types",
    },
    "library": {
        "md": "specialattrs string-methods",
        "html": "bltin-code-objects debugger typesmapping",
        "docx": "bltin-type-objects typesmodules typesseq",
        "pdf": "bltin-ellipsis-object formatstrings typesmethods",
        "txt": "bltin-null-object typesseq-mutable",
        "png": "typesfunctions",
    },
}

PATHS: Mapping[str, PurePosixPath] = {
    topic: PurePosixPath(folder, f"{topic}.{suffix}")
    for folder, formats in _TOPICS.items()
    for suffix, topics in formats.items()
    for topic in topics.split()
}
"""Topic to the path of its file, relative to the corpus' folder."""


def write_corpus(folder: Path, topics: Sequence[str] | None = None) -> list[Path]:
    """Writes topics of the language reference below `folder` and returns their files, sorted.

    The same Python gives the same bytes each time, and files that have them already are not written again, so a second
    run changes nothing. Files of other topics are neither removed nor returned.

    Args:
        folder: created if it is missing.
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
