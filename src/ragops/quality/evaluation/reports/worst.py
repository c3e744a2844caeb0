"""The questions on which a chain did worst, beside what the champion answered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ragops.quality.evaluation.answers import DECISIVE, Row
from ragops.quality.evaluation.reports.page_content import Side, Worst
from ragops.quality.judges.rows import Judgment
from ragops.quality.questions import Question

SHOWN = 10


def worst_questions(
    questions: Sequence[Question],
    rows: Sequence[Row],
    judgments: Sequence[Judgment],
    champion: Sequence[Row] | None = None,
    champions_judgments: Sequence[Judgment] = (),
    most: int = SHOWN,
) -> tuple[Worst, ...]:
    """The worst first: by how much worse the chain is than the champion, then by its own values.

    A question without an answer is worse than any other. A question that leaves nothing to improve is not shown.

    Args:
        questions: what was asked.
        rows: the chain's answers.
        judgments: of these.
        champion: the champion's answers; None without a champion.
        champions_judgments: of these.
        most: how many are shown.
    """
    own, others = _sides(rows, judgments), _sides(champion or (), champions_judgments)
    asked = {one.question_id: one for one in questions}
    known = [name for name in own if name in asked and not _is_perfect(own[name])]
    known.sort(key=lambda name: (_loss(own[name], others.get(name)), _mean(own[name])))
    return tuple(
        Worst(name, asked[name].question, asked[name].reference or "", own[name], others.get(name))
        for name in known[:most]
    )


def _sides(rows: Sequence[Row], judgments: Sequence[Judgment]) -> dict[str, Side]:
    said: dict[str, dict[str, Judgment]] = {}
    for one in judgments:
        said.setdefault(one.answer_id, {})[one.judge] = one
    return {row.question_id: _side(row, said.get(row.answer_id, {})) for row in rows}


def _side(row: Row, said: Mapping[str, Judgment]) -> Side:
    scores = {name: one.score for name, one in said.items() if one.score is not None}
    reasons = {name: one.reason for name, one in said.items() if one.reason and not one.good}
    values = {name: row.values[name] for name in DECISIVE} | scores
    return Side(row.answer, row.passages, row.error, values, reasons)


def _known(side: Side) -> Iterator[float]:
    return (value for value in side.values.values() if not math.isnan(value))


def _mean(side: Side) -> float:
    values = [] if side.error else list(_known(side))
    return sum(values) / len(values) if values else -1.0


def _is_perfect(side: Side) -> bool:
    return side.error is None and all(value == 1 for value in _known(side))


def _loss(own: Side, other: Side | None) -> float:
    """The chain's values minus the champion's, on average over the measures that both have; 0 without any."""
    if other is None or other.error:
        return 0.0
    if own.error:
        return -math.inf
    shared = [(own.values[name], other.values[name]) for name in own.values.keys() & other.values.keys()]
    differences = [mine - theirs for mine, theirs in shared if not math.isnan(mine - theirs)]
    return sum(differences) / len(differences) if differences else 0.0
