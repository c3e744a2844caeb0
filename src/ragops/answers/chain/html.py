"""Answers as HTML for a notebook's output: answer, evidence, passages, prompt, and cost.

Answers, passages and prompts are untrusted text: all of it is escaped, nothing is fetched and no script runs. Colors
derive from the page's own, so that both light and dark pages are readable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ragops.answers.chain.citations import parts
from ragops.answers.chain.console import fallback_notes
from ragops.answers.chain.types import Answer
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.prompts.types import Message
from ragops.answers.retrieval.context import Packed
from ragops.text import digest, one_line

_TEMPLATES = Environment(
    loader=PackageLoader("ragops.answers.chain", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PREVIEW = 150  # characters of a passage that are visible before it is unfolded


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer or error.

    Attributes:
        question: in the user's words.
        answer: None if there was an error.
        messages: the model's input; empty if none was asked.
        calls: the ledger's rows.
        error: why there is no answer.
    """

    question: str
    answer: Answer | None = None
    messages: Sequence[Message] = ()
    calls: Sequence[CallRow] = ()
    error: str = ""


def answers_html(exchanges: Sequence[Exchange]) -> str:
    """Each answer with its citations, passages and scores, the prompt that was sent, and the calls."""
    return _TEMPLATES.get_template("answers.html.j2").render(exchanges=exchanges)


def side_by_side_html(columns: Mapping[str, Sequence[Exchange]]) -> str:
    """A table with a row for each question and a column for each variant; all columns list the same questions."""
    rows = list(zip(*columns.values(), strict=True))
    return _TEMPLATES.get_template("side_by_side.html.j2").render(names=list(columns), rows=rows)


def show_html(html: str) -> None:
    """Displays HTML below a notebook's cell."""
    from IPython.display import HTML, display

    display(HTML(html))


def _anchor(exchange: Exchange, number: int | str) -> str:
    """The id of a passage on a page that may show many answers."""
    return f"ragops-{digest(repr((exchange.question, exchange.answer)))[:10]}-{number}"


def _source(answer: Answer, number: str) -> Packed:
    return answer.sources[int(number) - 1]


def _heading(source: Packed) -> str:
    """Title and headings of a passage, each once."""
    passage = source.passage
    names = (name.replace("`", "") for name in (passage.title, *passage.heading_path))
    return " › ".join(dict.fromkeys(names))


def _file(source: Packed) -> str:
    passage = source.passage
    return f"{passage.path}, page {passage.page}" if passage.page else passage.path


def _preview(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _PREVIEW else line[:_PREVIEW].rsplit(" ", 1)[0] + " …"


def _share(score: float, answer: Answer) -> float:
    """The score relative to the best passage's, 0 to 1: scores are comparable within one question only."""
    best = max(one.found.score for one in answer.sources)
    return max(0.0, score / best) if best > 0 else 0.0


def _verdict(answer: Answer) -> str:
    if answer.abstained:
        reasons = {"no evidence": "too little evidence", "the model": "the model declined"}
        return f"no answer: {reasons[answer.abstained]}"
    if answer.quoted:
        return "quotes the passages: the model cited nothing"
    return f"cites {len(answer.cited)} of {len(answer.sources)} passages" if answer.cited else "cites nothing"


def _tokens(calls: Sequence[CallRow]) -> int:
    return sum(call.prompt_tokens + call.completion_tokens for call in calls)


_TEMPLATES.globals |= {
    "anchor": _anchor,
    "source_of": _source,
    "heading_of": _heading,
    "file_of": _file,
    "preview": _preview,
    "parts": parts,
    "share": _share,
    "fallback_notes": fallback_notes,
    "verdict": _verdict,
    "tokens": _tokens,
}
