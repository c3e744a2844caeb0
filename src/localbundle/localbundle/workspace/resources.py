"""The bundle's resources in a local workspace: schemas in its catalog, volumes as folders."""

from collections.abc import Callable, Mapping
from typing import Any

from localbundle.definitions.bundle import Bundle, write_resolved
from localbundle.definitions.read_job import CANNOT_RUN
from localbundle.definitions.yamlfile import error_at
from localbundle.errors import Report, raise_error
from localbundle.workspace.environment import VOLUMES
from localbundle.workspace.server import Server, ServerState

CATALOG = "spark_catalog"


def check_resources(bundle: Bundle, report: Report = raise_error) -> None:
    """Refuses resources that a laptop cannot provide.

    Raises:
        BundleError: a schema or a volume is in a catalog other than the laptop's.
    """
    for kind in ("schemas", "volumes"):
        for key, resource in _resources(bundle, kind).items():
            catalog = resource.get("catalog_name")
            if catalog != CATALOG:
                message = (
                    f"{kind}.{key} is in catalog {catalog}, a laptop has only {CATALOG}; "
                    f"make its catalog_name a variable and set that to {CATALOG} in environments/laptop.yml"
                )
                report(error_at(key if catalog is None else catalog, bundle.root, message, rule=CANNOT_RUN))


def open_workspace(
    bundle: Bundle, server: Server, progress: Callable[[str], None], owner: str | None = None, *, keep: bool = False
) -> ServerState:
    """Finds or starts the target's Spark, marks it as in use, and creates the bundle's schemas and volumes.

    Raises:
        BundleError: the bundle has a resource that a laptop cannot provide, or Spark did not start.
    """
    check_resources(bundle)
    write_resolved(bundle)
    create_volumes(bundle)
    state = server.use(progress, keep=keep, owner=owner)
    progress("preparing the catalog")
    _create_schemas(bundle, state.remote)
    return state


def create_volumes(bundle: Bundle) -> None:
    """Creates the folders of the bundle's volumes."""
    root = bundle.home / VOLUMES / CATALOG
    for volume in _resources(bundle, "volumes").values():
        (root / volume["schema_name"] / volume["name"]).mkdir(parents=True, exist_ok=True)


def schema_statements(bundle: Bundle) -> list[str]:
    """The SQL that creates the bundle's schemas."""
    return [_create(schema) for schema in _resources(bundle, "schemas").values()]


def _create_schemas(bundle: Bundle, remote: str) -> None:
    """Creates the schemas, and uses the catalog once: its first use takes seconds, which runs should not pay."""
    from pyspark.sql import SparkSession  # slow, and most commands do not need it

    spark = SparkSession.builder.remote(remote).create()
    for statement in ["SHOW SCHEMAS", *schema_statements(bundle)]:
        spark.sql(statement).collect()
    spark.stop()


def _create(schema: Mapping[str, Any]) -> str:
    text = str(schema.get("comment", "")).replace("\\", "\\\\").replace("'", "\\'")
    return f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.`{schema['name']}` COMMENT '{text}'"


def _resources(bundle: Bundle, kind: str) -> Mapping[str, Any]:
    resources: Mapping[str, Any] = bundle.config["resources"].get(kind) or {}
    return resources
