"""What was changed about a system, from what was read of it: the newest change before a fault is its likely cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from ragops.answers.llms.settings import AnyModel
from ragops.corpus.index.generations.manifest import Manifest
from ragops.corpus.index.generations.pointer import Pointer
from ragops.monitoring.finding import Change, ChangeKind
from ragops.monitoring.system.document_history import DocumentHistory
from ragops.quality.feedback.rows import EVALUATION

_SAME_PRICE = 0.01  # relative: a price is a product of numbers that are rounded


def sorted_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Newest first; of those that two sources report, the one that is dated later, which is the more exact one."""
    found: dict[tuple[str, str, str], Change] = {}
    for one in sorted(changes, key=lambda one: one.at):
        found[one.kind, one.subject, one.after] = one
    return tuple(sorted(found.values(), key=lambda one: (one.at, one.kind, one.subject), reverse=True))


def index_changes(manifests: Sequence[Manifest], pointer: Pointer | None) -> Iterator[Change]:
    """Generations, and among them those with another encoder or of another version of ragops; rollbacks."""
    before: Manifest | None = None
    for one in manifests:
        at = pointer.published_at if pointer and pointer.generation == one.name else one.built_at
        yield Change(at, "generation", one.name, before.name if before else "", f"{one.count:,} passages")
        if before and before.model.fingerprint != one.model.fingerprint:
            old, new = (f"{each.model.name} {each.model.fingerprint[:8]}" for each in (before, one))
            yield Change(one.built_at, "encoder", "embedding", old, new)
        if before and before.versions.get("ragops") != one.versions.get("ragops"):
            yield Change(
                one.built_at, "deployment", "ragops", before.versions.get("ragops", ""), one.versions.get("ragops", "")
            )
        before = one
    if pointer and pointer.previous and pointer.previous > pointer.generation:
        yield Change(pointer.published_at, "generation", "pointer", pointer.previous, pointer.generation)


def document_changes(history: DocumentHistory) -> Iterator[Change]:
    """Commits to the table of documents; those that read documents again with other parsers."""
    for one in history.commits:
        counts = {"added": one.added, "changed": one.changed, "deleted": one.deleted}
        if one.parsers:
            yield Change(one.at, "parser", "parsers", f"version {one.parsers[0]}", f"version {one.parsers[1]}")
            del counts["changed"]
        done = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        if done:
            yield Change(one.at, "corpus", "documents", "", done)


def answer_changes(answers: pd.DataFrame) -> Iterator[Change]:
    """Prompts and chains that began to answer people."""
    people = answers[answers["who"] != EVALUATION].sort_values("asked_at")
    yield from _begun(people, "asked_at", "prompt", "prompt", "answer")
    chains = people.assign(chain=people["chain_name"] + " " + people["chain_version"])
    yield from _begun(chains, "asked_at", "chain", "champion", "chain")


def call_changes(calls: pd.DataFrame, models: Sequence[AnyModel]) -> Iterator[Change]:
    """Models that began to be asked first, and prices that began to be paid."""
    asked = calls[calls["purpose"] == "ask"].sort_values("called_at")
    yield from _begun(asked[asked["fallback_of"].isna()], "called_at", "model", "model", "answers")
    for one in models:
        yield from _price_changes(calls[calls["model"] == one.name].sort_values("called_at"), one)


def judge_changes(judgments: pd.DataFrame) -> Iterator[Change]:
    """Versions of judges that began to judge."""
    for judge, rows in judgments.sort_values("judged_at").groupby("judge"):
        named = rows.assign(version=rows["model"] + " " + rows["judge_version"])
        yield from _begun(named, "judged_at", "version", "judge", str(judge))


def question_set_changes(metrics: pd.DataFrame) -> Iterator[Change]:
    """Versions of the evaluation questions that began to be asked."""
    rows = metrics[metrics["question_set"].notna()].sort_values("measured_at")
    yield from _begun(rows, "measured_at", "question_set", "question_set", "evaluation.questions")


def _begun(rows: pd.DataFrame, time: str, column: str, kind: ChangeKind, subject: str) -> Iterator[Change]:
    """A change for each value that appears after another one, at its first row."""
    known = rows.dropna(subset=[column])
    if not len(known):
        return
    firsts = known.groupby(column)[time].min().sort_values()
    values, times = [str(value) for value in firsts.index], pd.DatetimeIndex(firsts)
    for number in range(1, len(values)):
        yield Change(times[number].to_pydatetime(), kind, subject, values[number - 1], values[number])


def _price_changes(calls: pd.DataFrame, model: AnyModel) -> Iterator[Change]:
    """When calls began to cost what the use case says now, after costing something else."""
    if model.price_per_second or not (model.price_per_million_input or model.price_per_million_output):
        return
    paid = calls[(calls["cost"] > 0) & (calls["prompt_tokens"] > 0)]
    read = paid["prompt_tokens"] * model.price_per_million_input
    written = paid["completion_tokens"] * model.price_per_million_output
    ratio = paid["cost"].astype(float) * 1e6 / (read + written).astype(float)
    other = (ratio - 1).abs() > _SAME_PRICE
    if not other.any() or other.iloc[-1]:
        return
    last = int(other.to_numpy().nonzero()[0][-1])
    before, now = ratio.iloc[last], f"{model.price_per_million_input:g} / {model.price_per_million_output:g}"
    at = pd.Timestamp(paid["called_at"].iloc[last + 1]).to_pydatetime()
    yield Change(at, "price", model.name, f"{before:.2g} times this", now)
