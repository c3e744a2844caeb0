"""The page of a release: a chain against the champion, and why it was promoted or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragops.quality.evaluation.answers import DECISIVE
from ragops.quality.evaluation.evaluated import Compared, Evaluated
from ragops.quality.evaluation.gate import Condition, Decision, Outcome
from ragops.quality.evaluation.reports.page_content import Changed, Measured, Page, Required, State
from ragops.quality.evaluation.reports.pages import Trust, errors, judged, shown, spent, tiles
from ragops.quality.evaluation.reports.worst import worst_questions
from ragops.quality.questions import Question
from ragops.usecase import MEASURES, UseCase

PAGE = "release.html"
_VERDICTS: Mapping[Outcome, tuple[str, State]] = {
    "promoted": ("Promoted", "good"),
    "blocked": ("Blocked", "bad"),
    "undecided": ("Not promoted: not shown to be better", "open"),
}


@dataclass(frozen=True, slots=True)
class Released:
    """What a release found.

    Attributes:
        chain: names the chain, for the title.
        decision: the gate's.
        questions: what was asked.
        own: what was measured of the chain.
        champion: the same of the champion; None if there was none.
        changed: how the chain differs from the champion; None if there was none.
        costs: of the chain's answers, one for each.
        trusted: what people's labels say of judges, by name.
        without_judges: why no judge ran; "" if one did.
    """

    chain: str
    decision: Decision
    questions: Sequence[Question]
    own: Evaluated
    champion: Evaluated | None
    changed: tuple[Changed, ...] | None
    costs: Sequence[float]
    trusted: Mapping[str, Trust]
    without_judges: str


def release_page(use_case: UseCase, facts: Mapping[str, str], found: Released) -> Page:
    """The page; `facts` say where and when, by name."""
    decision, own, champion = found.decision, found.own, found.champion
    verdict, state = _VERDICTS[decision.outcome]
    theirs = (champion.rows, champion.judgments) if champion else ()
    worst, hidden = shown(worst_questions(found.questions, own.rows, own.judgments, *theirs), use_case)
    reasons = {one.measure: one.why for one in use_case.success}
    return Page(
        title=f"{use_case.name}: {found.chain}",
        verdict=verdict,
        state=state,
        sentence=decision.reason.removesuffix("".join(f"; {note}" for note in decision.notes)) + ".",
        facts=facts,
        tiles=tiles(own.rows, own.judgments, found.costs),
        changed=found.changed,
        measured=tuple(_compared(use_case, decision.comparisons) if champion else _alone(own)),
        required=tuple(_required(one, reasons.get(one.name, "")) for one in decision.conditions),
        judged=judged(own.judgments, found.trusted, use_case.evaluation),
        without_judges=f"No judge ran: {found.without_judges}." if found.without_judges else "",
        worst=worst,
        errors=errors(own.rows, own.judgments),
        spent=spent(own.rows, own.judgments, found.costs, use_case.evaluation),
        notes=(*decision.notes, *hidden),
    )


def _required(one: Condition, why: str) -> Required:
    state: State = "good" if one.verdict == "met" else "bad" if one.stops and one.conclusive else "open"
    outcome = one.verdict if one.decides else f"{one.verdict}, informs only"
    return Required(one.name, one.required, one.measured, outcome, state, why)


def _compared(use_case: UseCase, comparisons: Sequence[Compared]) -> Iterator[Measured]:
    for one in comparisons:
        yield Measured(
            one.name,
            MEASURES[one.name].meaning,
            one.own,
            one.paired.n,
            one.champion,
            one.paired,
            one.adjusted,
            one.verdict,
            use_case.release.margin if one.decides else None,
        )


def _alone(own: Evaluated) -> Iterator[Measured]:
    for name in (*DECISIVE, *own.judged):
        if values := own.values(name):
            yield Measured(name, MEASURES[name].meaning, own.interval(name), len(values))
