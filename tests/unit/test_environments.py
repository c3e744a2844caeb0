"""Targets differ only in environments/TARGET.yml, and each has the properties of its mode."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.apps import App, AppResource
from localbundle.definitions.bundle import Bundle, load_bundle

from ragops.platform.workspace import Workspace

ROOT = Path(__file__).parents[2]
TARGETS = ("dev", "staging", "prod")
PRODUCTION = ("staging", "prod")
# What a target may set: workspace, identity, permissions, branch, values of variables, and what its App is bound to
# besides: the endpoint and secrets, which a target has from some day on.
SETTINGS = {"default", "mode", "presets", "workspace", "git", "run_as", "permissions", "variables", "resources"}


def written(target: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "environments" / f"{target}.yml").read_text())


def everywhere() -> dict[Path, Any]:
    """The files that must not depend on targets, without the lines that include other files."""
    files = [
        ROOT / "databricks.yml",
        ROOT / "environments" / "runtimes.yml",
        *sorted((ROOT / "resources").glob("*.yml")),
    ]
    contents = {file: yaml.safe_load(file.read_text()) for file in files}
    contents[files[0]].pop("include")
    return contents


@pytest.fixture
def as_deployed(tmp_path: Path) -> Path:
    """The bundle without the overrides of a laptop."""
    for name in ("databricks.yml", "resources", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "environments").mkdir()
    for name in ("runtimes", *TARGETS):
        shutil.copy(ROOT / "environments" / f"{name}.yml", tmp_path / "environments")
    return tmp_path


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield str(value)


def resources_of(bundle: Bundle) -> str:
    """All resources as text, each path in the workspace under one root."""
    return json.dumps(bundle.config["resources"]).replace(bundle.config["workspace"]["root_path"], "ROOT")


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_defines_one_target_with_allowed_settings_only(target: str) -> None:
    assert written(target).keys() == {"targets"}
    assert written(target)["targets"].keys() == {target}
    settings = written(target)["targets"][target]
    assert settings.keys() <= SETTINGS
    assert settings.get("resources", {}).keys() <= {"apps"}


def test_a_target_binds_its_app_to_an_endpoint_and_a_secret_as_the_guide_shows(as_deployed: Path) -> None:
    guide = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    (shown,) = [block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "apps:" in block]
    prod = written("prod")
    prod["targets"]["prod"] |= yaml.safe_load(shown)["targets"]["prod"]
    (as_deployed / "environments" / "prod.yml").write_text(yaml.safe_dump(prod))
    config = load_bundle(as_deployed, "prod").config["resources"]
    app = App.from_dict(config["apps"]["chat"])
    bound = {one.name: one for one in map(AppResource.from_dict, app.as_dict()["resources"])}
    assert bound.keys() == {"index", "ledger", "experiment", "endpoint", "payload-keys"}
    assert bound["endpoint"].as_dict()["serving_endpoint"] == {"name": "ragops-prod", "permission": "CAN_QUERY"}
    scope = config["secret_scopes"]["models"]["name"]
    assert bound["payload-keys"].as_dict()["secret"] == {"scope": scope, "key": "payload-keys", "permission": "READ"}
    env = {one["name"]: one for one in config["apps"]["chat"]["config"]["env"]}
    assert env["RAGOPS_ENDPOINT"]["value_from"] == "endpoint" and env["RAGOPS_SCHEMA"]["value"] == "rag"


@pytest.mark.parametrize(("file", "content"), everywhere().items(), ids=lambda value: getattr(value, "name", ""))
def test_no_other_file_depends_on_targets(file: Path, content: dict[str, Any]) -> None:
    assert "targets" not in content
    named = [text for text in leaves(content) if re.search(rf"\b({'|'.join(TARGETS)})\b|bundle\.(target|mode)", text)]
    assert named == [], file


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_s_resources_do_not_depend_on_its_name(as_deployed: Path, target: str) -> None:
    before = resources_of(load_bundle(as_deployed, target))
    file = as_deployed / "environments" / f"{target}.yml"
    file.write_text(yaml.safe_dump({"targets": {"elsewhere": written(target)["targets"][target]}}))
    assert resources_of(load_bundle(as_deployed, "elsewhere")) == before


def test_every_reference_in_a_target_is_resolved(as_deployed: Path) -> None:
    for target in TARGETS:
        config = load_bundle(as_deployed, target).config
        assert not [text for text in leaves({**config, "variables": {}}) if "${" in text]


def test_in_dev_every_user_has_separate_resources(as_deployed: Path) -> None:
    bundle = load_bundle(as_deployed, "dev")
    user = bundle.config["workspace"]["current_user"]["short_name"]
    assert bundle.config["bundle"]["mode"] == "development"
    for kind in ("jobs", "schemas", "experiments", "secret_scopes"):
        for key, resource in bundle.config["resources"][kind].items():
            assert f"dev {user}" in re.sub(r"[_-]", " ", resource["name"]), f"{kind}.{key} would be shared by all users"
    for job in bundle.jobs.values():
        assert job.get("schedule", {}).get("pause_status", "PAUSED") == "PAUSED"


@pytest.mark.parametrize("target", PRODUCTION)
def test_production_runs_as_a_service_principal(as_deployed: Path, target: str) -> None:
    config = load_bundle(as_deployed, target).config
    principal = config["variables"]["service_principal"]["value"]
    assert config["bundle"]["mode"] == "production"
    assert config["run_as"] == {"service_principal_name": principal}
    assert config["workspace"]["root_path"] == f"/Workspace/Users/{principal}/.bundle/ragops/{target}"
    assert {(p.get("group_name") or p["service_principal_name"], p["level"]) for p in config["permissions"]} == {
        (principal, "CAN_MANAGE"),
        (config["variables"]["admins"]["value"], "CAN_MANAGE"),
        (config["variables"]["operators"]["value"], "CAN_RUN"),
    }
    assert config["resources"]["jobs"]["refresh"]["schedule"]["pause_status"] == "UNPAUSED"
    assert config["variables"]["alert_emails"]["value"]


def test_prod_is_deployed_from_main(as_deployed: Path) -> None:
    assert load_bundle(as_deployed, "prod").config["bundle"]["git"]["branch"] == "main"


def test_targets_share_no_catalog(as_deployed: Path) -> None:
    catalogs = [load_bundle(as_deployed, target).config["variables"]["catalog"]["value"] for target in TARGETS]
    assert len(set(catalogs)) == len(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_secrets_are_read_from_the_deployed_scope(as_deployed: Path, target: str) -> None:
    resources = load_bundle(as_deployed, target).config["resources"]
    for schema in resources["schemas"].values():
        workspace = Workspace(schema["catalog_name"], schema["name"])
        assert workspace.secret_scope == resources["secret_scopes"]["models"]["name"]


def test_the_name_of_a_scope_uses_only_variables() -> None:
    """In names of scopes the CLI does not resolve `${resources...}`: the scope would have that literal name."""
    (scope,) = yaml.safe_load((ROOT / "resources" / "models.secret_scope.yml").read_text())["resources"][
        "secret_scopes"
    ].values()
    assert "resources." not in scope["name"]


@pytest.mark.parametrize("target", TARGETS)
def test_embedding_runs_on_gpu_nodes_of_the_target_s_cloud(as_deployed: Path, target: str) -> None:
    config = load_bundle(as_deployed, target).config
    types = config["variables"]["gpu_node_types"]["value"]
    assert types.keys() == {"azure", "aws", "gcp"}
    (cluster,) = (entry["new_cluster"] for entry in config["resources"]["jobs"]["refresh"]["job_clusters"])
    (cloud,) = (name for name, node in types.items() if node == cluster["node_type_id"])
    assert cluster["driver_node_type_id"] == config["variables"]["gpu_driver_types"]["value"][cloud]
    assert cluster["num_workers"] > 0
