from pathlib import Path

import pytest

from ragops.assembly import Locations
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.questions import Question
from ragops.releases.evaluate import retrieval_figures, show_evaluation
from ragops.usecase import load_usecase
from tests.support.evaluations import result

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
UNKNOWN = Question(question_id="x", question="Mona Lisa?", kind="k", topic=None, anchor=None, answer=None)


@pytest.mark.parametrize("questions", [[], [UNKNOWN]])
def test_retrieval_needs_an_answerable_question(tmp_path: Path, questions: list[Question]) -> None:
    locations = Locations(Workspace("c", "s"), tmp_path, tmp_path)
    with pytest.raises(UserError, match=f"evaluation.questions: none of the {len(questions)} questions"):
        retrieval_figures(USE_CASE, locations, questions)


def test_the_figures_of_answers_and_retrieval_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show_evaluation(result("brief", [1.0, 0.0], failed=1).rows, {"recall_at_5": 0.5})
    lines = capsys.readouterr().out.splitlines()
    figures = {line.split()[0]: line.split()[1:4] for line in lines}
    assert figures["supported"] == ["0.500", "0.00-1.00", "2"]
    assert figures["recall_at_5"][0] == "0.5"
    assert lines[-1].startswith("3 questions, 1 errors; median answer time 0.5 s")
