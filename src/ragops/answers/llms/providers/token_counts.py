"""Counts tokens as a language model does when no model is loaded, for example in Spark's workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ragops.answers.llms.providers.openvino_gguf import gguf_file
from ragops.answers.llms.settings import AnyModel, Models, OpenVinoGguf
from ragops.errors import UserError

_BYTES_PER_TOKEN = 3


def estimate_tokens(text: str) -> int:
    """An estimate without a tokenizer that errs on the high side: a token for every three bytes (English has four)."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


@dataclass(frozen=True)
class LlmCounter:
    """Counts tokens with the tokenizer in a GGUF file, or estimates them if there is none.

    Attributes:
        model: the name of the model whose tokenizer it uses; "" for an estimate.
        file: the GGUF file; None for an estimate.
    """

    model: str
    file: Path | None

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text."""
        if self.file is None:
            return [estimate_tokens(text) for text in texts]
        tokenizer = _tokenizer(self.file)
        return [_length(tokenizer, text) if text else 0 for text in texts]


def llm_counter(models: Models, resolve: Callable[[str], Path]) -> LlmCounter:
    """A counter for the primary model, or for the first one in usecase.yml whose tokenizer is available.

    `resolve` maps a path in usecase.yml to one on this machine.
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
