"""What a person sees of an optimization."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ragops.quality.evaluation.reports.variants import show as show_variants
from ragops.quality.optimization.optimize import Optimized

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def show(console: Console, found: Optimized) -> None:
    """The changes to the instructions, the figures of both on the questions held back, and what became of it."""
    own, better = found.own, found.better
    if better is not None:
        console.print(_changes(own.template.system, found.template.system), soft_wrap=True)
        show_variants(console, [own, better], own.variant.prompt, "as it was")
    for line in (*_outcome(found), *_refused(found), _cost(found)):
        console.print(line, highlight=False, soft_wrap=True)


def _changes(before: str, after: str) -> Text:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[2:]
    return Text("\n").join([Text(line, _COLOURS.get(line[:1], "dim")) for line in lines])


def _outcome(found: Optimized) -> Iterator[str]:
    before, after = found.learnt
    gain = found.gain
    if gain is None:
        fix = "try a larger --budget, more --questions or another --reflection-model"
        yield f"[yellow]nothing better was found[/]: score {before:.2f} on the questions to learn from; {fix}"
        return
    result = f"score {gain.mean:+.2f} ({gain.low:+.2f} to {gain.high:+.2f}) on questions it never saw"
    yield f"learnt: score {before:.2f} -> {after:.2f} on the questions to learn from; {result}"
    if found.registered is None:
        yield "[yellow]not better where it counts[/]: nothing is registered"
    else:
        sure = "[green]better[/]" if found.is_sure else "[yellow]perhaps better, perhaps by chance[/]"
        aliases = f", alias {', '.join(found.registered.aliases)}" if found.registered.aliases else ""
        yield f"{sure}: registered as {escape(found.registered.uri)}{escape(aliases)}"


def _refused(found: Optimized) -> Iterator[str]:
    if found.refused:
        yield f"{len(found.refused)} proposals could not be tried; the last: {escape(found.refused[-1])}"


def _cost(found: Optimized) -> str:
    tokens = sum(call.prompt_tokens + call.completion_tokens for call in found.calls)
    proposals = sum(call.purpose == "improve" for call in found.calls)
    cost = sum(call.cost for call in found.calls)
    price = f", cost {cost:.4g}" if cost else ""
    return f"[dim]{len(found.calls) - proposals} answers, {proposals} proposals, {tokens:,} tokens{price}[/]"
