"""Numbers and lists as they are written in sentences."""


def share(value: float) -> str:
    """A share as a whole percentage; only 0 is written as 0 %, and only 1 as 100 %."""
    if 0 < value < 0.005:
        return "under 1 %"
    if 0.995 < value < 1:
        return "over 99 %"
    return f"{100 * value:.0f} %"


def number(value: float) -> str:
    """A whole number with thousands separators; from a million on, in millions."""
    return f"{value / 1e6:,.1f} million" if value >= 1e6 else f"{value:,.0f}"


def plural(count: float, noun: str) -> str:
    """A count with its noun."""
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def listed(names: list[str]) -> str:
    """Names with commas and a last "and"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
