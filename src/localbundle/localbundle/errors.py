"""The one exception that localbundle shows to its user without a stack trace."""

import difflib
from collections.abc import Callable, Iterable


class BundleError(Exception):
    """One line: the thing, the reason, what to do about it.

    Attributes:
        message: the line, without its location.
        file: the bundle's file that is wrong, relative to the bundle's root; empty if no file is.
        line: the line in that file, from 1; 0 if unknown.
        job: the key of the job that cannot run because of it, if it concerns one.
        rule: the id under which `localbundle validate` lists it.
    """

    def __init__(
        self, message: str, file: str = "", line: int = 0, job: str = "", rule: str = "wrong-definition"
    ) -> None:
        super().__init__(message, file, line, job, rule)  # all of them, so that a pickled error keeps its fields
        self.message, self.file, self.line, self.job, self.rule = message, file, line, job, rule

    def __str__(self) -> str:
        number = f":{self.line}" if self.line else ""
        return f"{self.file}{number}: {self.message}" if self.file else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a stack trace."""
        return [f"error: {self}"]


Report = Callable[[BundleError], None]


def raise_error(error: BundleError) -> None:
    """The default `Report`: the first error ends the work. A collector, `errors.append`, lets it go on."""
    raise error


def closest(name: str, known: Iterable[str]) -> str:
    """The hint at the end of an error about an unknown name: its closest match, else all known names."""
    names = sorted(known)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if match:
        return f"did you mean {match[0]}?"
    return f"known: {', '.join(names)}" if names else "none is defined"
