"""Numbers as sentences say them."""

from collections.abc import Mapping


def share(value: float) -> str:
    """A share as a whole percentage; what is neither none nor all is never said to be."""
    if 0 < value < 0.005:
        return "under 1 %"
    if 0.995 < value < 1:
        return "over 99 %"
    return f"{100 * value:.0f} %"


def number(value: float) -> str:
    """A whole number with separators; from a million on, in millions."""
    return f"{value / 1e6:,.1f} million" if value >= 1e6 else f"{value:,.0f}"


def plural(count: float, noun: str) -> str:
    """A count with its noun."""
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def listed(names: list[str]) -> str:
    """Names with commas and a last "and"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def split_of(values: Mapping[str, float], split: str) -> dict[str, float]:
    """The groups `split=NAME` of a measure, by NAME."""
    return {name.removeprefix(f"{split}="): value for name, value in values.items() if name.startswith(f"{split}=")}
