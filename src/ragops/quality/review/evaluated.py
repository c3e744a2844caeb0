"""Answers to evaluation questions, kept like answers to people, so that reviewers can label them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ragops.answers.chain.console import as_outputs
from ragops.answers.chain.types import Answer
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.files import record_answer
from ragops.quality.feedback.rows import EVALUATION, Chain, answer_row


def record_evaluated(workspace: Workspace, answers: Iterable[tuple[str, str, Answer]], chain: Chain) -> int:
    """Saves answers as files on the ledger volume, which the job collect_calls moves to the table `answers`.

    Args:
        workspace: whose ledger volume is written.
        answers: of each its id, as in the table `judgments`, the question and the chain's answer.
        chain: name and version.

    Returns:
        Their number.

    Raises:
        VolumeError: they cannot be saved.
    """
    ledger, now, count = workspace.volume(LEDGER), datetime.now(UTC), 0
    files = volume_files(ledger)
    for answer_id, question, answer in answers:
        outputs = as_outputs(answer)
        row = answer_row(answer_id, question, answer.text, outputs, who=EVALUATION, asked_at=now, chain=chain)
        record_answer(ledger, row, files)
        count += 1
    return count
