"""Whether a task runs: run_if over its dependencies, and condition tasks. Spec: Databricks, Run tasks conditionally."""

import operator
from collections.abc import Callable, Sequence
from typing import Literal

from localbundle.definitions.tasks import Operator, RunIf
from localbundle.errors import BundleError

State = Literal[
    "BLOCKED",
    "PENDING",
    "RUNNING",
    "SUCCESS",
    "FAILED",
    "TIMEDOUT",
    "CANCELED",
    "EXCLUDED",
    "UPSTREAM_FAILED",
    "DISABLED",
]
Verdict = Literal["RUN", "EXCLUDED", "UPSTREAM_FAILED"]

FAILURES: frozenset[State] = frozenset({"FAILED", "TIMEDOUT", "CANCELED", "UPSTREAM_FAILED"})
DONE: frozenset[State] = FAILURES | {"SUCCESS", "EXCLUDED", "DISABLED"}
_FAILURE_TYPES: frozenset[RunIf] = frozenset({"AT_LEAST_ONE_FAILED", "ALL_FAILED"})
_ORDER: dict[Operator, Callable[[float, float], bool]] = {
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


def verdict(run_if: RunIf, dependencies: Sequence[State]) -> Verdict:
    """Whether a task runs, given the states in which its direct dependencies have ended.

    An excluded dependency counts as a success; if all are excluded, so is the task. A disabled one also counts as a
    success. An unmet condition on success gives UPSTREAM_FAILED, an unmet condition on failure EXCLUDED.
    """
    if not dependencies:
        return "RUN"
    if all(state == "EXCLUDED" for state in dependencies):
        return "EXCLUDED"
    if _met(run_if, dependencies):
        return "RUN"
    return "EXCLUDED" if run_if in _FAILURE_TYPES else "UPSTREAM_FAILED"


def _met(run_if: RunIf, states: Sequence[State]) -> bool:
    failed = sum(state in FAILURES for state in states)
    rules: dict[RunIf, bool] = {
        "ALL_SUCCESS": failed == 0,
        "AT_LEAST_ONE_SUCCESS": failed < len(states),
        "NONE_FAILED": failed == 0,
        "ALL_DONE": True,
        "AT_LEAST_ONE_FAILED": failed > 0,
        "ALL_FAILED": failed == len(states),
    }
    return rules[run_if]


def outcome(op: Operator, left: str, right: str) -> bool:
    """The result of a condition task: (in)equality compares text, the order operators compare numbers.

    Raises:
        BundleError: an order operator has text that is not a number.
    """
    if op in ("EQUAL_TO", "NOT_EQUAL"):
        return (left == right) == (op == "EQUAL_TO")
    try:
        return _ORDER[op](float(left), float(right))
    except ValueError as error:
        raise BundleError(f"condition {left!r} {op} {right!r}: both sides must be numbers; correct them") from error
