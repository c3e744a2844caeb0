"""An answer for the terminal (`show_answer`) and as JSON (`as_outputs`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from ragops.answers.chain.types import Answer
from ragops.answers.retrieval.console import source_line
from ragops.answers.retrieval.context import Packed
from ragops.corpus.documents.normalize import normalize


def as_outputs(answer: Answer) -> dict[str, Any]:
    """Everything about an answer except its text, as JSON values."""
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
        "step_seconds": answer.step_seconds,
        "trace_id": answer.trace_id,
        "sources": [_as_output(one, one in answer.cited) for one in answer.sources],
    }


def show_answer(console: Console, answer: Answer) -> None:
    """Prints the answer, the passages that it cites, and a line on how it was made."""
    if answer.abstained:
        console.print(Text(answer.text, style="yellow"))
        console.print(Text(_abstention_reason(answer), style="dim"), soft_wrap=True)
    else:
        # Links come from untrusted text: show the address instead of hiding it behind the link's text.
        console.print(Markdown(normalize(answer.text), hyperlinks=False))
    if answer.cited:
        console.print()
    for one in answer.cited:
        console.print(source_line(one.number, one.found))
    for line in fallback_notes(answer):
        console.print(Text(line, style="yellow"), soft_wrap=True)
    console.print(Text("; ".join(_facts(answer)), style="dim"), soft_wrap=True)


def fallback_notes(answer: Answer) -> Iterator[str]:
    """One line for each model that failed: its name, the reason, and the fallback."""
    for name, reason in answer.not_rewritten.items():
        yield f"{name} did not rewrite the question ({normalize(reason)}); searched for: {answer.standalone}"
    for name, reason in answer.failed.items():
        yield f"{name} did not answer ({normalize(reason)}); fell back to {answer.model}"


def _abstention_reason(answer: Answer) -> str:
    if answer.abstained == "the model":
        count = len(answer.sources)
        return f"The model found no answer in {count} passage{'' if count == 1 else 's'}."
    if not answer.sources:
        return "No evidence: nothing was found; the index is empty, or its passages are restricted to other groups."
    return "No evidence: no passage is similar enough to the question, so no model was asked."


def _facts(answer: Answer) -> Iterator[str]:
    yield answer.model or "no model"
    yield f"prompt {answer.prompt}"
    yield f"index {answer.generation}"
    yield f"evidence {answer.evidence:.2f}"
    if answer.model:
        yield f"{answer.prompt_tokens:,} tokens read, {answer.completion_tokens:,} written"
    if answer.removed_citations:
        yield f"{answer.removed_citations} made-up citations removed"
    if answer.quoted:
        yield "quoted from the passages, because the model cited nothing"
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
        "also_in": list(one.found.also_in),
        "chunk_id": passage.chunk_id,
        "chunk_ids": list(one.chunk_ids),
        "score": one.found.score,
        "similarity": one.found.similarity,
        "text": one.text,
    }
