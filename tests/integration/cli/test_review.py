"""ragops judges agreement and align, over labels of a workspace and a judge behind HTTP."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from ragops.cli.app import app
from ragops.corpus.chunks.table import CHUNKS, ChunkRow
from ragops.errors import UserError
from ragops.platform.collected import add
from ragops.platform.merge import StageReport
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.files import record_answer
from ragops.quality.feedback.rows import AnswerRow
from ragops.quality.feedback.stage import merge_answers
from ragops.quality.judges.examples import examples_file
from ragops.quality.review.files import record_label
from ragops.quality.review.rows import REVIEW_QUEUE, Drawn
from ragops.quality.review.stage import merge_labels
from tests.support.chains import ROOT
from tests.support.feedback import an_answer
from tests.support.judging import verdicts
from tests.support.openai_double import Behavior, serving
from tests.support.reviews import NOON, a_label

WORDS = ("anchor", "barge", "canal", "dock", "estuary", "fjord", "gulf", "harbor", "island", "jetty", "keel", "lagoon")
Ragops = Callable[..., Result]


def learning(body: dict[str, Any]) -> Behavior:
    """A judge that finds evasions bad once it is shown a corrected one."""
    shown = any(message["role"] == "assistant" and '"no"' in message["content"] for message in body["messages"])
    return Behavior(text=verdicts(body, "no" if shown and "depends" in body["messages"][-1]["content"] else "yes"))


def answers() -> list[AnswerRow]:
    """24 answers; every third one evades its question."""
    found = []
    for number in range(24):
        name = f"{WORDS[number % 12]} {WORDS[number * 7 % 12]} {number}"
        text = f"That depends, says the {name} [1]." if number % 3 == 0 else f"The {name} opens at eight [1]."
        question = f"When does the {name} open?"
        one = an_answer(question=question, standalone=question, answer=text, passages=["chunk-1"], numbers=[1])
        found.append(one.model_copy(update={"answer_id": f"resp_{number:032x}"}))
    return found


@pytest.fixture
def labelled(workspace: Workspace, home: Path) -> Workspace:
    """All answers are drawn at random, and labelled as people see them."""
    ledger, rows = workspace.volume(LEDGER), answers()
    chunk = {"chunk_id": "chunk-1", "doc_id": "d", "ordinal": 0, "path": "io.md", "heading_path": [], "tokens": 5}
    chunk |= {"text": "It opens.", "embedded_text": "", "text_hash": "", "source_version": ""}
    for table, made in ((CHUNKS, [ChunkRow.model_validate(chunk)]), (REVIEW_QUEUE, [])):
        table.create(workspace)
        add(workspace, table, made, StageReport(table.name))
    drawn = [Drawn(answer_id=one.answer_id, stratum="random", drawn_at=NOON) for one in rows]
    add(workspace, REVIEW_QUEUE, drawn, StageReport("drawn"))
    for one in rows:
        record_answer(ledger, one)
        verdict = "bad" if "depends" in one.answer else "good"
        record_label(ledger, a_label(one.answer_id, judge="answer_relevance", verdict=verdict))
    merge_answers(workspace)
    merge_labels(workspace)
    return workspace


@pytest.fixture
def use_case(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "usecase.yml").read_text())
    found["evaluation"] |= {"judge": "double", "reviewers": ["jane"], "judges": ["answer_relevance"]}
    found["success"] = [one for one in found["success"] if "recall" in one["measure"]]
    return found


@pytest.fixture
def ragops(labelled: Workspace, tmp_path: Path, use_case: Any) -> Ragops:
    def run(*words: str) -> Result:
        given = ["judges", *words, "--usecase", str(tmp_path / "usecase.yml")]
        return CliRunner().invoke(app, given, env={"COLUMNS": "80", "TERM": "dumb"})

    return run


def test_a_judge_is_aligned_with_people_and_then_decides(
    ragops: Ragops, tmp_path: Path, use_case: dict[str, Any]
) -> None:
    with serving(answer=learning) as double:
        model = {"name": "double", "provider": "openai_compatible", "served_name": "llama", "base_url": double.url}
        use_case["models"]["known"].append(model | {"context_tokens": 100_000, "private": True})
        (tmp_path / "usecase.yml").write_text(yaml.safe_dump(use_case))
        assert "no judgments" in ragops("agreement").output
        found = ragops("align", "answer_relevance")
        assert found.exit_code == 0, found.exception or found.output
        assert "the examples help" in " ".join(found.output.split())
        assert len(examples_file(tmp_path, "answer_relevance").read_text().splitlines()) == 8
        asked = len(double.bodies)
        again = json.loads(ragops("align", "answer_relevance", "--json").output)
        assert (again["keeps"], again["file"]) == (False, None)  # the present version has these examples already
        assert len(double.bodies) - asked == 24  # the plain version's; those of the present one are known
    shown = ragops("agreement")
    assert shown.exit_code == 0, shown.exception
    assert "decides" in shown.output and max(map(len, shown.output.splitlines())) <= 80
    (one,) = json.loads(ragops("agreement", "--json").output)
    assert one["with_people"]["kappa"]["value"] == 1 and one["with_people"]["n"] == 24
    assert one["raw"]["value"] == pytest.approx(16 / 24)
    assert one["version"] == again["before"]["version"]


def test_a_judge_that_the_use_case_does_not_name_is_an_error(
    ragops: Ragops, tmp_path: Path, use_case: dict[str, Any]
) -> None:
    (tmp_path / "usecase.yml").write_text(yaml.safe_dump(use_case))
    with pytest.raises(UserError, match="evaluation.judge"):
        result = ragops("align", "correctness")
        assert result.exception is not None
        raise result.exception
