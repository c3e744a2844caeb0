"""Answers as HTML for a notebook's output: what was said, on what evidence, how it was asked for, and what it cost.

Answers, passages and prompts are text of others: all of it is escaped, nothing is fetched and no script runs. Colours
are the page's own, so that light and dark pages both can be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ragops.answers.chain.citations import parts
from ragops.answers.chain.console import stand_ins
from ragops.answers.chain.types import Answer
from ragops.answers.llms.ledger.ledger import CallRow
from ragops.answers.prompts.messages import Message
from ragops.answers.retrieval.context import Packed

_TEMPLATES = Environment(
    loader=PackageLoader("ragops.answers.chain", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_BEGINNING = 150  # characters of a passage that stand before it is unfolded


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it.

    Attributes:
        question: as it was put.
        answer: None where there was an error.
        messages: what the model was sent; empty where none was asked.
        calls: the ledger's rows.
        error: why there is no answer.
    """

    question: str
    answer: Answer | None = None
    messages: Sequence[Message] = ()
    calls: Sequence[CallRow] = ()
    error: str = ""


def answers_html(exchanges: Sequence[Exchange]) -> str:
    """Each answer with its citations, its passages and their scores, the prompt that was sent, and the calls."""
    return _TEMPLATES.get_template("answers.html.j2").render(exchanges=exchanges)


def side_by_side_html(columns: Mapping[str, Sequence[Exchange]]) -> str:
    """A table with a row for each question and a column for each variant, whose exchanges are in the same order."""
    rows = list(zip(*columns.values(), strict=True))
    return _TEMPLATES.get_template("side_by_side.html.j2").render(names=list(columns), rows=rows)


def show_html(html: str) -> None:
    """Shows HTML below a notebook's cell."""
    from IPython.display import HTML, display

    display(HTML(html))


def _anchor(exchange: Exchange, number: int | str) -> str:
    """The id of a passage on a page that may show many answers."""
    result = repr((exchange.question, exchange.answer))
    return f"ragops-{hashlib.sha256(result.encode()).hexdigest()[:10]}-{number}"


def _source(answer: Answer, number: str) -> Packed:
    return answer.sources[int(number) - 1]


def _place(source: Packed) -> str:
    """Title and headings of a passage, each once."""
    passage = source.passage
    names = (name.replace("`", "") for name in (passage.title, *passage.heading_path))
    return " › ".join(dict.fromkeys(names))


def _file(source: Packed) -> str:
    passage = source.passage
    return f"{passage.path}, page {passage.page}" if passage.page else passage.path


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BEGINNING else line[:_BEGINNING].rsplit(" ", 1)[0] + " …"


def _share(score: float, answer: Answer) -> float:
    """The score against the best passage's, 0 to 1: scores of one question can be compared with each other only."""
    best = max(one.found.score for one in answer.sources)
    return max(0.0, score / best) if best > 0 else 0.0


def _verdict(answer: Answer) -> str:
    if answer.abstained:
        return "no answer: " + {"no evidence": "too little evidence", "the model": "says the model"}[answer.abstained]
    if answer.quoted:
        return "quotes the passages: the model cited nothing"
    return f"cites {len(answer.cited)} of {len(answer.sources)} passages" if answer.cited else "cites nothing"


def _tokens(calls: Sequence[CallRow]) -> int:
    return sum(call.prompt_tokens + call.completion_tokens for call in calls)


_TEMPLATES.globals |= {
    "anchor": _anchor,
    "source_of": _source,
    "place_of": _place,
    "file_of": _file,
    "beginning": _beginning,
    "parts": parts,
    "share": _share,
    "stand_ins": stand_ins,
    "verdict": _verdict,
    "tokens": _tokens,
}
