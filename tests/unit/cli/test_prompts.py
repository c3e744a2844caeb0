"""ragops prompts without a registry, and with invalid input."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ragops.cli.app import app
from ragops.errors import UserError
from tests.support.template_files import VALID, write_template

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that has never been run."""
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "databricks.yml").touch()
    (tmp_path / "usecase.yml").write_text((ROOT / "usecase.yml").read_text())
    return tmp_path


def output(*words: str) -> str:
    done = CliRunner().invoke(app, ["prompts", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def refused(*words: str) -> str:
    with pytest.raises(UserError) as raised:
        output(*words)
    return str(raised.value)


def add_own(bundle: Path) -> None:
    use_case = yaml.safe_load((bundle / "usecase.yml").read_text())
    use_case["prompts"] |= {"templates": "mine", "values": {"tone": "dry"}}
    (bundle / "usecase.yml").write_text(yaml.safe_dump(use_case))
    (bundle / "mine").mkdir()
    variables = VALID["variables"] | {"tone": "of the answer", "unit": "of lengths"}
    write_template(
        bundle / "mine", VALID | {"variables": variables, "system": "Be {{ tone }}; use {{ unit }}; [i]n[/i]."}
    )


def test_the_list_needs_no_registry(bundle: Path) -> None:
    lines = output("list").splitlines()
    assert [line.split()[1] for line in lines if line.lstrip().startswith("*")][:2] == [
        "cite_or_abstain",
        "standalone_question",
    ]
    assert any(line.split()[:3] == ["brief", "zero_shot", "question,"] and line.split()[-1] == "-" for line in lines)
    assert "no registry: no local workspace" in lines[-1]
    assert not (bundle / ".localbundle").exists() and not (bundle / "mlruns").exists()


def test_a_template_is_shown_as_messages() -> None:
    shown = output("show", "cite_by_example")
    assert [line for line in shown.splitlines() if line in ("system", "user", "assistant")] == [
        *("system", "user", "assistant", "user", "assistant", "user")
    ]
    assert "[1]" in shown and "<passage-" in shown


def test_a_response_schema_is_shown() -> None:
    assert '"additionalProperties": false' in output("show", "structured")


def test_a_teams_template_is_shown_with_the_use_cases_values(bundle: Path) -> None:
    add_own(bundle)
    assert "Be dry; use (unit); [i]n[/i]." in output("show", "plain")
    assert "plain" in output("list")


def test_invalid_input_is_one_line(bundle: Path) -> None:
    assert refused("show", "briev") == "prompt template briev: does not exist; did you mean brief?"
    assert "nothing: does not exist" in refused("register", "nothing")
    assert "make demo" in refused("register")
    (bundle / "usecase.yml").unlink()
    assert "usecase.yml" in refused("list")


def test_a_broken_template_is_named(bundle: Path) -> None:
    add_own(bundle)
    write_template(bundle / "mine", b"\xff", "broken.yml")
    assert refused("list").endswith("mine/broken.yml: byte 0 is not UTF-8; save the file as UTF-8")
