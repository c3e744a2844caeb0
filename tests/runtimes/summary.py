"""The final table: one row per platform, within 80 columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass
class Row:
    """The results of one platform. Packages are counted over all its environments."""

    platform: str
    python: str = "-"
    spark: str = "-"
    shipped: int = 0
    added: int = 0
    replaced: int = 0
    tasks: str = "-"
    tests: str = "-"
    seconds: float = 0
    gigabytes: float = 0


def table(rows: Sequence[Row]) -> Table:
    """The rows as a table."""
    made = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    made.add_column("platform", no_wrap=True)
    for heading in ("Python", "Spark", "shipped", "added", "replaced", "tasks ok", "tests", "s", "GB"):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        counts = (str(number) for number in (row.shipped, row.added, row.replaced))
        made.add_row(
            row.platform,
            row.python,
            row.spark,
            *counts,
            row.tasks,
            row.tests,
            f"{row.seconds:.0f}",
            f"{row.gigabytes:.1f}",
        )
    return made
