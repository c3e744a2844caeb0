"""The page of an evaluation or a release: one self-contained HTML file, which fetches nothing and runs no script."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ragops.corpus.documents.normalize import normalize
from ragops.quality.evaluation.reports.page_content import Measured, Page
from ragops.quality.statistics.intervals import Interval

_LONGEST_PASSAGE = 420
"""Characters of a passage on the page: enough to see what it is about, and ten questions print on a few sheets."""
_UNKNOWN = "–"


def render(page: Page) -> str:
    """The page as HTML."""
    return _TEMPLATES.get_template("page.html.j2").render(page=page, plots=plots(page))


@dataclass(frozen=True, slots=True)
class Plot:
    """Where an interval is drawn: its ends, its mean, and the lines at zero and at the margin, each from 0 to 100.

    `margin` is None where there is none, or where it lies outside.
    """

    low: float
    mean: float
    high: float
    zero: float
    margin: float | None


def plots(page: Page) -> dict[str, Plot]:
    """Each measure's difference from the champion, by name, all on one scale that is symmetric around zero."""
    shown = {one.name: one for one in page.measured if one.paired and not math.isnan(one.paired.difference.low)}
    ends = [abs(end) for one in shown.values() for end in _ends(one)]
    reach = 1.08 * max([*ends, *(one.margin or 0 for one in shown.values())], default=0) or 1.0
    return {name: _plot(one, reach) for name, one in shown.items()}


def _ends(one: Measured) -> tuple[float, float]:
    assert one.paired is not None
    return one.paired.difference.low, one.paired.difference.high


def _plot(one: Measured, reach: float) -> Plot:
    def at(value: float) -> float:
        return round(50 + 50 * value / reach, 2)

    low, high = _ends(one)
    assert one.paired is not None
    return Plot(at(low), at(one.paired.difference.mean), at(high), 50, None if one.margin is None else at(-one.margin))


def _number(value: float, digits: int = 3, sign: str = "") -> str:
    return f"{value:{sign}.{digits}f}" if math.isfinite(value) else _UNKNOWN


def _interval(found: Interval | None, sign: str = "") -> str:
    """The ends of an interval, with a sign for differences."""
    if found is None or math.isnan(found.low):
        return ""
    return f"{found.low:{sign}.2f} to {found.high:{sign}.2f}"


def _p_value(value: float) -> str:
    if math.isnan(value):
        return _UNKNOWN
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _money(value: float) -> str:
    return _UNKNOWN if math.isnan(value) else f"{value:,.4f}" if 0 < value < 1 else f"{value:,.2f}"


def _count(value: int | None) -> str:
    return _UNKNOWN if value is None else f"{value:,}"


def _clean(text: str) -> str:
    """Without control characters and lone surrogates, which no file in UTF-8 can hold."""
    return normalize(text)


def _shortened(text: str) -> str:
    plain = normalize(text)
    return plain if len(plain) <= _LONGEST_PASSAGE else plain[:_LONGEST_PASSAGE].rsplit(maxsplit=1)[0] + " …"


_TEMPLATES = Environment(
    loader=PackageLoader("ragops.quality.evaluation.reports", "."),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "number": _number,
    "interval": _interval,
    "p_value": _p_value,
    "money": _money,
    "count_of": _count,
    "clean": _clean,
    "shortened": _shortened,
    "words": lambda name: name.replace("_", " "),
}
