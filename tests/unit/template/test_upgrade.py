"""The commands of docs/how-to/start-a-project.md: a project in git, and a newer template merged into it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.lint.check import lint
from localbundle.workspace.resources import check_resources

from ragops.usecase import load_usecase
from template.__main__ import build, shipped

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "start-a-project.md").read_text(encoding="utf-8")
# `databricks bundle init TEMPLATE --config-file FILE --output-dir FOLDER`, by the same rules.
INIT = f"""#!{sys.executable}
import json, sys
from pathlib import Path

sys.path.insert(0, {str(ROOT)!r})
from tests.support.go_templates import init

_, _, template, _, given, _, folder = sys.argv[1:]
init(Path(template), json.loads(Path(given).read_text()), Path(folder))
"""
Bash = Callable[..., str]


def block(first: str) -> str:
    """The commands on the page that begin with these words."""
    (found,) = [text for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if text.startswith(first)]
    return str(found)


def write_template(folder: Path, files: dict[str, str]) -> None:
    """A template that asks for a name and about GPUs."""
    question = {"type": "string", "description": "asked", "default": "no"}
    folder.mkdir(parents=True)
    schema = {"properties": {"project_name": question, "gpu": question}}
    (folder / "databricks_template_schema.json").write_text(json.dumps(schema))
    project = folder / "template" / "{{.project_name}}"
    kept = '{"project_name": "{{.project_name}}", "gpu": "{{.gpu}}"}\n'
    for name, text in {"template.json.tmpl": kept, **files}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


@pytest.fixture
def bash(tmp_path: Path) -> Bash:
    """Runs commands in the project's folder."""
    program = tmp_path / "bin" / "databricks"
    program.parent.mkdir()
    program.write_text(INIT)
    program.chmod(0o755)
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        **{f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")},
    }

    def run(commands: str, template: Path | None = None, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=tmp_path / "zoo",
            env=environment | {"TEMPLATE": str(template)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def project(tmp_path: Path, bash: Bash) -> Path:
    """A project in git that its team has changed."""
    lines = "".join(f"setting_{number}: 1\n" for number in range(20))
    write_template(tmp_path / "old", {"usecase.yml": lines, "gone.yml": "a: 1\n", ".gitignore": ".venv/\n"})
    given = tmp_path / "given.json"
    given.write_text('{"project_name": "zoo"}')
    (tmp_path / "zoo").mkdir()
    bash(f'databricks bundle init "$TEMPLATE" --config-file {given} --output-dir ..', tmp_path / "old")
    bash(block("git init"))
    folder = tmp_path / "zoo"
    (folder / "usecase.yml").write_text(lines.replace("setting_2: 1", "setting_2: ours"))
    (folder / "own.yml").write_text("ours: 1\n")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "installed").touch()
    bash('git add --all && git commit --quiet --message "Ours"')
    return folder


def test_a_newer_template_is_merged_into_a_changed_project(project: Path, tmp_path: Path, bash: Bash) -> None:
    newer = (tmp_path / "old/template/{{.project_name}}/usecase.yml").read_text().replace("_18: 1", "_18: newer")
    files = {"usecase.yml": newer, "resources/new.yml": "a: 2\n", ".gitignore": ".venv/\n"}
    write_template(tmp_path / "new", files)
    bash(block("git switch template"), tmp_path / "new")
    merged = (project / "usecase.yml").read_text()
    assert "setting_2: ours" in merged and "setting_18: newer" in merged
    assert (project / "own.yml").exists() and (project / ".venv" / "installed").exists()
    assert (project / "resources" / "new.yml").read_text() == "a: 2\n"
    assert not (project / "gone.yml").exists()
    assert bash("git status --short") == ""
    bash(block("git switch template").replace("git commit", "git commit --allow-empty"), tmp_path / "new")
    assert (project / "usecase.yml").read_text() == merged


def test_a_conflict_is_where_both_changed_the_same_line(project: Path, tmp_path: Path, bash: Bash) -> None:
    newer = (tmp_path / "old/template/{{.project_name}}/usecase.yml").read_text().replace("_2: 1", "_2: newer")
    write_template(tmp_path / "new", {"usecase.yml": newer, "gone.yml": "a: 1\n"})
    bash(block("git switch template"), tmp_path / "new", code=1)
    assert bash("git diff --name-only --diff-filter=U").split() == ["usecase.yml"]
    assert (project / "own.yml").exists()


def test_another_answer_changes_the_project(project: Path, tmp_path: Path, bash: Bash) -> None:
    old = tmp_path / "old" / "template" / "{{.project_name}}"
    files = {name: (old / name).read_text() for name in ("usecase.yml", "gone.yml", ".gitignore")}
    conditional = '{{if eq .gpu "yes"}}gpus: 4{{else}}gpus: 0{{end}}\n'
    write_template(tmp_path / "new", {**files, "machines.yml.tmpl": conditional})
    switch, rest = block("git switch template").split("\n", 1)
    correct = """sed -i.bak 's/"no"/"yes"/' template.json && rm template.json.bak && git commit --all --message GPUs"""
    bash("\n".join([switch, correct, rest]), tmp_path / "new")
    assert (project / "machines.yml").read_text() == "gpus: 4\n"
    assert json.loads((project / "template.json").read_text())["gpu"] == "yes"
    assert "setting_2: ours" in (project / "usecase.yml").read_text()


OWN_JOB = """\
resources:
  jobs:
    own:
      name: ${bundle.name}-own
      tasks:
        - task_key: explore
          environment_key: cpu
          notebook_task: {notebook_path: ../notebooks/explore_data.ipynb}
      environments:
        - environment_key: cpu
          spec: {environment_version: "${var.serverless_version}", dependencies: [../dist/*.whl]}
"""


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_template_itself_is_merged_into_a_project_that_its_team_has_changed(tmp_path: Path, bash: Bash) -> None:
    """With the live files. New are the value of a setting, the schedule of a job, a notebook and a question."""
    source, zoo = tmp_path / "source", tmp_path / "zoo"
    files = shipped(ROOT)
    for path in files:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path)
    build(source, tmp_path / "old", files)
    answers = {"project_name": "zoo", "catalog_prod": "animals", "schema": "zoo", "gpu": "no", "answers": "quotes"}
    (tmp_path / "given.json").write_text(json.dumps(answers))
    zoo.mkdir()
    bash('databricks bundle init "$TEMPLATE" --config-file ../given.json --output-dir ..', tmp_path / "old")
    bash(block("git init"))

    edit(zoo / "usecase.yml", "users: Developers of the team", "users: Keepers")
    edit(zoo / "environments" / "prod.yml", "zoo-alerts@example.com", "keepers@example.org")
    (zoo / "resources" / "own.job.yml").write_text(OWN_JOB)
    bash('git add --all && git commit --quiet --message "Ours"')

    edit(source / "usecase.yml", "keep_generations: 3", "keep_generations: 4")
    edit(source / "resources" / "refresh.jobs.yml", "0 0/30 * * * ?", "0 0/20 * * * ?")
    (source / "notebooks" / "new.ipynb").write_text("{}")
    build(source, tmp_path / "new", [*files, Path("notebooks/new.ipynb")])
    schema = tmp_path / "new" / "databricks_template_schema.json"
    edit(schema, '"project_name": {', '"region": {"type": "string", "default": "eu"}, "project_name": {')
    kept = tmp_path / "new" / "template" / "{{.project_name}}" / "template.json.tmpl"
    edit(kept, '"gpu": ', '"region": "{{.region}}", "gpu": ')
    bash(block("git switch template"), tmp_path / "new")

    assert bash("git status --short") == ""
    use_case = load_usecase(zoo / "usecase.yml")
    assert use_case.users.startswith("Keepers") and use_case.index.keep_generations == 4
    assert json.loads((zoo / "template.json").read_text()) == {
        **json.loads(bash("git show HEAD^1:template.json")),
        **answers,
        "region": "eu",
    }
    assert (zoo / "notebooks" / "new.ipynb").exists()
    bundle = load_bundle(zoo, "prod")
    assert lint(bundle, check_resources) == []
    jobs = bundle.config["resources"]["jobs"]
    assert jobs["own"]["name"] == "zoo-own"
    assert jobs["refresh"]["schedule"]["quartz_cron_expression"] == "0 0/20 * * * ?"
    assert jobs["refresh"]["email_notifications"]["on_failure"] == ["keepers@example.org"]
