"""The catalogue of measures, from which a criterion of usecase.yml chooses."""

from collections.abc import Iterator

from ragops.usecase.measures import MEASURES, described
from tests.docs.markdown import code, table

_UNITS = {
    "share": "share, 0 to 1",
    "ms": "milliseconds",
    "s": "seconds",
    "min": "minutes",
    "h": "hours",
    "per hour": "per hour",
    "per min": "per minute",
    "money": "the prices' currency",
    "number": "number",
}


def lines() -> Iterator[str]:
    """One table; a measure that a release takes is a condition of its gate."""
    yield "A [criterion](usecase.md#criterion) names one of these; `ragops usecase` shows the latest value of each."
    yield ""
    rows = [
        (
            code(one.name),
            one.meaning,
            _UNITS[one.unit],
            code(one.better),
            described(one.sources),
            "yes" if one.gates else "",
        )
        for one in MEASURES.values()
    ]
    yield from table(("measure", "meaning", "unit", "limit", "measured by", "gate"), rows)
