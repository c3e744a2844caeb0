"""Consoles: where commands print, and how tables look in the output of a notebook."""

from rich.console import Console

_NOTEBOOK_WIDTH = 110
"""Columns that a notebook's output and a run page show without wrapping."""


def terminal() -> Console:
    """Standard output of a command."""
    return Console()


def messages() -> Console:
    """Standard error of a command: progress and errors, so that standard output can be piped."""
    return Console(stderr=True)


def notebook() -> Console:
    """Plain text of a fixed width, for the output of a notebook's cell."""
    return Console(width=_NOTEBOOK_WIDTH, force_jupyter=False, color_system=None)
