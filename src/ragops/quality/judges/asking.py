"""One judgment: a call through the gateway, its reply read, its cost as the ledger has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ragops.answers.llms.errors import ContextOverflow, Declined, ModelFailure
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import Caller, CallRow
from ragops.answers.llms.ledger.sinks import Sink
from ragops.answers.llms.types import Request
from ragops.quality.judges.judge import Judge
from ragops.quality.judges.plan import Task
from ragops.quality.judges.replies import declines, read_verdicts
from ragops.quality.judges.rows import Judgment
from ragops.text import one_line

_REASON_CHARACTERS = 300
_TOKENS_PER_MESSAGE = 8  # added by a chat template


class ObservedSink:
    """Passes ledger rows on, and shows each thread the rows of its own calls."""

    def __init__(self, inner: Sink) -> None:
        self._inner, self._of_thread = inner, threading.local()

    def write(self, row: CallRow) -> None:
        """Takes a row; the gateway writes it in the thread that called."""
        self._inner.write(row)
        rows: list[CallRow] | None = getattr(self._of_thread, "rows", None)
        if rows is not None:
            rows.append(row)

    @contextmanager
    def observed(self) -> Iterator[list[CallRow]]:
        """The rows that this thread's calls write inside the block."""
        rows: list[CallRow] = []
        self._of_thread.rows = rows
        try:
            yield rows
        finally:
            self._of_thread.rows = None


@dataclass(frozen=True)
class Judges:
    """The judges of a use case, and what they ask.

    Attributes:
        judges: one for each dimension.
        gateway: to the judging model, without a fallback: another model would be another judge.
        sink: the gateway's own.
        key: of the prompts' delimiters.
        count_tokens: counts a text's tokens as well as it can be done here; forecasts learn how the model counts.
        who: for the ledger.
    """

    judges: tuple[Judge, ...]
    gateway: Gateway
    sink: ObservedSink
    key: bytes
    count_tokens: Callable[[str], int]
    who: str = "judges"

    def request(self, task: Task) -> Request:
        """What the model is asked."""
        return task.judge.request(task.item, self.key)

    def estimated_tokens(self, request: Request) -> int:
        """Tokens of a request by our own count."""
        return sum(self.count_tokens(message.content) + _TOKENS_PER_MESSAGE for message in request.messages)

    def ask(self, task: Task, run_id: str | None = None) -> Judgment:
        """Makes one judgment; a call that fails makes one, too.

        Raises:
            UserError: nothing can be judged at all: the policy forbids the model, or a template is wrong.
        """
        judge, request = task.judge, self.request(task)
        caller = Caller(self.who, "judge", judge.template.name, judge.version, task.item.trace_id)
        with self.sink.observed() as calls:
            try:
                reply = self.gateway.generate(request, caller)
            except Declined as error:
                said: dict[str, Any] = {"state": "refused", "reason": one_line(error, _REASON_CHARACTERS)}
            except (ModelFailure, ContextOverflow) as error:
                said = {"state": "error", "reason": one_line(error, _REASON_CHARACTERS)}
            else:
                said = _read(task, reply.text, reply.finish_reason)
        return _judgment(task, run_id, calls, self.estimated_tokens(request), said)


def copied(task: Task, original: Judgment, run_id: str | None) -> Judgment:
    """The judgment of other answers with the same inputs, which needs no call."""
    item = task.item
    update = {
        "judgment_id": task.judgment_id,
        "answer_id": item.answer_id,
        "question_id": item.question_id,
        "question": item.question,
        "cluster": item.cluster,
        "trace_id": item.trace_id,
        "traced_at": None,
        "run_id": run_id,
        "cached": True,
        "judged_at": datetime.now(UTC),
        "input_tokens": 0,
        "output_tokens": 0,
        "cost": 0.0,
        "seconds": 0.0,
    }
    return original.model_copy(update=update)


def _read(task: Task, text: str, finish_reason: str) -> dict[str, Any]:
    found = read_verdicts(text, task.judge.parts(task.item))
    if found is None:
        cut_off = f"cut off at max_tokens of model {task.judge.model.name}: " if finish_reason == "length" else ""
        shown = one_line(f"{cut_off}no verdict in: {text}", _REASON_CHARACTERS)
        return {"state": "refused" if declines(text) else "unparsed", "reason": shown}
    verdict, score = task.judge.score(found)
    details = json.dumps(found.verdicts) if task.judge.parts(task.item) is not None else None
    return {"state": "scored", "verdict": verdict, "score": score, "reason": found.reason, "details": details}


def _judgment(
    task: Task, run_id: str | None, calls: Sequence[CallRow], estimated: int, said: dict[str, Any]
) -> Judgment:
    item, judge = task.item, task.judge
    nothing = {"verdict": None, "score": None, "details": None}
    return Judgment(
        judgment_id=task.judgment_id,
        inputs=task.inputs,
        answer_id=item.answer_id,
        question_id=item.question_id,
        question=item.question,
        cluster=item.cluster,
        judge=judge.name,
        judge_version=judge.version,
        model=judge.model.name,
        input_tokens=sum(row.prompt_tokens for row in calls),
        output_tokens=sum(row.completion_tokens for row in calls),
        estimated_tokens=estimated,
        cost=sum(row.cost for row in calls),
        seconds=sum(row.seconds for row in calls),
        judged_at=datetime.now(UTC),
        run_id=run_id,
        trace_id=item.trace_id,
        **(nothing | said),
    )
