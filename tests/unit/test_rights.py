"""docs/rights.md and the bundle grant the same rights; in dev only the deployer has any."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from databricks.bundles.apps import App
from databricks.bundles.experiments import MlflowExperiment
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume
from localbundle.definitions.bundle import load_bundle

from tests.support.rights import Row, read_rows

ROOT = Path(__file__).parents[2]
PRODUCTION = ("staging", "prod")
SECURABLES = {
    "schemas": Schema,
    "volumes": Volume,
    "experiments": MlflowExperiment,
    "apps": App,
}
WHO = {
    "jobs": "service_principal",
    "endpoint": "endpoint_principal",
    "admins": "admins",
    "operators": "operators",
    "analysts": "analysts",
    "callers": "callers",
    "users": "app_users",
}
APP = "chat"  # of its service principal, which a deployment makes, localbundle knows the App's key
GIVEN = {"app", "rights", "permissions", "release", "ownership", "manually"}
ROWS = read_rows()


@cache
def config(target: str) -> Mapping[str, Any]:
    return load_bundle(ROOT, target).config


def securables(target: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    resources = config(target)["resources"]
    for kind in SECURABLES:
        for key, resource in resources[kind].items():
            yield kind, key, resource


def name_of(target: str, principal: str) -> str:
    """The table's name for a principal of the target."""
    variables = config(target)["variables"]
    (found,) = (who for who, variable in WHO.items() if variables[variable]["value"] == principal)
    return found


def everywhere(target: str) -> set[str]:
    """The principals that the bundle itself gives rights on all its resources; the table has them in one row."""
    return {one.get("group_name") or one["service_principal_name"] for one in config(target)["permissions"]}


def granted(target: str) -> list[tuple[str, str, str]]:
    """The rights that the bundle grants: who, on which resource, which right; without what the App's binding gives."""
    found = []
    for _, key, resource in securables(target):
        for grant in resource.get("grants") or []:
            found += [(name_of(target, grant["principal"]), key, right) for right in grant["privileges"]]
        for one in resource.get("permissions") or []:
            who = one.get("group_name") or one.get("service_principal_name")
            if who and who not in everywhere(target) | {APP}:
                found.append((name_of(target, who), key, one["level"]))
    return found


def app_resources(target: str) -> list[tuple[str, str]]:
    """What the App is bound to: the resource's key or name, and the right."""
    found = []
    for one in config(target)["resources"]["apps"]["chat"]["resources"]:
        if "uc_securable" in one:
            name, right = one["uc_securable"]["securable_full_name"], one["uc_securable"]["permission"]
            found.append((name.rpartition(".")[2], right))
        else:
            found.append(("quality", one["experiment"]["permission"]))
    return found


def endpoint_access(target: str) -> list[tuple[str, str]]:
    """Who gets access to the endpoint by the release's parameters, with their level."""
    job = config(target)["resources"]["jobs"]["release"]
    given = {one["name"]: one["default"] for one in job["parameters"]}
    levels = {"managers": "CAN_MANAGE", "callers": "CAN_QUERY"}
    return [(name_of(target, given[name]), level) for name, level in levels.items() if given[name]]


def documented(given: str) -> list[tuple[str, str, str]]:
    rows = [row for row in ROWS if row.given == given]
    return [(row.who, key, right) for row in rows for key in row.on for right in row.rights]


@pytest.mark.parametrize("target", PRODUCTION)
def test_the_bundle_s_grants_match_the_table(target: str) -> None:
    assert sorted(granted(target)) == sorted(documented("rights"))


@pytest.mark.parametrize("target", PRODUCTION)
def test_a_target_s_permissions_match_the_table(target: str) -> None:
    permissions = config(target)["permissions"]
    given = [(one.get("group_name") or one["service_principal_name"], one["level"]) for one in permissions]
    assert sorted((name_of(target, who), level) for who, level in given) == sorted(
        (who, level) for who, key, level in documented("permissions") if key == "bundle"
    )


@pytest.mark.parametrize("target", PRODUCTION)
def test_the_release_s_access_to_the_endpoint_matches_the_table(target: str) -> None:
    assert sorted(endpoint_access(target)) == sorted(
        (who, level) for who, on, level in documented("release") if on == "endpoint"
    )


@pytest.mark.parametrize("target", PRODUCTION)
def test_permissions_leave_the_app_what_its_binding_gives(target: str) -> None:
    """A deployment sets all permissions of the experiment, and would take away what is not among them."""
    listed = config(target)["resources"]["experiments"]["quality"]["permissions"]
    assert {"service_principal_name": APP, "level": "CAN_EDIT"} in listed


@pytest.mark.parametrize("target", ("dev", *PRODUCTION))
def test_the_app_s_resources_match_the_table(target: str) -> None:
    assert sorted(app_resources(target)) == sorted((on, right) for who, on, right in documented("app") if who == "app")


def test_dev_grants_nothing() -> None:
    """The groups need not exist, and everything belongs to the deployer."""
    assert granted("dev") == [] and endpoint_access("dev") == []
    assert "permissions" not in config("dev")


@pytest.mark.parametrize("target", ("dev", *PRODUCTION))
def test_rights_are_spelled_as_in_databricks(target: str) -> None:
    for kind, _, resource in securables(target):
        SECURABLES[kind].from_dict(dict(resource))


def test_every_securable_has_grants_or_permissions() -> None:
    assert [
        key for _, key, resource in securables("prod") if not (resource.get("grants", resource.get("permissions")))
    ] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.who}-{row.on[0]}-{row.rights[0]}")
def test_a_row_names_existing_things(row: Row) -> None:
    assert row.given in GIVEN
    assert row.who in {"deployer", "app", *WHO}
    assert "ALL_PRIVILEGES" not in row.rights
    resources = config("prod")["resources"]
    if row.given == "rights":
        assert set(row.on) <= {key for kind in SECURABLES for key in resources[kind]}
    if row.who == "jobs" and row.given == "rights":
        tasks = {task["task_key"] for job in resources["jobs"].values() for task in job["tasks"]}
        assert row.tasks <= tasks | {"every task"}
