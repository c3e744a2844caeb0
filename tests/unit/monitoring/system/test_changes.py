"""What was changed, from manifests, rows and history."""

import dataclasses
from datetime import timedelta

import pandas as pd

from ragops.corpus.index.generations.manifest import IndexedModel, Manifest
from ragops.corpus.index.generations.pointer import Pointer
from ragops.monitoring.finding import Change
from ragops.monitoring.system.changes import (
    answer_changes,
    call_changes,
    document_changes,
    index_changes,
    judge_changes,
    question_set_changes,
    sorted_changes,
)
from ragops.monitoring.system.document_history import DocumentCommit, DocumentHistory
from tests.support.monitored import NOW, USE_CASE, an_empty_system, changed, clean, is_recent

HOUR = timedelta(hours=1)


def manifest(number: int, fingerprint: str = "1a2b3c4d", ago: timedelta = HOUR) -> Manifest:
    model = IndexedModel(fingerprint=fingerprint, name=f"encoder {fingerprint}", dimension=3)
    return Manifest(
        number=number, model=model, count=10 * number, source_version="v", parent=None, built_at=NOW - ago, versions={}
    )


def kinds(changes: object) -> list[str]:
    assert hasattr(changes, "__iter__")
    return [one.kind for one in changes]


def test_generations_and_encoders() -> None:
    first, second = manifest(1, ago=5 * HOUR), manifest(2, "99999999")
    pointer = Pointer.to(second, first).model_copy(update={"published_at": NOW})
    found = list(index_changes([first, second], pointer))
    assert kinds(found) == ["generation", "generation", "encoder"]
    assert (found[1].at, found[1].before, found[1].subject) == (NOW, first.name, second.name)
    assert not list(index_changes([], None))


def test_a_rollback() -> None:
    first, second = manifest(1), manifest(2)
    pointer = Pointer.to(first, second).model_copy(update={"published_at": NOW})
    found = list(index_changes([first, second], pointer))[-1]
    assert (found.subject, found.before, found.after) == ("pointer", second.name, first.name)


def test_commits_to_documents_and_parsers() -> None:
    commits = DocumentCommit(NOW - HOUR, 3, 0, 1), DocumentCommit(NOW, 0, 9, 0, ("2", "3"))
    found = list(document_changes(DocumentHistory(NOW, commits)))
    assert [(one.kind, one.before, one.after) for one in found] == [
        ("corpus", "", "3 added, 1 deleted"),
        ("parser", "version 2", "version 3"),
    ]


def test_prompts_and_chains_that_began_to_answer() -> None:
    system = clean()
    assert not list(answer_changes(system.answers))
    late = is_recent(system.answers, 14)
    found = list(answer_changes(changed(system, "answers", late, prompt="brief@1", chain_version="4").answers))
    assert [(one.kind, one.before, one.after) for one in found] == [
        ("prompt", "cite_or_abstain@1f2e3d4c", "brief@1"),
        ("champion", "help 3", "help 4"),
    ]
    first = system.answers[late]["asked_at"].min()
    assert found[0].at == first


def test_models_and_prices_that_calls_tell() -> None:
    system, known = clean(), USE_CASE.models.known
    assert not list(call_changes(system.calls, known)), "a fallback is not another model"
    late = is_recent(system.calls, 14, "called_at") & system.calls["fallback_of"].isna()
    swapped = changed(system, "calls", late, model="other").calls
    assert [(one.kind, one.after) for one in call_changes(swapped, known)] == [("model", "other")]
    cheaper_before = changed(system, "calls", ~late, cost=system.calls[~late]["cost"] / 3).calls
    (price,) = call_changes(cheaper_before, known)
    assert (price.kind, price.subject, price.after) == ("price", "served", "0.5 / 1.5")
    assert price.at == system.calls[late]["called_at"].min()


def test_judges_and_question_sets() -> None:
    system = clean()
    late = is_recent(system.judgments, 12, "judged_at") & (system.judgments["judge"] == "groundedness")
    other = changed(system, "judgments", late, judge_version="ffff0000").judgments
    assert [(one.kind, one.subject) for one in judge_changes(other)] == [("judge", "groundedness")]
    rows = [(NOW - 2 * HOUR, "a"), (NOW - HOUR, None), (NOW, "b")]
    metrics = pd.DataFrame(rows, columns=["measured_at", "question_set"])
    assert [(one.before, one.after) for one in question_set_changes(metrics)] == [("a", "b")]


def test_an_empty_system_has_no_changes() -> None:
    system = an_empty_system()
    assert isinstance(system.answers, pd.DataFrame) and isinstance(system.calls, pd.DataFrame)
    assert isinstance(system.judgments, pd.DataFrame) and isinstance(system.metrics, pd.DataFrame)
    assert not list(answer_changes(system.answers))
    assert not list(call_changes(system.calls, USE_CASE.models.known))
    assert not list(judge_changes(system.judgments))
    assert not list(question_set_changes(system.metrics))


def test_of_one_change_that_two_sources_report_the_later_time_counts() -> None:
    early, late = Change(NOW - HOUR, "price", "served", "", "1"), Change(NOW, "price", "served", "3 times", "1")
    other = dataclasses.replace(early, after="2")
    assert sorted_changes([early, late, other]) == (late, other)
