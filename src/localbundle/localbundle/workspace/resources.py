"""The bundle's resources that a local workspace has: schemas in its catalog, volumes as folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError

_CATALOG = "spark_catalog"


def check_resources(bundle: Bundle) -> None:
    """Refuses what a laptop cannot have.

    Raises:
        BundleError: a schema or a volume lies in a catalog other than the laptop's.
    """
    for kind in ("schemas", "volumes"):
        for key, resource in _resources(bundle, kind).items():
            catalog = resource.get("catalog_name")
            if catalog != _CATALOG:
                raise BundleError(
                    f"{kind}.{key} lies in catalog {catalog}, a laptop has only {_CATALOG}; "
                    f"make its catalog_name a variable and set that to {_CATALOG} in environments/laptop.yml"
                )


def volume_folders(bundle: Bundle) -> list[Path]:
    """The folders that stand for the bundle's volumes."""
    volumes = _resources(bundle, "volumes")
    root = bundle.home / "Volumes" / _CATALOG
    return [root / volume["schema_name"] / volume["name"] for volume in volumes.values()]


def schema_statements(bundle: Bundle) -> list[str]:
    """The SQL that makes the bundle's schemas."""
    return [_create(schema) for schema in _resources(bundle, "schemas").values()]


def create_schemas(bundle: Bundle, remote: str) -> None:
    """Makes the bundle's schemas. The first use of a catalog takes seconds, which the next run then does not pay."""
    from pyspark.sql import SparkSession  # slow, and other commands do without

    spark = SparkSession.builder.remote(remote).create()
    for statement in ["SHOW SCHEMAS", *schema_statements(bundle)]:
        spark.sql(statement).collect()
    spark.stop()


def _create(schema: Mapping[str, Any]) -> str:
    text = str(schema.get("comment", "")).replace("\\", "\\\\").replace("'", "\\'")
    return f"CREATE SCHEMA IF NOT EXISTS {_CATALOG}.`{schema['name']}` COMMENT '{text}'"


def _resources(bundle: Bundle, kind: str) -> Mapping[str, Any]:
    resources: Mapping[str, Any] = bundle.config["resources"].get(kind) or {}
    return resources
