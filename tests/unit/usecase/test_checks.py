"""What is wrong with a use case although each section is valid: reported when the file is loaded."""

from pathlib import Path

import pytest
import yaml

from ragops.errors import UserError
from ragops.usecase import UseCase, load_usecase

BUNDLE = Path(__file__).parents[3] / "usecase.yml"
MEASURED = {"measure": "recall_at_5", "at_least": 0.4, "why": "so"}


def written(folder: Path, **sections: object) -> Path:
    path = folder / "usecase.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(BUNDLE.read_text()) | sections))
    return path


def loaded(folder: Path, **sections: object) -> UseCase:
    return load_usecase(written(folder, **sections))


def criterion(measure: str) -> list[dict[str, object]]:
    return [MEASURED, {"measure": measure, "at_least": 0.5, "why": "so"}]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"success": criterion("groundednes")}, "success.1.measure is 'groundednes': .* did you mean groundedness"),
        (
            {"success": criterion("groundedness"), "evaluation": {}},
            "'groundedness': nothing .*judge names no",
        ),
        (
            {"success": criterion("correctness"), "evaluation": {"judge": "judge", "judges": ["groundedness"]}},
            "success.1.measure is 'correctness': .* not among evaluation.judges",
        ),
        (
            {"success": criterion("live_groundedness"), "evaluation": {"judge": "judge", "judge_sample": 0}},
            "'live_groundedness': .* evaluation.judge_sample is 0",
        ),
        ({"success": criterion("recall_at_5")}, "success.1.measure is 'recall_at_5': success.0.measure has a limit"),
        (
            {"success": [{"measure": "refresh_minutes", "at_most": 5, "why": "so"}]},
            "success.0.measure is 'refresh_minutes': sla.refresh_minutes has a limit",
        ),
        ({"release": {"floors": {"suported": 0.2}}}, "release.floors.suported: nothing .* did you mean supported"),
        ({"release": {"ceilings": {"live_seconds_p95": 2}}}, "live_seconds_p95: a release does not .* success"),
        ({"success": [MEASURED], "evaluation": {"judge": "served"}}, "judge: served is the model that answers; choose"),
        ({"success": [MEASURED], "evaluation": {"judge": "quotes"}}, "judge: quotes only quotes"),
        (
            {"success": [MEASURED], "evaluation": {"judge": "nobody"}},
            "nobody is not in models.known; choose",
        ),
        ({"success": [MEASURED], "evaluation": {"judge": "jugde"}}, "jugde is not in models.known; did you mean judge"),
        ({"evaluation": {"judge": "judge", "reviewers": ["ann", "ann"]}}, "evaluation.reviewers: ann occurs twice"),
        ({"evaluation": {"judge": "judge", "reviewers": [" "]}}, "evaluation.reviewers: .* empty"),
        ({"evaluation": {"judge": "judge", "judges": ["tone"]}}, "evaluation.judges.0 is 'tone'"),
        ({"evaluation": {"judge": "judge", "min_kappa": 2}}, "evaluation.min_kappa is 2"),
    ],
)
def test_a_problem_is_one_line_with_field_and_reason(tmp_path: Path, sections: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        loaded(tmp_path, **sections)
    assert "\n" not in str(raised.value)


def test_a_file_from_before_judges_is_readable(tmp_path: Path) -> None:
    release = {"questions": 60, "floors": {"supported": 0.2, "abstained": 0.5}, "ceilings": {"seconds_p95": 60}}
    old = loaded(tmp_path, success=[MEASURED], evaluation={"questions": "sample"}, release=release)
    assert old.gate.floors == {"recall_at_5": 0.4, "supported": 0.2, "abstained": 0.5}
    assert old.gate.ceilings == {"seconds_p95": 60}
    assert old.judge_model() is None


def test_the_gate_requires_what_a_release_measures_and_release_overrides_it(tmp_path: Path) -> None:
    success = [
        MEASURED,
        {"measure": "groundedness", "at_least": 0.8, "why": "so"},
        {"measure": "seconds_p95", "at_most": 20, "why": "so"},
        {"measure": "feedback_rate", "at_least": 0.1, "why": "so"},
    ]
    gate = loaded(tmp_path, success=success, release={"floors": {"recall_at_5": 0.3}}).gate
    assert gate.floors == {"recall_at_5": 0.3, "groundedness": 0.8}
    assert gate.ceilings == {"seconds_p95": 20}


def test_a_model_that_a_job_chose_does_not_judge_itself() -> None:
    use_case = load_usecase(BUNDLE)
    assert use_case.judge_model() == use_case.models.named("judge")
    chosen = use_case.model_copy(update={"models": use_case.models.with_primary("judge")})
    with pytest.raises(UserError, match="judge is the model that answers; choose from served"):
        chosen.judge_model()
