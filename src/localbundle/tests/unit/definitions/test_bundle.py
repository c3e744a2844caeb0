import json

import pytest
from localbundle.definitions.bundle import find_root, load_bundle, write_resolved
from localbundle.errors import BundleError

ROOT = """
    bundle: {name: tiny}
    include: [resources/*.yml, environments/*.yml]
    variables:
      catalog: {default: main}
      size: {default: small}
      node: {type: complex, default: {kind: a, count: 1}}
"""
DEV = """
    targets:
      dev:
        mode: development
        default: true
        variables: {size: medium, node: {kind: b}}
      prod:
        mode: production
        workspace: {root_path: /Workspace/Shared/tiny}
        resources: {jobs: {x: {tasks: [{task_key: two, max_retries: 3}, {task_key: three}]}}}
"""
JOB = """
    resources:
      schemas: {rag: {catalog_name: "${var.catalog}", name: rag}}
      volumes: {land: {catalog_name: "${var.catalog}", schema_name: "${resources.schemas.rag.name}", name: landing}}
      experiments: {e: {name: /Shared/exp}}
      jobs:
        x:
          name: x ${var.size}
          schedule: {quartz_cron_expression: "0 0 1 * * ?"}
          parameters: [{name: schema, default: "${resources.schemas.rag.name}"}]
          tasks: [{task_key: one}, {task_key: two, max_retries: 1, timeout_seconds: 5}]
"""
LAPTOP = "variables: {catalog: spark_catalog}\nchecks: {x: 'module:function'}\n"


@pytest.fixture(autouse=True)
def user(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "jo.doe")


def test_development_prefixes_names_and_references_see_them(write) -> None:
    bundle = load_bundle(write(root=ROOT, dev=DEV, job=JOB, laptop=LAPTOP))
    assert (bundle.target, bundle.name) == ("dev", "tiny")
    job = bundle.jobs["x"]
    assert job["name"] == "[dev jo_doe] x medium"
    assert job["parameters"] == [{"name": "schema", "default": "dev_jo_doe_rag"}]
    assert job["schedule"]["pause_status"] == "PAUSED"
    assert job["max_concurrent_runs"] == 4
    assert bundle.config["resources"]["volumes"]["land"]["schema_name"] == "dev_jo_doe_rag"
    assert bundle.config["resources"]["volumes"]["land"]["name"] == "landing"
    assert bundle.config["resources"]["experiments"]["e"]["name"] == "/Shared/[dev jo_doe] exp"


def test_production_keeps_names_and_merges_tasks_by_key(write) -> None:
    bundle = load_bundle(write(root=ROOT, dev=DEV, job=JOB), "prod")
    assert bundle.jobs["x"]["name"] == "x small"
    assert bundle.jobs["x"]["tasks"] == [
        {"task_key": "one"},
        {"task_key": "three"},
        {"task_key": "two", "max_retries": 3, "timeout_seconds": 5},
    ]
    assert bundle.config["workspace"]["artifact_path"] == "/Workspace/Shared/tiny/artifacts"
    assert bundle.config["workspace"]["file_path"] == str(bundle.root)


def test_a_target_adds_to_what_an_app_is_bound_to_and_replaces_it_by_name(write) -> None:
    apps = """
        bundle: {name: tiny}
        resources: {apps: {a: {name: a, resources: [{name: a, secret: {key: k}}, {name: b, job: {id: "1"}}]}}}
        targets: {dev: {resources: {apps: {a: {resources: [
          {name: a, sql_warehouse: {id: w}}, {name: c, job: {id: "2"}}]}}}}}
    """
    found = load_bundle(write(root=apps)).config["resources"]["apps"]["a"]["resources"]
    assert found == [
        {"name": "a", "sql_warehouse": {"id": "w"}},
        {"name": "b", "job": {"id": "1"}},
        {"name": "c", "job": {"id": "2"}},
    ]


def test_the_laptops_values_override_the_targets_and_are_not_included(write) -> None:
    root = write(root=ROOT, dev=DEV, job=JOB, laptop=LAPTOP)
    bundle = load_bundle(root, "prod")
    assert bundle.config["resources"]["schemas"]["rag"]["catalog_name"] == "spark_catalog"
    assert bundle.checks == {"x": "module:function"}
    assert "checks" not in bundle.config


def test_precedence_of_variables(write, monkeypatch) -> None:
    root = write(root=ROOT, dev=DEV, job=JOB, laptop="variables: {size: laptop}")
    assert load_bundle(root, "prod").config["variables"]["size"]["value"] == "laptop"
    monkeypatch.setenv("BUNDLE_VAR_size", "env")
    assert load_bundle(root, "prod").config["variables"]["size"]["value"] == "env"
    assert load_bundle(root, "prod", {"size": "var"}).config["variables"]["size"]["value"] == "var"


def test_a_target_replaces_a_complex_variable_whole(write) -> None:
    bundle = load_bundle(write(root=ROOT, dev=DEV, job=JOB), "dev")
    assert bundle.config["variables"]["node"]["value"] == {"kind": "b"}


def test_the_resolved_bundle_is_written_for_others(write) -> None:
    bundle = load_bundle(write(root=ROOT, dev=DEV, job=JOB, laptop=LAPTOP))
    written = json.loads(write_resolved(bundle).read_text())
    assert written["resources"]["schemas"]["rag"]["name"] == "dev_jo_doe_rag"
    assert written["bundle"]["target"] == "dev"
    assert [path.name for path in bundle.home.iterdir()] == ["bundle.json"]


def test_the_root_is_found_from_below(write) -> None:
    root = write(root=ROOT, job=JOB)
    assert find_root(root / "resources") == root


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, {"target": "dve"}, "target dve is not defined; did you mean dev?"),
        ({}, {"overrides": {"siz": "1"}}, "variable siz is not declared; did you mean size?"),
        ({"job": "a: [1\nb: 2"}, {}, "x.job.yml:2: not valid YAML"),
        ({"job": "- 1"}, {}, "contains a list"),
        (
            {"dev": "targets: {a: {}, b: {}}"},
            {},
            "no target is chosen and none is the default; add -t with one of a, b",
        ),
        ({"root": "include: [resources/y.yml]"}, {}, "include resources/y.yml matches no file"),
        ({"root": "variables: {}", "job": ""}, {}, "the bundle has no name"),
    ],
)
def test_an_error_is_one_line_with_its_location(write, files, options, message) -> None:
    root = write(**{"root": ROOT, "dev": DEV, "job": JOB, **files})
    with pytest.raises(BundleError) as caught:
        load_bundle(root, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"laptop": "variables: {catalogue: x}"}, "variable catalogue is not declared; did you mean catalog?"),
        ({"job": "resources: {jobs: {x: {name: '${var.sise}'}}}"}, "resources/x.job.yml:1: ${var.sise}: no variable"),
        ({"dev": "targets: {dev: {mode: staging}}"}, "environments/dev.yml:1: target mode staging is unknown"),
    ],
)
def test_what_is_wrong_in_a_part_is_one_line_and_the_rest_is_resolved(write, files, message) -> None:
    bundle = load_bundle(write(**{"root": ROOT, "dev": DEV, "job": JOB, **files}))
    assert message in "\n".join(str(problem) for problem in bundle.problems)
    assert bundle.jobs["x"]
