"""A value of the wrong type anywhere in a bundle is a line with its file and line, never a stack trace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from localbundle.definitions import files as files_module
from localbundle.definitions import target as target_module
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.read_job import find_job
from localbundle.definitions.yamlfile import read_yaml
from localbundle.errors import BundleError
from localbundle.lint.check import lint
from localbundle.workspace.resources import check_resources

ROOT = """
    bundle: {name: every_field}
    include: [resources/*.yml]
    workspace: {host: https://example.com, root_path: /Workspace/Shared/x}
    presets: {name_prefix: x_, jobs_max_concurrent_runs: 2}
    variables:
      catalog: {default: main}
      node: {type: complex, default: {node_type_id: m5d.xlarge}}
    artifacts: {wheel: {type: whl, path: ., build: 'true'}}
    targets:
      dev:
        default: true
        mode: development
        variables: {catalog: other}
        resources: {jobs: {main: {tasks: [{task_key: wheel, max_retries: 2}]}}}
      prod: {mode: production}
"""
JOB = """
    resources:
      schemas: {docs: {catalog_name: "${var.catalog}", name: docs, comment: texts}}
      volumes: {land: {catalog_name: "${var.catalog}", schema_name: "${resources.schemas.docs.name}", name: land}}
      jobs:
        main:
          name: main
          max_concurrent_runs: 1
          timeout_seconds: 60
          queue: {enabled: true}
          schedule: {quartz_cron_expression: "0 0 1 * * ?", timezone_id: UTC}
          trigger: {periodic: {interval: 1, unit: DAYS}}
          parameters: [{name: size, default: 4}]
          environments:
            - environment_key: env
              spec: {environment_version: "4", dependencies: [rich>=13, -r requirements.txt, ../dist/*.whl]}
          job_clusters:
            - job_cluster_key: cluster
              new_cluster: {spark_version: 17.x-scala2.13, node_type_id: "${var.node.node_type_id}", num_workers: 1}
          tasks:
            - task_key: notebook
              notebook_task: {notebook_path: ../notebooks/n.py, base_parameters: {size: "{{job.parameters.size}}"}}
              job_cluster_key: cluster
              libraries: [{pypi: {package: numpy}}, {whl: ../dist/*.whl}]
              timeout_seconds: 5
            - task_key: condition
              depends_on: [{task_key: notebook}]
              condition_task: {op: GREATER_THAN, left: "{{tasks.notebook.values.n}}", right: "0"}
            - task_key: each
              depends_on: [{task_key: condition, outcome: "true"}]
              run_if: ALL_DONE
              for_each_task:
                inputs: "[1]"
                concurrency: 2
                task:
                  task_key: inner
                  environment_key: env
                  spark_python_task: {python_file: ../src/main.py, parameters: ["{{input}}"]}
            - {task_key: other, run_job_task: {job_id: "${resources.jobs.other.id}", job_parameters: {a: b}}}
            - task_key: wheel
              environment_key: env
              python_wheel_task: {package_name: tiny, entry_point: main, named_parameters: {a: "1"}}
              max_retries: 1
              retry_on_timeout: true
              disabled: false
        other: {tasks: [{task_key: t, notebook_task: {notebook_path: ../notebooks/n.py}}]}
"""
LAPTOP = """
    variables: {catalog: spark_catalog}
    checks: {main: "module:function"}
    strict_volumes: true
"""
WRONG: list[Any] = ["text", 5, None, ["a"], {"a": {"b": 1}}]


def paths(node: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from paths(value, (*path, key))


def replaced(node: Any, path: tuple[Any, ...], value: object) -> Any:
    """A copy of the tree with another value at a path."""
    if not path:
        return value
    copy = node.copy()
    copy[path[0]] = replaced(node[path[0]], path[1:], value)
    return copy


@pytest.fixture
def root(write, tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.py").touch()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'tiny'\n")
    return write(root=ROOT, job=JOB, laptop=LAPTOP, notebook="# Databricks notebook source\n")


def test_a_wrong_type_anywhere_is_a_one_line_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value of each file is replaced; the files are parsed once."""
    parsed = {
        root / name: read_yaml(root / name)
        for name in ("databricks.yml", "resources/x.job.yml", "environments/laptop.yml")
    }
    current = dict(parsed)
    for module in (files_module, target_module):
        monkeypatch.setattr(module, "read_yaml", lambda file: dict(current[file]))
    assert lint(load_bundle(root), check_resources) is not None
    refused, crashes = 0, []
    for file, content in parsed.items():
        for path in paths(content):
            for wrong in WRONG:
                current[file] = replaced(content, path, wrong)
                try:
                    bundle = load_bundle(root, "dev")
                    refused += bool(lint(bundle, check_resources))
                    for key in bundle.jobs:
                        find_job(bundle, key)
                except BundleError as error:
                    assert "\n" not in str(error)
                    refused += 1
                except Exception as error:
                    crashes.append(f"{'.'.join(map(str, path))} = {wrong!r}: {error!r}")
        current[file] = content
    assert not crashes, "\n".join(crashes)
    assert refused > 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("include: resources/*.yml", "databricks.yml:2: include is 'resources/*.yml', and must be a list"),
        ("variables: {a: b}", "databricks.yml:2: variables.a is 'b', and must be a mapping"),
        ("resources: {jobs: {a: [b]}}", "databricks.yml:2: resources.jobs.a is a list, and must be a mapping"),
        ("resources: {jobs: {a: {tasks: b}}}", "databricks.yml:2: resources.jobs.a.tasks is 'b', and must be a list"),
        (
            "targets: {dev: {resources: {jobs: 5}}}",
            "databricks.yml:2: targets.dev.resources.jobs is a number, and",
        ),
        ("resources: {jobs: {a: {max_concurrent_runs: x}}}", "max_concurrent_runs is 'x', and must be a whole number"),
        ("resources: {jobs: {a: {max_concurrent_runs: 1.5}}}", "max_concurrent_runs is a number, and must be a whole"),
        (
            "resources: {jobs: {a: {nmae: x}}}",
            "resources.jobs.a has no field nmae; did you mean name?",
        ),
        (
            "variables: {v: {default: 5}}\nresources: {jobs: {a: {queue: '${var.v}'}}}",
            "resources.jobs.a.queue is a number, and must be a mapping",
        ),
        (
            "resources: {jobs: {a: {queue: {enabled: true}, tasks: [{task_key: t, run_if: SOMETIMES}]}}}",
            "resources.jobs.a.tasks.0.run_if cannot be SOMETIMES; known: ALL_DONE",
        ),
        ("resources: {jobs: {a: {parameters: [{name: x}]}}}", "parameters.0 has no default, which a deployment needs"),
        ("resources: {jobs: {a: {parameters: [{name: x, default: }]}}}", "parameters.0.default is empty; write text"),
    ],
)
def test_a_warning_names_file_line_path_value_and_fix(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "databricks.yml").write_text(f"bundle: {{name: tiny}}\n{text}\n")
    assert message in "\n".join(str(problem) for problem in load_bundle(tmp_path).problems)
