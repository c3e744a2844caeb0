"""A few of the faults; `python -m tests.bench.sabotage` breaks all that there are, and looks at 200 healthy systems."""

from pathlib import Path

import pytest

from tests.sabotage.faults import FAULTS
from tests.sabotage.runner import SMALL, Healthy, broken, found_in, named_cause


def test_a_healthy_system_has_no_findings(healthy: Healthy) -> None:
    assert list(healthy.seen.system.problems()) == []
    assert [(one.check, one.title) for one in found_in(healthy.seen.system)] == []


@pytest.mark.parametrize("name", SMALL)
def test_a_fault_is_found_with_its_cause(healthy: Healthy, name: str, tmp_path: Path) -> None:
    result = broken(healthy, FAULTS[name], tmp_path)
    assert not result.error, result.error
    assert result.expected, [(one.check, one.title) for one in result.findings]
    assert result.explained, [(one.check, named_cause(one)) for one in result.expected]


def test_there_are_at_least_25_faults() -> None:
    assert len(FAULTS) >= 25
