"""Measured values on real Delta: collected exactly once, the latest of table and files, freshness, use."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragops.answers.llms.ledger.calls import CALLS, CallRow
from ragops.corpus.documents.table import DOCUMENTS, DocumentRow
from ragops.corpus.index.generations.manifest import IndexedModel, Manifest
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.platform.collected import UNREADABLE, add
from ragops.platform.merge import StageReport
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.criteria.freshness import refresh_metrics
from ragops.quality.criteria.gpu_hours import recorded_gpu_hours
from ragops.quality.criteria.rows import METRICS, Metric, Origin
from ragops.quality.criteria.store import METRICS_FOLDER, add_rows, latest, merge_metrics, record
from ragops.quality.evaluation.live import live_metrics
from ragops.quality.feedback.files import record_answer, record_verdict
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from tests.support.feedback import a_verdict, an_answer

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MODEL = IndexedModel(fingerprint="abababab", name="m", dimension=8)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def measured(value: float, at: datetime = NOON, name: str = "mrr") -> Metric:
    return Origin("evaluate retrieval", "help/working copy", "000001-abababab", "0123456789ab", at).metric(
        name, value, 9
    )


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    return workspace.volume(LEDGER) / METRICS_FOLDER


def test_a_row_counts_at_once_and_is_collected_once(workspace: Workspace, folder: Path) -> None:
    assert latest(workspace) == {}
    old, new = measured(0.5), measured(0.6, NOON + minutes(1))
    record(workspace, [old, new, measured(0.7, name="coverage")])
    assert {name: one.value for name, one in latest(workspace).items()} == {"mrr": 0.6, "coverage": 0.7}
    assert latest(workspace)["mrr"] == new
    (folder / "beginning.json").write_text('{"metric_id": ')
    (folder / "stray.json").write_text('{"metric_id": "stray"}')
    report = merge_metrics(workspace)
    assert (report.added, report.failed) == (3, 1)
    assert [file.name for file in folder.glob("*.json")] == ["beginning.json"]
    assert (workspace.volume(LEDGER) / UNREADABLE / METRICS_FOLDER / "stray.json").is_file()
    assert latest(workspace)["mrr"] == new
    record(workspace, [old])  # as after a run that was killed before it removed the files
    assert merge_metrics(workspace).added == 0
    assert METRICS.read(workspace).count() == 3


def test_a_later_value_wins_wherever_it_is(workspace: Workspace) -> None:
    add_rows(workspace, [measured(0.5, NOON + minutes(1))])
    record(workspace, [measured(0.4)])
    assert latest(workspace)["mrr"].value == 0.5
    record(workspace, [measured(0.6, NOON + minutes(2))])
    assert latest(workspace)["mrr"].value == 0.6
    assert add_rows(workspace, [measured(0.5, NOON + minutes(1))]).added == 0


def document(path: str, changed: datetime, ingested: datetime, reason: str | None = None) -> DocumentRow:
    return DocumentRow(
        doc_id=path, path=path, size_bytes=1, modified_at=changed - minutes(1_000), parser="text", parser_version="1",
        ocr=False, reason=reason, changed_us=int(changed.timestamp() * 1e6), ingested_at=ingested,
    )  # fmt: skip


def write_documents(workspace: Workspace, *rows: DocumentRow) -> None:
    DOCUMENTS.create(workspace)
    add(workspace, DOCUMENTS, rows, StageReport("documents"))


def go_live(workspace: Workspace, number: int, published: datetime) -> None:
    """A generation that was built a minute before it was published, after the one before it."""
    index = PublishedIndex(index_root(workspace))
    before = index.find_pointer()
    manifest = Manifest(
        number=number, model=MODEL, count=1, source_version="v", parent=None, built_at=published - minutes(1)
    )
    file = index.folder(manifest.name) / "manifest.json"
    file.parent.mkdir(parents=True)
    file.write_text(manifest.model_dump_json())
    previous = before.generation if before else None
    index.write_pointer(
        Pointer(generation=manifest.name, fingerprint="abababab", previous=previous, published_at=published)
    )


def values(metrics: list[Metric]) -> dict[str, tuple[float, int]]:
    return {one.name: (round(one.value, 3), one.n) for one in metrics}


def test_freshness_is_the_slowest_change_that_a_refresh_published(workspace: Workspace) -> None:
    assert refresh_metrics(workspace, NOON) == []
    years_ago, published = NOON - timedelta(days=900), NOON + minutes(5)
    write_documents(workspace, document("old.md", years_ago, NOON + minutes(1)))
    go_live(workspace, 1, published)
    first = refresh_metrics(workspace, NOON)
    # What was there before the first refresh waits from its start.
    assert values(first) == {"refresh_minutes": (5, 1), "freshness_minutes": (5, 1)}
    assert add_rows(workspace, first).added == 2
    assert add_rows(workspace, refresh_metrics(workspace, NOON)).added == 0

    again = NOON + minutes(60)
    write_documents(
        workspace,
        document("during.md", NOON + minutes(3), again + minutes(1)),  # changed while the first refresh ran
        document("new.md", NOON + minutes(40), again + minutes(1)),
        document("old.md", years_ago, again + minutes(1)),  # read again by a new parser
        document("bad.md", NOON + minutes(2), again + minutes(1), reason="no text"),
    )
    go_live(workspace, 2, again + minutes(4))
    assert values(refresh_metrics(workspace, again)) == {"refresh_minutes": (4, 4), "freshness_minutes": (61, 2)}
    # A later run that publishes nothing does not take the time of this one, and nor does a rollback.
    assert "refresh_minutes" not in values(refresh_metrics(workspace, again + minutes(30)))
    index = PublishedIndex(index_root(workspace))
    index.write_pointer(
        Pointer(generation="000001-abababab", fingerprint="abababab", previous="000002-abababab", published_at=again)
    )
    assert refresh_metrics(workspace, again) == []


def test_use_is_measured_from_the_tables_once(workspace: Workspace) -> None:
    volume = workspace.volume(LEDGER)
    CALLS.create(workspace)
    merge_answers(workspace)
    merge_feedback(workspace)
    assert live_metrics(workspace) == []
    answers = [an_answer(who=who, asked_at=NOON, seconds=2.0) for who in ("ann", "bob", "evaluation")]
    answers.append(an_answer(who="ann", asked_at=NOON - timedelta(days=8), seconds=100.0))
    for one in answers:
        record_answer(volume, one)
    record_verdict(volume, a_verdict(answers[0], who="ann", verdict="down", given_at=NOON))
    record_verdict(volume, a_verdict(answers[0], who="ann", verdict="up", given_at=NOON + minutes(1)))
    merge_answers(workspace)
    merge_feedback(workspace)
    calls = [
        CallRow(call_id=who, called_at=NOON, who=who, purpose="ask", model="served", provider="openai_compatible",
                cost=cost, seconds=1, attempts=1, outcome="answered", trace_id=None,
                prompt_name=None, prompt_version=None)
        for who, cost in (("ann", 0.02), ("bob", 0.04), ("release", 9.0))
    ]  # fmt: skip
    add(workspace, CALLS, calls, StageReport("calls"))
    found = live_metrics(workspace)
    assert values(found) == {
        "live_seconds_p95": (2, 2),
        "live_answers_per_hour": (2, 2),
        "feedback_rate": (0.5, 2),
        "thumbs_up": (1, 1),
        "live_answer_cost": (0.03, 2),
    }
    assert {one.measured_at for one in found} == {NOON + minutes(1)}
    assert add_rows(workspace, found).added == 5
    assert add_rows(workspace, live_metrics(workspace)).added == 0


def test_gpu_hours_are_recorded_of_what_fails_too_and_none_on_cpus(workspace: Workspace) -> None:
    with recorded_gpu_hours(workspace, 0):
        pass
    assert latest(workspace) == {}
    with recorded_gpu_hours(workspace, 4):
        pass
    first = latest(workspace)["gpu_hours"]
    assert (first.source, first.n) == ("refresh", 4) and 0 <= first.value < 1
    with pytest.raises(ZeroDivisionError), recorded_gpu_hours(workspace, 2):
        raise ZeroDivisionError
    assert latest(workspace)["gpu_hours"].n == 2
