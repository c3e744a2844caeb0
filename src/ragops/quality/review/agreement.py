"""Judges against people: how far each judge agrees with reviewers, and what its rate becomes with their labels.

Only answers that were drawn at random count: the others were drawn because something had gone wrong with them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragops.platform.workspace import Workspace
from ragops.quality.judges.align import Alignment
from ragops.quality.judges.rows import Judgment
from ragops.quality.review.items import counted, judged_by_version
from ragops.quality.review.rows import REVIEW_QUEUE, LabelRow, Stratum
from ragops.quality.review.stage import read_labels
from ragops.quality.statistics.agreement import Agreement, agreement
from ragops.quality.statistics.correction import Labelled, prediction_powered, rogan_gladen
from ragops.quality.statistics.intervals import Interval, share_interval
from ragops.usecase import UseCase
from ragops.usecase.evaluation import JudgeName


@dataclass(frozen=True, slots=True)
class Person:
    """What people say of an answer in one dimension.

    Attributes:
        good: what most of them say; None if as many say the opposite.
        opinions: each reviewer's, in the order of their names.
    """

    good: bool | None
    opinions: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """A judge against people.

    Attributes:
        judge: the dimension.
        version: the judge's; judgments of others do not count.
        model: the judging model.
        with_people: kappa, sensitivity, specificity on answers drawn at random.
        between_people: the same of a second reviewer with the first, on answers that two of them labelled.
        raw: the share of answers that the judge calls good.
        corrected: that share by Rogan and Gladen, from sensitivity and specificity.
        prediction_powered: that share by prediction-powered inference.
        judged: answers that this version has scored.
        disputed: labelled answers on which as many reviewers say good as bad; they do not count.
        not_random: labelled answers that were drawn after disagreement or thumbs down; they do not count.
        not_judged: labelled answers that this version has not scored; they do not count.
        decides: whether the judge may decide in the gate.
    """

    judge: JudgeName
    version: str
    model: str
    with_people: Agreement
    between_people: Agreement
    raw: Interval
    corrected: Interval
    prediction_powered: Interval
    judged: int
    disputed: int
    not_random: int
    not_judged: int
    decides: bool

    def as_json(self) -> dict[str, Any]:
        """As JSON values; what cannot be computed is null."""
        return {
            "judge": self.judge,
            "version": self.version,
            "model": self.model,
            "with_people": agreement_json(self.with_people),
            "between_people": agreement_json(self.between_people),
            "raw": interval_json(self.raw),
            "corrected": interval_json(self.corrected),
            "prediction_powered": interval_json(self.prediction_powered),
            "judged": self.judged,
            "disputed": self.disputed,
            "not_random": self.not_random,
            "not_judged": self.not_judged,
            "decides": self.decides,
        }


def interval_json(one: Interval) -> dict[str, float | int | None]:
    """An interval as JSON values; null for what is not a number."""
    values: dict[str, float] = {"value": one.mean, "low": one.low, "high": one.high}
    return {name: float(x) if math.isfinite(x) else None for name, x in values.items()} | {"clusters": one.clusters}


def alignment_json(one: Alignment) -> dict[str, Any]:
    """What aligning a judge came to, as JSON values; what cannot be computed is null."""
    sides = zip(("before", "after"), one.versions, (one.before, one.after), one.tokens, strict=True)
    parts = {name: {"version": version, "tokens": read} | agreement_json(own) for name, version, own, read in sides}
    return parts | {
        "judge": one.judge,
        "difference": interval_json(one.difference),
        "examples": len(one.examples.examples),
        "keeps": one.keeps,
        "reason": one.reason,
        "cost": one.cost,
    }


def agreement_json(one: Agreement) -> dict[str, Any]:
    """An agreement as JSON values."""
    parts = {name: interval_json(getattr(one, name)) for name in ("kappa", "sensitivity", "specificity")}
    return parts | {"n": one.n, "positives": one.positives}


def judge_agreements(workspace: Workspace, use_case: UseCase, *, every: bool = False) -> list[JudgeAgreement]:
    """Every judge of the use case that has scored answers, against the reviewers of the use case.

    Args:
        workspace: where the tables are.
        use_case: names judges and reviewers.
        every: each version of a judge instead of the one that judged last.

    Raises:
        UserError: a table cannot be read.
    """
    people = opinions(counted(read_labels(workspace), use_case.evaluation.reviewers))
    strata = drawn_strata(workspace)
    judged = judged_by_version(workspace)
    return [
        compared(judge, answers, people.get(judge, {}), strata, use_case.evaluation.min_kappa)
        for judge in use_case.evaluation.judges
        for answers in (judged.get(judge, []) if every else judged.get(judge, [])[-1:])
    ]


def drawn_strata(workspace: Workspace) -> dict[str, Stratum]:
    """The stratum of each drawn answer; none before the first run of collect_calls."""
    if not workspace.spark.catalog.tableExists(workspace.table(REVIEW_QUEUE.name)):
        return {}
    return {row["answer_id"]: row["stratum"] for row in REVIEW_QUEUE.read(workspace).collect()}


def opinions(labels: Iterable[LabelRow]) -> dict[JudgeName, dict[str, Person]]:
    """What people say, by dimension and answer; `labels` are those that count."""
    said: dict[JudgeName, dict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
    for one in labels:
        said[one.judge][one.answer_id][one.reviewer] = one.verdict == "good"
    return {judge: {key: _person(own) for key, own in answers.items()} for judge, answers in said.items()}


def _person(said: Mapping[str, bool]) -> Person:
    good = 2 * sum(said.values()) - len(said)
    return Person(None if good == 0 else good > 0, tuple(said[name] for name in sorted(said)))


def compared(
    judge: JudgeName,
    judged: Mapping[str, Judgment],
    people: Mapping[str, Person],
    strata: Mapping[str, Stratum],
    min_kappa: float,
) -> JudgeAgreement:
    """One judge against people.

    Args:
        judge: the dimension.
        judged: the scored judgments of one version, by answer; at least one.
        people: what people say, by answer.
        strata: why answers were drawn; an answer that was not drawn counts like one drawn after disagreement.
        min_kappa: from which the judge decides.
    """
    labelled = [key for key in sorted(people) if key in judged and strata.get(key) == "random"]
    usable = [key for key in labelled if people[key].good is not None]
    sample = _sample(usable, judged, people)
    rest = [one for key, one in sorted(judged.items()) if key not in set(usable)]
    verdicts, clusters = [bool(one.good) for one in rest], [one.cluster for one in rest]
    everyone = [one for _, one in sorted(judged.items())]
    found = agreement([x >= 1 for x in sample.judge], [x >= 1 for x in sample.people], sample.clusters)
    newest = max(everyone, key=lambda one: one.judged_at)
    return JudgeAgreement(
        judge=judge,
        version=newest.judge_version,
        model=newest.model,
        with_people=found,
        between_people=_between(labelled, judged, people),
        raw=share_interval([float(bool(one.good)) for one in everyone], [one.cluster for one in everyone]),
        corrected=rogan_gladen(verdicts, clusters, sample),
        prediction_powered=prediction_powered([float(x) for x in verdicts], clusters, sample),
        judged=len(judged),
        disputed=len(labelled) - len(usable),
        not_random=sum(strata.get(key) != "random" for key in people),
        not_judged=sum(strata.get(key) == "random" and key not in judged for key in people),
        decides=found.decides(min_kappa),
    )


def _sample(keys: Sequence[str], judged: Mapping[str, Judgment], people: Mapping[str, Person]) -> Labelled:
    return Labelled(
        judge=[float(bool(judged[key].good)) for key in keys],
        people=[float(bool(people[key].good)) for key in keys],
        clusters=[judged[key].cluster for key in keys],
    )


def _between(keys: Collection[str], judged: Mapping[str, Judgment], people: Mapping[str, Person]) -> Agreement:
    """The first two reviewers of each answer that has two."""
    twice = [key for key in keys if len(people[key].opinions) > 1]
    first, second = ([people[key].opinions[n] for key in twice] for n in (0, 1))
    return agreement(second, first, [judged[key].cluster for key in twice])
