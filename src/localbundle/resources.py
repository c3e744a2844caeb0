"""The bundle's resources that a local workspace has: schemas in its catalog, volumes as folders."""

from typing import Any

from localbundle.bundle import Bundle
from localbundle.errors import BundleError

_CATALOG = "spark_catalog"


def prepare(bundle: Bundle) -> list[str]:
    """Makes the folders of volumes, and returns the SQL statements that make the schemas.

    Raises:
        BundleError: a schema or volume lies in a catalog that a laptop does not have.
    """
    resources = bundle.config["resources"]
    statements = []
    for key, schema in (resources.get("schemas") or {}).items():
        _check_catalog("schema", key, schema)
        comment = f" COMMENT '{_escaped(schema['comment'])}'" if schema.get("comment") else ""
        statements.append(f"CREATE SCHEMA IF NOT EXISTS {_CATALOG}.`{schema['name']}`{comment}")
    for key, volume in (resources.get("volumes") or {}).items():
        _check_catalog("volume", key, volume)
        folder = bundle.home / "Volumes" / _CATALOG / volume["schema_name"] / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
    return statements


def _check_catalog(kind: str, key: str, resource: dict[str, Any]) -> None:
    catalog = resource.get("catalog_name")
    if catalog != _CATALOG:
        raise BundleError(
            f"{kind} {key} lies in catalog {catalog}, a laptop has only {_CATALOG}; "
            f"make its catalog_name a variable and set that to {_CATALOG} in environments/laptop.yml"
        )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
