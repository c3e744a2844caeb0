"""A run of judges: calls in parallel, equal inputs judged once; a budget, or a judge that never answers, stops it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ragops.quality.judges.answer import AnswerToJudge
from ragops.quality.judges.asking import Judges, copied
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.plan import Plan, Task, plan
from ragops.quality.judges.rows import Judgment
from ragops.usecase.evaluation import JudgeName

# With 30 % of calls failing at random, twenty failures in a row come once in 3e10 calls.
_MOST_ERRORS = 20

OnJudgment = Callable[[Judgment], object]


def judge_all(
    items: Sequence[AnswerToJudge],
    judges: Judges,
    *,
    known: Mapping[str, Judgment] | None = None,
    budget: float | None = None,
    workers: int = 4,
    run_id: str | None = None,
    on_judgment: OnJudgment = lambda judgment: None,
) -> Bill:
    """Judges answers.

    Args:
        items: the answers.
        judges: who judges them.
        known: earlier judgments by their `inputs`, and those that have a row by their ids; errors are made again.
        budget: stops the run once it has cost this much: at most one call for each worker more.
        workers: calls at the same time; never more than the model's concurrency.
        run_id: MLflow's run.
        on_judgment: gets each new judgment at once, one at a time, to save it before more is spent.

    Raises:
        UserError: nothing can be judged at all; what was judged before has been passed to `on_judgment`.
    """
    planned = plan(items, judges.judges)
    run = _Run(judges, planned, known or {}, budget, run_id, on_judgment)
    count = max(1, min(workers, judges.gateway.concurrency))
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(run.work) for _ in range(count)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            run.stop("interrupted")
            raise
    return run.bill()


class _Run:
    """The state that the workers share."""

    def __init__(
        self,
        judges: Judges,
        planned: Plan,
        known: Mapping[str, Judgment],
        budget: float | None,
        run_id: str | None,
        on_judgment: OnJudgment,
    ) -> None:
        self._judges, self._plan, self._budget, self._run_id = judges, planned, budget, run_id
        self._on_judgment = on_judgment
        self._known = {key: one for key, one in known.items() if one.state != "error"}
        self._lock = threading.Lock()
        self._stopped, self._spent, self._errors = "", 0.0, 0
        self._reused: dict[JudgeName, float] = {}
        self._done: dict[str, Judgment] = {}
        self._left = self._groups()

    def work(self) -> None:
        """Judges groups of equal tasks until none is left, or the run is stopped."""
        while (group := self._next()) is not None:
            first, *others = group
            judgment = self._judges.ask(first, self._run_id)
            with self._lock:
                self._add(judgment, is_new=True)
                for task in others:
                    self._add(copied(task, judgment, self._run_id), is_new=True)
                self._spent += judgment.cost
                self._errors = self._errors + 1 if judgment.state == "error" else 0
                self._check(judgment)

    def stop(self, reason: str) -> None:
        """Lets the workers end after their present call."""
        self._stopped = self._stopped or reason

    def bill(self) -> Bill:
        """The judgments in the order of the plan."""
        found = [self._done[task.judgment_id] for task in self._plan.tasks if task.judgment_id in self._done]
        stopped = self._stopped if len(found) < len(self._plan.tasks) else ""
        planned = Counter(task.judge.name for task in self._plan.tasks)
        return Bill(tuple(found), planned, self._plan.not_applicable, stopped, self._reused)

    def _groups(self) -> Iterator[list[Task]]:
        """Takes the known judgments, and yields what is left to ask."""
        unknown = []
        for group in self._plan.groups:
            original = self._known.get(group[0].inputs)
            if original is None:
                unknown.append(group)
            else:
                self._reuse(group, original)
        return iter(unknown)

    def _reuse(self, group: Sequence[Task], original: Judgment) -> None:
        self._reused[original.judge] = self._reused.get(original.judge, 0.0) + original.cost
        for task in group:
            # A row of this very answer stays as it is: with what it cost.
            is_new = task.judgment_id not in self._known and task.judgment_id != original.judgment_id
            self._add(copied(task, original, self._run_id), is_new)

    def _next(self) -> list[Task] | None:
        with self._lock:
            return None if self._stopped else next(self._left, None)

    def _add(self, judgment: Judgment, is_new: bool) -> None:
        self._done[judgment.judgment_id] = judgment
        if is_new:
            self._on_judgment(judgment)

    def _check(self, judgment: Judgment) -> None:
        if self._budget is not None and self._spent >= self._budget:
            self.stop(f"the budget of {self._budget:g} is used up")
        elif self._errors >= _MOST_ERRORS:
            self.stop(f"the judge gave no reply {self._errors} times in a row: {judgment.reason}")
