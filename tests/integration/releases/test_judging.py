"""A judge that people confirm decides: answers to people judged, labelled, and then a release that it blocks."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ragops.corpus.chunks.table import CHUNKS, ChunkRow
from ragops.platform.collected import add
from ragops.platform.merge import StageReport
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import Decision, decide
from ragops.quality.feedback.rows import ANSWERS
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.stage import merge_judgments
from ragops.quality.review.agreement import judge_agreements
from ragops.quality.review.rows import LABELS, REVIEW_QUEUE, Drawn
from ragops.releases.judging import Judging, open_judging
from ragops.usecase import UseCase, load_usecase
from tests.support.feedback import an_answer
from tests.support.judged import answer, asked
from tests.support.judging import asked_for
from tests.support.openai_double import Behavior, serving
from tests.support.reviews import a_row

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC)
QUESTIONS = asked([f"q{number}" for number in range(20)])
PEOPLE = [an_answer(standalone=f"How do I open file {n}?", passages=["chunk-1"], numbers=[1], cited=["chunk-1"],
                    answer=f"With open(), {'wrong' if n % 3 == 0 else 'right'} [1].") for n in range(30)]  # fmt: skip


def judged_by_word(body: dict[str, Any]) -> Behavior:
    """A judge that finds an answer good if it does not say that it is wrong."""
    said = "no" if "wrong" in body["messages"][-1]["content"] else "yes"
    return Behavior(text=json.dumps({name: "so it says" if name == "reason" else said for name in asked_for(body)}))


@pytest.fixture
def use_case(tmp_path: Path) -> Iterator[UseCase]:
    with serving(answer=judged_by_word) as double:
        content = yaml.safe_load((ROOT / "usecase.yml").read_text())
        judge = next(one for one in content["models"]["known"] if one["name"] == "judge")
        judge |= {"base_url": double.url, "requests_per_minute": None}
        content["evaluation"] |= {"judge_sample": 1.0, "judges": ["groundedness"], "reviewers": ["jane"]}
        content["success"] = []
        (tmp_path / "usecase.yml").write_text(yaml.safe_dump(content))
        yield load_usecase(tmp_path / "usecase.yml")


@pytest.fixture
def judging(workspace: Workspace, home: Path, use_case: UseCase) -> Judging:
    chunk = ChunkRow(
        chunk_id="chunk-1", doc_id="d", ordinal=0, path="io.md", heading_path=[], text="open() opens a file.",
        embedded_text="", tokens=5, text_hash="", source_version="",
    )  # fmt: skip
    saved(workspace, CHUNKS, [chunk])
    saved(workspace, ANSWERS, PEOPLE)
    return open_judging(workspace, use_case, QUESTIONS)


def saved(workspace: Workspace, table: Table, rows: list[Any]) -> None:
    table.create(workspace)
    add(workspace, table, rows, StageReport("test"))


def labelled(workspace: Workspace, *, agreeing: bool) -> None:
    """What a named reviewer says of every answer, drawn at random."""
    verdicts = [("bad" if number % 3 == 0 else "good") if agreeing else "good" for number in range(len(PEOPLE))]
    labels = zip(PEOPLE, verdicts, strict=True)
    drawn = [Drawn(answer_id=one.answer_id, stratum="random", drawn_at=NOW) for one in PEOPLE]
    saved(workspace, REVIEW_QUEUE, drawn)
    saved(workspace, LABELS, [a_row(one.answer_id, verdict=verdict, reviewer="jane") for one, verdict in labels])


def released(judging: Judging, word: str) -> Decision:
    """The gate's decision on a first chain, all of whose answers contain the word."""
    rows = [replace(answer(one.question_id), answer=f"It is {word} [1].") for one in QUESTIONS]
    bill = judging(rows, "run")
    gate = judging.use_case.gate.model_copy(update={"floors": {"groundedness": 0.8}, "ceilings": {}})
    agreements = judging.agreements(bill.judgments)
    return decide(gate, judging.use_case.evaluation, Evaluated(rows, bill.judgments), None, agreements)


def live(judging: Judging) -> Bill:
    found = judging.live("run", Bill((), {}))
    merge_judgments(judging.workspace)
    return found


def test_a_judge_that_people_confirm_blocks_a_release_and_passes_a_good_one(judging: Judging) -> None:
    assert live(judging).counts() == {"scored": 30}
    assert live(replace(judging)).calls == 0, "the next run judges them no more"
    labelled(judging.workspace, agreeing=True)
    (found,) = judge_agreements(judging.workspace, judging.use_case)
    assert found.decides and found.with_people.kappa.mean == 1 and found.raw.mean == pytest.approx(2 / 3)
    bad, good = released(judging, "wrong"), released(judging, "right")
    assert bad.outcome == "blocked" and bad.reason.startswith("groundedness 0, required at least 0.8")
    assert good.promotes and not good.notes


def test_a_judge_that_people_do_not_confirm_only_informs(judging: Judging) -> None:
    live(judging)
    labelled(judging.workspace, agreeing=False)
    (found,) = judge_agreements(judging.workspace, judging.use_case)
    assert not found.decides
    bad = released(judging, "wrong")
    assert bad.promotes, "the floor of a judge that people do not confirm stops nothing"
    (note,) = bad.notes
    assert note.startswith("groundedness informs only: kappa 0.000")
