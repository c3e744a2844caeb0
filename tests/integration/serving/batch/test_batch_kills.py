"""kill -9 while a batch runs: no answer is lost, doubled or mixed up. tests/bench/batch_kills.py kills more of them."""

from ragops.platform.workspace import Workspace
from tests.support.batch_kills import kill_runs


def test_after_kills_every_question_has_its_own_answer_once(workspace: Workspace) -> None:
    outcome = kill_runs(workspace, kills=2)
    assert (outcome.kills, outcome.lost, outcome.doubled, outcome.wrong, outcome.left_over) == (2, 0, 0, 0, 0)
    assert 36 <= outcome.questions <= outcome.calls
