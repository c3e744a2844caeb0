"""Terminal output of `ragops feedback list`. What people wrote is shown as text, whatever it contains."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ragops.platform.console import plain_text
from ragops.quality.feedback.review import Reviewed
from ragops.quality.feedback.rows import REASONS

SHOWN = 50


def show_verdicts(console: Console, found: Sequence[Reviewed]) -> None:
    """Prints the newest verdicts: when, what and who in a line, below it question and comment."""
    if not found:
        console.print("no verdicts")
    for one in found[:SHOWN]:
        console.print(_heading(one))
        console.print(Padding(Text(plain_text(one.question or f"unknown answer {one.answer_id}")), (0, 0, 0, 2)))
        if one.comment:
            console.print(Padding(Text(f'"{plain_text(one.comment)}"', style="italic"), (0, 0, 0, 2)))
    if len(found) > SHOWN:
        console.print(f"... and {len(found) - SHOWN:,} more: ragops feedback export FILE.csv", highlight=False)


def _heading(one: Reviewed) -> Text:
    reason = f": {REASONS.get(one.reason, one.reason)}" if one.reason else ""
    parts = (
        (f"{one.given_at:%Y-%m-%d %H:%M}  ", "dim"),
        (f"{one.verdict}{plain_text(reason)}", "green" if one.verdict == "up" else "red"),
        (f"  {plain_text(one.who)}", "dim"),
    )
    return Text.assemble(*parts)
