"""What differs between two chains: their configurations, the index and the documents that they answer from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ragops.answers.llms.settings import CHANGES_NO_ANSWER
from ragops.answers.prompts.template_files import find
from ragops.quality.evaluation.reports.page_content import Changed
from ragops.serving.model.configuration import ChainConfiguration

_SECTIONS = ("retrieval", "answers", "prompts", "embedding", "chunking", "corpus", "documents")
"""Those of the use case that change answers; the prompts' texts and the models are shown in a form of their own."""
_NAMED = {"prompts.answer", "prompts.rewrite"}
_NOTHING = "–"
_WHICH = ("served_name", "source", "base_url", "provider")


@dataclass(frozen=True, slots=True)
class Index:
    """What a chain answered from when it was measured: the index generation, and its number of passages."""

    generation: str
    passages: int | None = None


def changes(
    own: ChainConfiguration, champion: ChainConfiguration, own_index: Index | None, champions_index: Index | None
) -> tuple[Changed, ...]:
    """What differs, the prompt and the model first.

    Args:
        own: of the chain.
        champion: of the champion.
        own_index: what the chain was measured on.
        champions_index: what the champion was released on. Where one of them is not known, neither is shown.
    """
    before, now = dict(_described(champion)), dict(_described(own))
    before |= _settings(champion)
    now |= _settings(own)
    if own_index and champions_index:
        before |= _of_index(champions_index)
        now |= _of_index(own_index)
    names = dict.fromkeys([*now, *before])
    return tuple(
        Changed(name, before.get(name, _NOTHING), now.get(name, _NOTHING))
        for name in names
        if before.get(name) != now.get(name)
    )


def _described(one: ChainConfiguration) -> Iterator[tuple[str, str]]:
    prompts, models = one.use_case.prompts, one.use_case.models
    for label, name in (("prompt", prompts.answer), ("prompt for follow-up questions", prompts.rewrite)):
        template = find(one.templates, name)
        yield label, f"{template.name}@{template.content_hash[:8]}"
    primary, *fallbacks = (
        ", ".join([model.name, *_identity(model.model_dump(mode="json", exclude={"name"}, exclude_defaults=True))])
        for model in models.chain()
    )
    yield "language model", primary
    yield "fallback models", "; ".join(fallbacks) or "none"
    yield "index", f"inside the model: {one.pinned}" if one.pinned else "the live one"


def _identity(settings: Mapping[str, object]) -> Iterator[str]:
    """A model's settings that can change an answer, those that say which model it is first."""
    names = dict.fromkeys([*(name for name in _WHICH if name in settings), *settings])
    return (f"{name} {settings[name]}" for name in names if name not in CHANGES_NO_ANSWER)


def _settings(one: ChainConfiguration) -> dict[str, str]:
    """The settings of the sections that change answers, by their dotted names."""
    dumped = one.use_case.model_dump(mode="json", include=set(_SECTIONS))
    found = {name: _shown(value) for section in _SECTIONS for name, value in _flat(section, dumped[section])}
    return {name: value for name, value in found.items() if name not in _NAMED}


def _flat(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _of_index(index: Index) -> dict[str, str]:
    passages = {} if index.passages is None else {"passages in the index": f"{index.passages:,}"}
    return {"index generation": index.generation, **passages}
