"""Labels and draws on real Delta and a real tracking store: each label once, the queue as the server reads it."""

from collections import Counter
from pathlib import Path

import mlflow
from mlflow.entities import Assessment, AssessmentSource

from ragops.platform.collected import UNREADABLE, add
from ragops.platform.merge import StageReport
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.files import record_answer, record_verdict
from ragops.quality.feedback.rows import AnswerRow
from ragops.quality.feedback.stage import merge_answers, merge_feedback
from ragops.quality.judges.rows import JUDGMENTS, Judgment
from ragops.quality.review.agreement import judge_agreements
from ragops.quality.review.assessments import read_review_app, write_labels
from ragops.quality.review.files import LABELS_FOLDER, read_queue, record_label
from ragops.quality.review.rows import REVIEW_QUEUE
from ragops.quality.review.stage import draw_answers, merge_labels, read_labels
from ragops.usecase import UseCase
from tests.support.feedback import a_verdict, an_answer
from tests.support.reviews import a_judgment, a_label
from tests.support.served import use_case


def reviewed_by(*reviewers: str) -> UseCase:
    case = use_case()
    return case.model_copy(update={"evaluation": case.evaluation.model_copy(update={"reviewers": reviewers})})


def save(workspace: Workspace, *answers: AnswerRow) -> None:
    for answer in answers:
        record_answer(workspace.volume(LEDGER), answer)
    merge_answers(workspace)


def judged(workspace: Workspace, *judgments: Judgment) -> None:
    JUDGMENTS.create(workspace)
    add(workspace, JUDGMENTS, judgments, StageReport("judgments"))


def drawn(workspace: Workspace) -> dict[str, str]:
    return {row["answer_id"]: row["stratum"] for row in REVIEW_QUEUE.read(workspace).collect()}


def a_trace() -> str:
    span = mlflow.start_span_no_context("answer", inputs={"question": "q"})
    span.end(outputs="a")
    mlflow.flush_trace_async_logging()
    return str(span.trace_id)


def assessments(trace_id: str) -> list[Assessment]:
    trace = mlflow.get_trace(trace_id)
    assert trace is not None
    return sorted(trace.info.assessments, key=lambda one: one.name)


def assess(trace_id: str, name: str, value: bool | str, who: str = "omar", kind: str = "HUMAN") -> None:
    source = AssessmentSource(source_type=kind, source_id=who)
    mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=source, rationale="So I think.")


def test_a_label_is_collected_once_also_by_a_stranger(workspace: Workspace, ledger: Path) -> None:
    label, stranger = a_label("resp_1", comment="'); DROP TABLE labels; -- 😀"), a_label("resp_1", reviewer="stranger")
    for one in (label, stranger):
        record_label(ledger, one)
    copies = {file: file.read_bytes() for file in (ledger / LABELS_FOLDER).iterdir()}
    assert merge_labels(workspace).added == 2
    for file, content in copies.items():  # as if a run was killed before it removed them
        file.write_bytes(content)
    assert merge_labels(workspace).idle
    assert list((ledger / LABELS_FOLDER).iterdir()) == []
    found = {row.reviewer: row for row in read_labels(workspace)}
    assert found.keys() == {"jane", "stranger"}
    assert (found["jane"].comment, found["jane"].source, found["jane"].traced_at) == (label.comment, "page", None)


def test_another_label_under_a_collected_id_is_set_aside(workspace: Workspace, ledger: Path) -> None:
    label = a_label("resp_1")
    record_label(ledger, label)
    merge_labels(workspace)
    record_label(ledger, label.model_copy(update={"verdict": "bad"}))
    assert merge_labels(workspace).failed == 1
    assert (ledger / UNREADABLE / LABELS_FOLDER / f"{label.label_id}.json").is_file()
    assert [row.verdict for row in read_labels(workspace)] == ["good"]


def test_answers_are_drawn_by_strata_and_the_queue_has_what_a_reviewer_needs(
    workspace: Workspace, ledger: Path
) -> None:
    plain, disliked, contradicted, old = (an_answer(numbers=[1, 2]) for _ in range(4))
    nothing = an_answer(passages=[], cited=[], abstained="no evidence")
    save(workspace, plain, disliked, contradicted, old, nothing)
    for answer, verdict in ((disliked, "down"), (contradicted, "up")):
        record_verdict(ledger, a_verdict(answer, verdict=verdict, reason=None))
    merge_feedback(workspace)
    judged(workspace, a_judgment(plain.answer_id), a_judgment(contradicted.answer_id, good=False))
    report = draw_answers(workspace, reviewed_by("jane", "omar"))
    assert drawn(workspace) == {
        plain.answer_id: "random",
        contradicted.answer_id: "random",  # judged, so it may be drawn at random, which comes first
        disliked.answer_id: "thumbs down",
    }
    assert report.note.startswith("3 answers wait")
    queue = read_queue(ledger)
    assert queue is not None
    items = {one.answer_id: one for one in queue.items}
    found = items[contradicted.answer_id]
    assert (found.passages, found.numbers, found.cited) == (("chunk-1", "chunk-2"), (1, 2), ("chunk-1",))
    assert found.dimensions == ("context_relevance", "groundedness", "answer_relevance")
    assert [(one.judge, one.verdict, one.good) for one in found.judges] == [("groundedness", "no", False)]
    assert draw_answers(workspace, reviewed_by("jane", "omar")).added == 0


def test_a_labelled_answer_leaves_the_queue_and_counts(workspace: Workspace, ledger: Path) -> None:
    answers = [an_answer() for _ in range(3)]
    save(workspace, *answers)
    judged(workspace, *(a_judgment(one.answer_id, cluster="doc") for one in answers))
    case = reviewed_by("jane")
    draw_answers(workspace, case)
    record_label(ledger, a_label(answers[0].answer_id, verdict="bad"))
    record_label(ledger, a_label(answers[1].answer_id, reviewer="stranger"))
    merge_labels(workspace)
    draw_answers(workspace, case)
    queue = read_queue(ledger)
    assert queue is not None
    assert {one.answer_id for one in queue.items} == {one.answer_id for one in answers[1:]}
    assert queue.labelled == {"jane": 1}
    (found,) = judge_agreements(workspace, case)
    assert (found.judge, found.judged, found.with_people.n, found.with_people.positives) == ("groundedness", 3, 1, 0)


def test_nothing_is_drawn_without_reviewers(workspace: Workspace, ledger: Path) -> None:
    save(workspace, an_answer())
    assert "evaluation.reviewers" in draw_answers(workspace, reviewed_by()).note
    assert read_queue(ledger) is None


def test_labels_are_written_on_traces_once_and_when_a_trace_comes_later(
    workspace: Workspace, ledger: Path, traced: None
) -> None:
    answer, late = an_answer(trace_id=a_trace()), an_answer(trace_id="tr-0123456789abcdef0123456789abcdef")
    save(workspace, answer)
    for one in (answer, late):
        record_label(ledger, a_label(one.answer_id, verdict="bad", comment="No.", labelled_at=one.asked_at))
    merge_labels(workspace)
    assert (write_labels(workspace).changed, write_labels(workspace).changed) == (1, 0)
    (found,) = assessments(str(answer.trace_id))
    assert (found.name, found.feedback.value, found.rationale) == ("groundedness", "bad", "No.")
    assert (found.source.source_type, found.source.source_id) == ("HUMAN", "jane")
    save(workspace, late)
    assert "wait for their traces" in write_labels(workspace).note
    save(workspace, late.model_copy(update={"trace_id": a_trace()}))
    assert write_labels(workspace).changed == 1


def test_comments_stay_out_of_traces_where_texts_do(workspace: Workspace, ledger: Path, traced: None) -> None:
    answer = an_answer(trace_id=a_trace())
    save(workspace, answer)
    record_label(ledger, a_label(answer.answer_id, comment="secret", labelled_at=answer.asked_at))
    merge_labels(workspace)
    write_labels(workspace, texts=False)
    assert [one.rationale for one in assessments(str(answer.trace_id))] == [None]


def test_assessments_of_people_become_labels_once(workspace: Workspace, ledger: Path, traced: None) -> None:
    answer, other = an_answer(trace_id=a_trace()), an_answer(trace_id=a_trace())
    save(workspace, answer, other)
    case = reviewed_by("jane", "omar")
    draw_answers(workspace, case)
    record_label(ledger, a_label(answer.answer_id, labelled_at=answer.asked_at))
    merge_labels(workspace)
    write_labels(workspace)  # what came from the table is not read back
    trace = str(answer.trace_id)
    assess(trace, "groundedness", "no")
    assess(trace, "answer_relevance", True)
    assess(trace, "context_relevance", "Good", who="stranger")
    assess(trace, "correctness", "7 of 10")  # neither good nor bad
    assess(trace, "helpful", True)  # no judge's name
    assess(trace, "groundedness", "yes", who="judge", kind="LLM_JUDGE")
    first, again = read_review_app(workspace), read_review_app(workspace)
    assert (first.added, again.added) == (3, 0)
    assert first.note.startswith("1 assessments are neither good nor bad")
    found = {(row.judge, row.reviewer): row for row in read_labels(workspace) if row.source == "review app"}
    assert {key: row.verdict for key, row in found.items()} == {
        ("groundedness", "omar"): "bad",
        ("answer_relevance", "omar"): "good",
        ("context_relevance", "stranger"): "good",
    }
    assert found["groundedness", "omar"].comment == "So I think."
    assert write_labels(workspace).read == 0


def test_a_table_of_an_older_version_gets_the_numbers_of_passages(workspace: Workspace) -> None:
    save(workspace, an_answer())
    workspace.spark.sql(
        f"ALTER TABLE {workspace.table('answers')} SET TBLPROPERTIES ('delta.columnMapping.mode'='name')"
    )
    workspace.spark.sql(f"ALTER TABLE {workspace.table('answers')} DROP COLUMN numbers")
    new = an_answer(numbers=[1, 1])
    save(workspace, new)
    draw_answers(workspace, reviewed_by("jane"))
    queue = read_queue(workspace.volume(LEDGER))
    assert queue is not None
    assert Counter(one.numbers for one in queue.items) == Counter([None, (1, 1)])
