"""The language a text is written in."""

import re

_SAMPLE = 2_000
_ENOUGH_LETTERS = 20
# Code, links and comments look the same in every language.
_NOISE = re.compile(r"```.*?(?:```|\Z)|<!--.*?-->|https?://\S+", re.DOTALL)


def detect_language(markdown: str) -> str | None:
    """ISO 639-1 code from the first 2,000 characters of prose, or None where fewer than 20 letters tell."""
    sample = _NOISE.sub(" ", markdown[: 4 * _SAMPLE])[:_SAMPLE]
    if sum(character.isalpha() for character in sample) < _ENOUGH_LETTERS:
        return None
    import py3langid  # its model takes half a second to load: only where there is something to tell

    return str(py3langid.classify(sample)[0])
