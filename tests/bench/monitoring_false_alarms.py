"""False findings of monitoring on simulated clean systems: `python -m tests.bench.monitoring_false_alarms`.

Each run is of a system on which nothing changes in two weeks and a day; people differ in activity, interests and
judgment, and days in volume. Goal: at most 1 false finding in 200 runs. A second of CPU time for each run.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from ragops.monitoring.checks.all import TOPICS
from ragops.monitoring.checks.decide import decide
from ragops.monitoring.finding import Found
from tests.support.monitored import Use, a_clean_system

USES = (Use(), Use(people=12, a_day=3), Use(people=120, a_day=1), Use(people=25, a_day=12))
"""A team, a few people, many who ask rarely, and some who ask much; in turn."""
SIMULATED = tuple(
    one for one in TOPICS if one.sources and not {"documents", "history", "index", "runs", "coverage"} & {*one.sources}
)
"""The topics of questions, answers, judges, cost and speed."""
LEVELS = (0.1, 0.01)
console = Console()


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    runs: Annotated[int, typer.Option(help="Simulated clean systems.")] = 1000,
    first: Annotated[int, typer.Option(help="Seed of the first one.")] = 0,
) -> None:
    """Prints the false findings, and by check how often its p-value was small."""
    with threadpool_limits(1):
        figures = simulate(range(first, first + runs))
    show(figures)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))


def simulate(seeds: range) -> dict[str, Any]:
    """False findings by check, runs with any, and of each check how often it compared and how often p was small."""
    false, with_any = Counter[str](), 0
    compared: dict[str, Counter[str]] = {}
    for seed in seeds:
        reported = reports(seed)
        wrong = decide(reported)
        false.update(one.check for one in wrong)
        with_any += bool(wrong)
        for one in reported:
            if one.p_value is not None:
                counts = compared.setdefault(one.check, Counter())
                counts["comparisons"] += 1
                counts.update(f"{level:g}" for level in LEVELS if one.p_value <= level)
    return {"runs": len(seeds), "runs_with_false_findings": with_any, "false": dict(false),
            "checks": {name: dict(counts) for name, counts in sorted(compared.items())}}  # fmt: skip


def reports(seed: int) -> list[Found]:
    """What the checks report of a clean system."""
    system = a_clean_system(seed, USES[seed % len(USES)])
    return [one for topic in SIMULATED for one in topic.check(system)]


def show(figures: dict[str, Any]) -> None:
    """The figures as text."""
    for name, counts in figures["checks"].items():
        shares = (f"p <= {level:g}: {counts.get(f'{level:g}', 0) / counts['comparisons']:.2%}" for level in LEVELS)
        console.print(f"{name}: {counts['comparisons']:,} comparisons, {', '.join(shares)}", highlight=False)
    count, runs = figures["runs_with_false_findings"], figures["runs"]
    console.print(f"false findings in {count:,} of {runs:,} clean runs {figures['false'] or ''}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
