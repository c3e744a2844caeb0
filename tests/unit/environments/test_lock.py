"""The packages that jobs install on top of their runtimes, as listed in environments/."""

import json
import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from environments.lock import ROOT, File, files, main, read, read_runtime, runtimes
from ragops.errors import UserError

# A runtime is tested with these, and its libraries are compiled against them.
KEPT = {
    "grpcio",
    "grpcio-status",
    "numpy",
    "pandas",
    "protobuf",
    "pyarrow",
    "pydantic",
    "pydantic-core",
    "pyspark",
    "torch",
}
TASKS: dict[str, Any] = tomllib.loads((ROOT / "environments" / "requirements.toml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = list(files())
_REASON = r"(  # replaces [\w.!]+: .+)?"
LISTS = sorted(path.stem for path in (ROOT / "environments" / "runtimes").glob("*.txt"))


def label(file: File) -> str:
    return f"{file.runtime.name}/{file.name}"


def replaced(file: File) -> dict[str, tuple[str, str]]:
    shipped = file.runtime.packages
    found = {name: (shipped[name], version) for name, version in read(file).items() if name in shipped}
    return {name: (old, new) for name, (old, new) in found.items() if Version(old) != Version(new)}


@pytest.mark.parametrize("file", FILES, ids=label)
def test_a_file_has_only_pins_that_plain_pip_accepts(file: File) -> None:
    lines = [line for line in file.path().read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(rf"[a-z0-9-]+==[\w.!]+{_REASON}", line)] == []


@pytest.mark.parametrize("file", FILES, ids=label)
def test_packages_of_the_runtime_keep_their_versions(file: File) -> None:
    allowed = TASKS["replaced"].get(file.name, {})
    assert replaced(file).keys() <= allowed.keys()
    assert not read(file).keys() & file.runtime.packages.keys() - allowed.keys()


@pytest.mark.parametrize("file", [file for file in FILES if file.name != "vllm"], ids=label)
def test_no_job_replaces_packages_that_the_runtime_is_compiled_against(file: File) -> None:
    assert not replaced(file).keys() & KEPT
    assert not {name for name in read(file) if name == "torch" or name.startswith("nvidia-")}


@pytest.mark.parametrize("file", FILES, ids=label)
def test_a_line_that_replaces_a_package_says_why(file: File) -> None:
    """`localbundle validate` prints it, and reports a replacement without it."""
    reasons = TASKS["replaced"].get(file.name, {})
    written = dict(re.findall(r"^([a-z0-9-]+)==\S+  # (replaces .+)$", file.path().read_text(), re.MULTILINE))
    assert written == {name: f"replaces {old}: {reasons[name]}" for name, (old, _) in replaced(file).items()}


def test_every_replacement_has_a_reason() -> None:
    assert all(len(reason) > 10 for table in TASKS["replaced"].values() for reason in table.values())


@pytest.mark.parametrize("runtime", LISTS)
def test_bounds_admit_the_versions_of_the_runtime(runtime: str) -> None:
    """Otherwise pip would replace them when it installs the wheel."""
    lines = PROJECT["dependencies"] + [
        line
        for extra in ("parsing", "index", "embed", "answers", "evaluate", "explore")
        for line in PROJECT["optional-dependencies"][extra]
    ]
    shipped = read_runtime(ROOT, runtime).packages
    refused = [
        f"{requirement} refuses {shipped[name]}"
        for requirement in map(Requirement, lines)
        if (name := canonicalize_name(requirement.name)) in shipped
        and not requirement.specifier.contains(shipped[name], prereleases=True)
    ]
    assert refused == []


def test_base_dependencies_include_neither_spark_nor_torch_nor_a_model() -> None:
    names = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert not names & {"pyspark", "delta-spark", "databricks-connect", "torch", "sentence-transformers", "mlflow"}
    assert not names & {Requirement(line).name for line in PROJECT["optional-dependencies"]["models"]}


def test_the_laptop_has_no_torch_and_the_tests_have_it() -> None:
    """GPU clusters encode with torch, laptops with OpenVINO; tests compare both."""
    laptop, tests = (
        locked((ROOT / "environments/requirements" / name).read_text()) for name in ("laptop.txt", "dev.txt")
    )
    heavy = {"torch", "triton", "transformers", "sentence-transformers"}
    assert not laptop & heavy and not [name for name in laptop if name.startswith(("nvidia-", "cuda-"))]
    assert {"torch", "transformers", "sentence-transformers"} <= tests and laptop <= tests


def locked(text: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def repository(root: Path, variables: str) -> Path:
    (root / "environments" / "runtimes").mkdir(parents=True)
    (root / "environments" / "runtimes.yml").write_text(variables)
    for name in LISTS:
        (root / "environments" / "runtimes" / f"{name}.txt").write_text("# python 3.12\nnumpy==2.1.3\n")
    return root


VARIABLES = "variables: {gpu_runtime: {default: %s}, serverless_version: {default: '5'}}"


def test_a_runtime_without_a_list_is_named_with_the_closest_ones(tmp_path: Path) -> None:
    root = repository(tmp_path, VARIABLES % "18.x-gpu-ml-scala2.12")
    with pytest.raises(UserError) as error:
        runtimes(root)
    assert str(error.value) == (
        "runtime 18.x-gpu-ml-scala2.12: no list of its packages in environments/runtimes; closest are "
        "18.x-gpu-ml-scala2.13, 19.x-gpu-ml-scala2.13, serverless-v6; correct environments/runtimes.yml, or add the "
        "list (docs/another-runtime.md)"
    )


@pytest.mark.parametrize(("written", "read"), [("010", "10"), ("12:30", "12:30"), ("NO", "NO")])
def test_runtimes_are_read_as_yaml_1_2(tmp_path: Path, written: str, read: str) -> None:
    """As the Databricks CLI reads the same file: 010 is ten, and 12:30 and NO are text."""
    root = repository(tmp_path, f"variables: {{serverless_version: {{default: {written}}}}}")
    with pytest.raises(UserError, match=f"runtime serverless-v{read}: no list"):
        runtimes(root, ["serverless"])


def test_a_runtime_without_a_default_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path, "variables: {gpu_runtime: {default: 18.x-gpu-ml-scala2.13}}")
    with pytest.raises(UserError, match="environments/runtimes.yml: 'serverless_version' has no default"):
        runtimes(root)


def test_a_project_without_gpus_needs_no_runtime_for_them(tmp_path: Path) -> None:
    root = project(tmp_path, 'serverless = {refresh = ["index"]}')
    (root / "environments" / "runtimes.yml").write_text("variables: {serverless_version: {default: '5'}}")
    assert [(file.runtime.name, file.name) for file in files(root)] == [("serverless-v5", "refresh")]


def test_a_missing_requirements_file_is_named(tmp_path: Path) -> None:
    file = File(read_runtime(repository(tmp_path, VARIABLES), "serverless-v5"), "refresh", ())
    with pytest.raises(UserError, match="serverless-v5/refresh.txt is missing; create it with: make lock"):
        read(file, tmp_path)


@pytest.mark.parametrize("line", ["numpy>=2", "numpy", "a==1==2", "numpy==2.*", "numpy==2; extra=='a'", "  # x"])
def test_a_line_that_is_not_a_pin_is_named(line: str, tmp_path: Path) -> None:
    root = repository(tmp_path, VARIABLES)
    (root / "environments/runtimes/serverless-v5.txt").write_text(f"# python 3.12\ntorch==2.9.1+cu129\n{line}\n")
    with pytest.raises(UserError) as error:
        read_runtime(root, "serverless-v5")
    assert str(error.value) == (
        f"environments/runtimes/serverless-v5.txt:3: {line.strip()!r} is not a pin; write NAME==VERSION"
    )


def test_a_pin_may_have_a_local_part(tmp_path: Path) -> None:
    root = repository(tmp_path, VARIABLES)
    (root / "environments/runtimes/serverless-v5.txt").write_text("torch==2.9.1+cu129\n")
    assert read_runtime(root, "serverless-v5").packages == {"torch": "2.9.1+cu129"}


def project(root: Path, tasks: str) -> Path:
    repository(root, VARIABLES % "18.x-gpu-ml-scala2.13")
    (root / "environments" / "requirements.toml").write_text(tasks)
    (root / "pyproject.toml").write_text("[project]\n[project.optional-dependencies]\nindex = []\nlocal_llm = []\n")
    return root


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("", "environments/runtimes.yml: 'gpu_runtime' has no default; "),
        ("- variables", "environments/runtimes.yml: 'gpu_runtime' has no default; "),
        ("variables: [gpu_runtime]", "environments/runtimes.yml: 'gpu_runtime' has no default; "),
        ("variables: {gpu_runtime: {}}", "environments/runtimes.yml: 'gpu_runtime' has no default; "),
        ("variables:\n  a: [1\n  b: 2\n", "environments/runtimes.yml:3: did not find expected ',' or ']'; "),
    ],
)
def test_a_malformed_runtimes_file_is_reported_in_one_line(variables: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        runtimes(repository(tmp_path, variables))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ("[gpu]\nembed = \n", "environments/requirements.toml: Invalid value (at line 2, column 9); correct it"),
        ("[gpuu]\nembed = []", "environments/requirements.toml: unknown table gpuu; did you mean gpu?"),
        ("[gpu]\nembed = 'index'", "environments/requirements.toml: gpu.embed should be a valid list; "),
        ("[gpu]\nembed = [1]", "environments/requirements.toml: gpu.embed.0 should be a valid string; "),
        ("gpu = []", "environments/requirements.toml: gpu should be a valid table; "),
        (
            "[serverless]\nrefresh = ['local-llm', 'indx']",
            "environments/requirements.toml: refresh: no extra indx in pyproject.toml; did you mean index?",
        ),
    ],
)
def test_a_malformed_tasks_file_is_reported_in_one_line(tasks: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        list(files(project(tmp_path, tasks)))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["runtimes.yml", "requirements.toml"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    root = project(tmp_path, "")
    (root / "environments" / name).unlink()
    with pytest.raises(UserError, match=f"^environments/{name}: No such file or directory; restore it from "):
        list(files(root))


CONFLICT = "error: No solution found\n  cause: Because a depends on b>=2 and b==1, we can conclude that nothing fits.\n"
ABSENT = "error: No solution found\n  cause: Because b was not found in the cache, we can conclude that nothing fits.\n"


def replace_uv(errors: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces uv: it fails with the message for an extra, else resolves the extra to a package of its name."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        extra = command[command.index("--extra") + 1] if "--extra" in command else ""
        return subprocess.CompletedProcess(
            command, extra in errors, f"{extra}==1\n" if extra else "", errors.get(extra, "")
        )

    monkeypatch.setattr("environments.lock.subprocess.run", run)


def written(root: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (root / "environments" / "requirements").rglob("*.txt")}


TWO = "optional = ['extra']\n[gpu]\nembed = ['index']\n[serverless]\nextra = ['local_llm']\n"


def with_earlier_files(root: Path) -> Path:
    for file in files(project(root, TWO)):
        file.path(root).parent.mkdir(parents=True, exist_ok=True)
        file.path(root).write_text("before")
    return root


def test_an_optional_file_that_conflicts_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_uv({"local_llm": CONFLICT}, monkeypatch)
    main(with_earlier_files(tmp_path))
    assert written(tmp_path).keys() == {"embed"}
    assert written(tmp_path)["embed"].endswith("\nindex==1\n")


@pytest.mark.parametrize("result", ["error: Failed to fetch: pypi\n  cause: Connection refused", ABSENT])
def test_any_other_failure_changes_no_file(result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_uv({"local_llm": result}, monkeypatch)
    with pytest.raises(SystemExit, match="^error: extra on serverless-v5: .*; correct it, or check the package index$"):
        main(with_earlier_files(tmp_path))
    assert written(tmp_path) == {"embed": "before", "extra": "before"}


def test_a_conflict_of_a_required_file_changes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = with_earlier_files(tmp_path)
    (root / "environments" / "requirements.toml").write_text(TWO.partition("\n")[2])
    replace_uv({"local_llm": CONFLICT}, monkeypatch)
    with pytest.raises(SystemExit, match=r"conflicts with the packages of the runtime \(a depends on b>=2 and b==1\)"):
        main(root)
    assert written(root) == {"embed": "before", "extra": "before"}


def test_jobs_name_the_files_that_are_made_and_no_others() -> None:
    jobs = [yaml.safe_load(path.read_text()) for path in (ROOT / "resources").glob("*.job*.yml")]
    text = json.dumps(jobs)  # not the files themselves: their comments may name one that is optional
    named = set(re.findall(r"environments/requirements/(?:serverless-v)?\$\{var\.(\w+)\}/(\w+)\.txt", text))
    variables = {"gpu": "gpu_runtime", "serverless": "serverless_version"}
    declared = {(variables[compute], name) for compute in variables for name in TASKS[compute]}
    assert len(set(re.findall(r"environments/requirements/[^\"]+", text))) == len(named)
    assert named <= declared
    assert {(compute, name) for compute, name in declared - named if name not in TASKS["optional"]} == set()
