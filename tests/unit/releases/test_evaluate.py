from pathlib import Path

import pytest

from ragops.assembly import Locations
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.questions import Question
from ragops.releases.evaluate import retrieval_figures
from ragops.usecase import load_usecase

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
UNKNOWN = Question(question_id="x", question="Mona Lisa?", kind="k", topic=None, anchor=None, answer=None)


@pytest.mark.parametrize("questions", [[], [UNKNOWN]])
def test_retrieval_needs_an_answerable_question(tmp_path: Path, questions: list[Question]) -> None:
    locations = Locations(Workspace("c", "s"), tmp_path, tmp_path)
    with pytest.raises(UserError, match=f"evaluation.questions: none of the {len(questions)} questions"):
        retrieval_figures(USE_CASE, locations, questions)
