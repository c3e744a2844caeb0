"""Answers that judges judge a second time, to see whether they still rate as they did.

A served model may be replaced behind its name, and a judge's version, which is made of its settings, stays the same.
The second judgments are not kept: the first ones stay what answers are rated by.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ragops.answers.llms.ledger.sinks import Sink
from ragops.platform.merge import ids_frame
from ragops.platform.workspace import Workspace
from ragops.quality.feedback.rows import ANSWERS
from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.asking import Judges
from ragops.quality.judges.live import answers_to_judge
from ragops.quality.judges.open import open_judges
from ragops.quality.judges.run import judge_all
from ragops.usecase import UseCase

REJUDGED_COLUMNS = ("judge", "judge_version", "model", "cluster", "before", "after", "judged_at")
"""Per answer: score of the first judgment, and of the second one, which was made at `judged_at`."""


def read_rejudged(
    workspace: Workspace, use_case: UseCase, judgments: pd.DataFrame, sink: Sink | None = None
) -> pd.DataFrame:
    """Judges `monitoring.judged_again` answers to people a second time, within `evaluation.budget`.

    Args:
        workspace: with the tables and the ledger.
        use_case: names judges and model; without a judging model nothing is judged.
        judgments: of both windows.
        sink: where ledger rows go, instead of the schema's volume.

    Raises:
        UserError: the judges cannot be opened, or the tables cannot be read.
    """
    most = use_case.monitoring.judged_again
    if not most or use_case.evaluation.judge is None or judgments.empty:
        return no_rejudged()
    judges = open_judges(use_case, workspace, sink=sink)
    frozen = chosen(judgments, [judge.version for judge in judges.judges], most)
    if frozen.empty:
        return no_rejudged()
    wanted = ids_frame(workspace, "answer_id", sorted(set(frozen["answer_id"])))
    rows = ANSWERS.read(workspace).join(wanted, "answer_id", "left_semi").collect()
    items = answers_to_judge(workspace, [row.asDict() for row in rows])
    return judged_again(frozen, items, judges, use_case.evaluation.budget, use_case.evaluation.workers)


def chosen(judgments: pd.DataFrame, versions: Sequence[str], most: int) -> pd.DataFrame:
    """The oldest judgments of answers to people by these versions of judges, at most this many of each."""
    known = judgments[
        judgments["judge_version"].isin(versions)
        & (judgments["state"] == "scored")
        & judgments["question_id"].isna()
        & ~judgments["cached"].astype(bool)
    ]
    return known.sort_values(["judged_at", "judgment_id"]).groupby("judge").head(most)


def judged_again(
    frozen: pd.DataFrame, items: Sequence[AnswerToJudge], judges: Judges, budget: float | None, workers: int
) -> pd.DataFrame:
    """Both scores of each answer whose inputs are still the same, with `REJUDGED_COLUMNS`.

    Args:
        frozen: the first judgments.
        items: the answers as judges see them; an answer whose passages changed since has other inputs.
        judges: who judges them.
        budget: no further call is made once it is used up; None for no limit.
        workers: calls at the same time.

    Raises:
        UserError: nothing can be judged at all.
    """
    bill = judge_all(items, judges, budget=budget, workers=workers)
    first = frozen.set_index("judgment_id")
    rows = [
        (
            one.judge,
            one.judge_version,
            one.model,
            one.cluster,
            first.at[one.judgment_id, "score"],
            one.score,
            one.judged_at,
        )
        for one in bill.judgments
        if one.state == "scored" and one.judgment_id in first.index
    ]
    return pd.DataFrame(rows, columns=REJUDGED_COLUMNS) if rows else no_rejudged()


def no_rejudged() -> pd.DataFrame:
    """No rows, with all columns."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in REJUDGED_COLUMNS})
