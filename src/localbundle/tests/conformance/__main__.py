"""`make conformance`: runs every rule and prints which of them localbundle follows."""

import sys
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.table import Table
from tests.conformance.bundles import read_bundles
from tests.conformance.cases import read_cases


class Outcomes:
    """A pytest plugin that records the outcome of each rule."""

    def __init__(self) -> None:
        self.passed: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "[" in report.nodeid and (report.when == "call" or report.failed):
            self.passed[report.nodeid.split("[", 1)[1].removesuffix("]")] = report.passed


def rows(passed: dict[str, bool]) -> Iterator[tuple[str, str, str]]:
    for case in (*read_bundles(), *read_cases()):
        mark = {True: "[green]✓", False: "[red]✗ broken", None: "[yellow]not run"}[passed.get(case.name)]
        yield from ((case.section, rule, mark) for rule in case.rules)


def main() -> int:
    outcomes = Outcomes()
    code = pytest.main(["tests/conformance", *sys.argv[1:]], plugins=[outcomes])
    table = Table("section", "rule", "", title="Rules of bundles and jobs", box=None, header_style="dim")
    found = list(rows(outcomes.passed))
    for row in found:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"{sum('✓' in mark for _, _, mark in found)} of {len(found)} rules followed")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
