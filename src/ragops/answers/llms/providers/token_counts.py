"""Counting tokens as a language model does, wherever no model is loaded: in Spark's workers, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ragops.answers.llms.providers.openvino_gguf import gguf_file
from ragops.answers.llms.settings import AnyModel, Models, OpenVinoGguf
from ragops.errors import UserError

_BYTES_A_TOKEN = 3


@dataclass(frozen=True)
class LlmCounter:
    """Token counts by the tokenizer in a GGUF file; by an estimate on the high side where there is none."""

    model: str
    file: Path | None

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        if self.file is None:
            return [len(text.encode()) // _BYTES_A_TOKEN + bool(text) for text in texts]
        tokenizer = _tokenizer(self.file)
        return [_length(tokenizer, text) if text else 0 for text in texts]


def llm_counter(models: Models, resolve: Callable[[str], Path]) -> LlmCounter:
    """Counts as the model does that answers; if its tokenizer is not at hand, as the first in usecase.yml whose is.

    `resolve` turns a path in usecase.yml into one of this place.
    """
    for model in (*models.chain(), *models.known):
        if (file := _file(model, resolve)) is not None:
            return LlmCounter(model.name, file)
    return LlmCounter("", None)


def _file(model: AnyModel, resolve: Callable[[str], Path]) -> Path | None:
    if not isinstance(model, OpenVinoGguf):
        return None
    try:
        return gguf_file(model.name, model.source, resolve)
    except UserError:
        return None


def _length(tokenizer: Any, text: str) -> int:  # noqa: ANN401 - openvino_genai's own type
    return int(tokenizer.encode(text, add_special_tokens=False).input_ids.shape[1])


@cache
def _tokenizer(file: Path) -> Any:  # noqa: ANN401 - openvino_genai's own type
    import openvino_genai  # takes a second to import

    return openvino_genai.Tokenizer(str(file))
