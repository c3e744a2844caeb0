"""The parameters of the job monitor."""

from pathlib import Path

import pytest
import yaml

from ragops.errors import UserError
from ragops.jobs.monitor import check_monitor

GIVEN = {
    "catalog": "spark_catalog",
    "schema": "rag",
    "landing": "/Volumes/spark_catalog/rag/landing",
    "usecase": str(Path("usecase.yml").absolute()),
    "models": "",
    "experiment": "quality",
    "llm": "quotes",
    "judge": "none",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))


def test_the_job_has_these_parameters_and_a_missing_landing_folder_is_none_of_its_errors() -> None:
    job = yaml.safe_load(Path("resources/monitor.job.yml").read_text())["resources"]["jobs"]["monitor"]
    assert [one["name"] for one in job["parameters"]] == list(GIVEN)
    check_monitor(GIVEN)


def test_it_is_due_within_the_interval_of_the_refresh() -> None:
    jobs = [yaml.safe_load(Path(f"resources/{name}.yml").read_text()) for name in ("monitor.job", "refresh.jobs")]
    monitor, refresh = jobs[0]["resources"]["jobs"]["monitor"], jobs[1]["resources"]["jobs"]["refresh"]
    assert monitor["schedule"]["quartz_cron_expression"] == "0 25/30 * * * ?"
    assert refresh["schedule"]["quartz_cron_expression"] == "0 0/30 * * * ?"
    assert monitor["email_notifications"]["on_failure"] == "${var.alert_emails}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"landing": "relative"}, "parameter landing is 'relative': give an absolute path"),
        ({"llm": "gpt"}, "model gpt"),
        ({"judge": "quotes", "llm": "served"}, "parameter judge"),
        ({"experiment": " "}, "parameter experiment is empty"),
        ({"usecase": "/no/such.yml"}, "usecase: cannot read"),
        ({"schema": "a b"}, "letters, digits and underscores"),
        ({"landings": "x"}, "did you mean landing?"),
    ],
)
def test_wrong_values_are_refused_in_one_line(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        check_monitor(GIVEN | wrong)
    assert said in str(raised.value) and "\n" not in str(raised.value)
