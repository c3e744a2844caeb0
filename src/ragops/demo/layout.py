"""Where each topic's file lies and in which format: one committed table, so that a path never changes."""

from collections.abc import Mapping
from pathlib import PurePosixPath

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
