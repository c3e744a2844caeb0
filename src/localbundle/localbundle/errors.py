"""The one exception that localbundle shows to its user without a stack trace."""

import difflib
from collections.abc import Callable, Iterable


class BundleError(Exception):
    """One line that names the thing, the reason and the fix."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a stack trace."""
        return [f"error: {self}"]


Refuse = Callable[[BundleError], None]


def stop(error: BundleError) -> None:
    """Raises the error: what becomes of it unless somebody collects errors instead."""
    raise error


def closest(name: str, known: Iterable[str]) -> str:
    """The hint at the end of an error about an unknown name: its closest match, else everything that is known."""
    names = sorted(known)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if match:
        return f"did you mean {match[0]}?"
    return f"known: {', '.join(names)}" if names else "none is defined"
