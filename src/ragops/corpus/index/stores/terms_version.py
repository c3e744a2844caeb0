"""Which terms a word index contains: two texts can be compared only by terms of one version."""

from collections.abc import Sequence

TERMS_VERSION = "2"
"""Changes whenever `terms.tokenize` could give other terms for the same text."""


def terms_version(languages: Sequence[str]) -> str:
    """The version of terms in these languages, in any order."""
    return " ".join([TERMS_VERSION, *sorted(set(languages))])
