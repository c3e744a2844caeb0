"""What a person or a program sees of an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from ragops.answers.chain.types import Answer
from ragops.answers.retrieval.console import source_line
from ragops.answers.retrieval.context import Packed
from ragops.corpus.documents.normalize import normalise


def as_outputs(answer: Answer) -> dict[str, Any]:
    """How the answer came about, as JSON: everything but its text."""
    return {
        "abstained": answer.abstained,
        "evidence": answer.evidence,
        "standalone": answer.standalone,
        "model": answer.model,
        "failed": answer.failed,
        "not_rewritten": answer.not_rewritten,
        "prompt": answer.prompt,
        "generation": answer.generation,
        "valid_citations": answer.valid_citations,
        "removed_citations": answer.removed_citations,
        "attributed": answer.attributed,
        "quoted": answer.quoted,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "seconds": answer.seconds,
        "trace_id": answer.trace_id,
        "sources": [_as_output(one, one in answer.cited) for one in answer.sources],
    }


def show(console: Console, answer: Answer) -> None:
    """Prints the answer, the passages that it cites, and how it came about."""
    if answer.abstained:
        console.print(Text(answer.text, style="yellow"))
        console.print(Text(_why(answer), style="dim"), soft_wrap=True)
    else:
        # Whoever wrote a link is not known: its address is shown, not hidden behind its text.
        console.print(Markdown(normalise(answer.text), hyperlinks=False))
    if answer.cited:
        console.print()
    for one in answer.cited:
        console.print(source_line(one.number, one.passage))
    for result in stand_ins(answer):
        console.print(Text(result, style="yellow"), soft_wrap=True)
    console.print(Text("; ".join(_story(answer)), style="dim"), soft_wrap=True)


def stand_ins(answer: Answer) -> Iterator[str]:
    """A line for each model that did not do its part: which one, why, and what took its place."""
    for name, reason in answer.not_rewritten.items():
        yield f"{name} did not rewrite the question ({normalise(reason)}); searched for: {answer.standalone}"
    for name, reason in answer.failed.items():
        yield f"{name} did not answer ({normalise(reason)}); {answer.model} stood in"


def _why(answer: Answer) -> str:
    if answer.abstained == "the model":
        count = len(answer.sources)
        return f"The model found no answer in {count} passage{'' if count == 1 else 's'}."
    if not answer.sources:
        return "No evidence: nothing was found; the index is empty, or its passages are for other groups."
    return "No evidence: nothing that was found is near enough to the question, so no model was asked."


def _story(answer: Answer) -> Iterator[str]:
    yield answer.model or "no model"
    yield f"prompt {answer.prompt}"
    yield f"index {answer.generation}"
    yield f"evidence {answer.evidence:.2f}"
    if answer.model:
        yield f"{answer.prompt_tokens:,} tokens read, {answer.completion_tokens:,} written"
    if answer.removed_citations:
        yield f"{answer.removed_citations} made-up citations removed"
    if answer.quoted:
        yield "quoted, because the model cited nothing"
    yield f"{answer.seconds:.1f} s"


def _as_output(one: Packed, cited: bool) -> dict[str, Any]:
    passage = one.passage
    return {
        "number": one.number,
        "cited": cited,
        "path": passage.path,
        "title": passage.title,
        "heading_path": list(passage.heading_path),
        "page": passage.page,
        "chunk_ids": list(one.chunk_ids),
        "text": one.text,
    }
