"""The project's tests, by `make test`: add your own next to it. Those of the library are in its repository."""

import subprocess
import sys
from pathlib import Path

import pytest

from ragops import load_usecase

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
def test_the_definitions_of_a_target_have_no_findings(target: str) -> None:
    """Notes are no findings: `localbundle validate -t TARGET` prints all of them."""
    localbundle = str(Path(sys.executable).with_name("localbundle"))
    command = [localbundle, "validate", "--strict", "-t", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_use_case_can_be_read() -> None:
    """And says when the system is good enough."""
    assert load_usecase(ROOT / "usecase.yml").success
