import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.tasks import RunIf
from localbundle.errors import BundleError
from localbundle.runs.conditions import DONE, FAILURES, State, outcome, verdict

RULES: list[RunIf] = [
    "ALL_SUCCESS",
    "AT_LEAST_ONE_SUCCESS",
    "NONE_FAILED",
    "ALL_DONE",
    "AT_LEAST_ONE_FAILED",
    "ALL_FAILED",
]
states = st.lists(st.sampled_from(sorted(DONE)), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("run_if", "dependencies", "expected"),
    [
        ("ALL_SUCCESS", ["SUCCESS", "SUCCESS"], "RUN"),
        ("ALL_SUCCESS", ["SUCCESS", "FAILED"], "UPSTREAM_FAILED"),
        ("ALL_SUCCESS", ["SUCCESS", "EXCLUDED"], "RUN"),
        ("ALL_SUCCESS", ["UPSTREAM_FAILED"], "UPSTREAM_FAILED"),
        ("AT_LEAST_ONE_SUCCESS", ["FAILED", "SUCCESS"], "RUN"),
        ("AT_LEAST_ONE_SUCCESS", ["FAILED", "TIMEDOUT"], "UPSTREAM_FAILED"),
        ("NONE_FAILED", ["SUCCESS", "EXCLUDED"], "RUN"),
        ("NONE_FAILED", ["SUCCESS", "CANCELED"], "UPSTREAM_FAILED"),
        ("ALL_DONE", ["FAILED"], "RUN"),
        ("AT_LEAST_ONE_FAILED", ["SUCCESS", "FAILED"], "RUN"),
        ("AT_LEAST_ONE_FAILED", ["SUCCESS"], "EXCLUDED"),
        ("ALL_FAILED", ["FAILED", "UPSTREAM_FAILED"], "RUN"),
        ("ALL_FAILED", ["FAILED", "SUCCESS"], "EXCLUDED"),
        ("ALL_DONE", ["EXCLUDED", "EXCLUDED"], "EXCLUDED"),
    ],
)
def test_run_if(run_if: RunIf, dependencies: list[State], expected: str) -> None:
    assert verdict(run_if, dependencies) == expected


@pytest.mark.parametrize("run_if", RULES)
def test_a_task_without_dependencies_runs(run_if: RunIf) -> None:
    assert verdict(run_if, []) == "RUN"


@given(st.sampled_from(RULES), states)
def test_the_order_of_dependencies_does_not_matter(run_if: RunIf, dependencies: list[State]) -> None:
    assert verdict(run_if, dependencies) == verdict(run_if, dependencies[::-1])


@given(st.sampled_from(RULES), states)
def test_an_excluded_dependency_with_success_others_counts_as_a_success(
    run_if: RunIf, dependencies: list[State]
) -> None:
    with_success = [*dependencies, "SUCCESS"]
    assert verdict(run_if, [*with_success, "EXCLUDED"]) == verdict(run_if, [*with_success, "SUCCESS"])


@given(states)
def test_rules_on_success_and_on_failure_are_opposites(dependencies: list[State]) -> None:
    if any(state != "EXCLUDED" for state in dependencies):
        runs = {rule: verdict(rule, dependencies) == "RUN" for rule in RULES}
        assert runs["ALL_SUCCESS"] != runs["AT_LEAST_ONE_FAILED"]
        assert runs["AT_LEAST_ONE_SUCCESS"] != runs["ALL_FAILED"]
        assert runs["AT_LEAST_ONE_FAILED"] == any(state in FAILURES for state in dependencies)
        assert runs["ALL_DONE"]


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("EQUAL_TO", "12.0", "12", False),
        ("NOT_EQUAL", "12.0", "12", True),
        ("EQUAL_TO", "true", "true", True),
        ("GREATER_THAN", "10", "9", True),
        ("GREATER_THAN", "9", "9.0", False),
        ("GREATER_THAN_OR_EQUAL", "9", "9.0", True),
        ("LESS_THAN", "-1", "0", True),
        ("LESS_THAN_OR_EQUAL", "1e3", "999", False),
    ],
)
def test_outcome(op, left, right, expected) -> None:
    assert outcome(op, left, right) is expected


def test_an_order_of_text_is_refused() -> None:
    with pytest.raises(BundleError, match="'many' GREATER_THAN '0': both sides must be numbers"):
        outcome("GREATER_THAN", "many", "0")
