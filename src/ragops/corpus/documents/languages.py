"""The language a text is written in."""

import re
from collections.abc import Callable

_SAMPLE = 2_000
_ENOUGH_LETTERS = 20
# Code, links and comments look the same in every language.
_NOISE = re.compile(r"```.*?(?:```|\Z)|<!--.*?-->|https?://\S+", re.DOTALL)


def detect_language(markdown: str) -> str | None:
    """ISO 639-1 code from the first 2,000 characters of prose, or None where fewer than 20 letters tell."""
    sample = _NOISE.sub(" ", markdown[: 4 * _SAMPLE])[:_SAMPLE]
    if sum(character.isalpha() for character in sample) < _ENOUGH_LETTERS:
        return None
    return str(load_model()(sample)[0])


def load_model() -> Callable[[str], tuple[str, float]]:
    """The classifier, loaded with the first call, which takes half a second."""
    import py3langid

    py3langid.classify("")  # imports alone load no model
    classify: Callable[[str], tuple[str, float]] = py3langid.classify
    return classify
