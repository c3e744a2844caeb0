"""Catalogs and schemas of a bundle on one machine: every catalog is a name of the one that Spark has here.

So main.sales.orders and dev.sales.orders are the same table, sales.orders; and current_catalog() is always
spark_catalog.
"""

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.named_values import plain_names, resources, values_named

CATALOG = "spark_catalog"
ALWAYS = ("hive_metastore", "main", "samples", "workspace")
"""Names that code uses without a declaration, in most workspaces."""
_DECLARING = ("schemas", "volumes", "registered_models")


def catalog_names(bundle: Bundle) -> tuple[str, ...]:
    """The catalogs that a bundle may mean: of resources, of values named catalog, and of environments/laptop.yml."""
    declared = (one.get("catalog_name") for kind in _DECLARING for one in resources(bundle, kind).values())
    created = (one.get("name") for one in resources(bundle, "catalogs").values())
    found = {*ALWAYS, *bundle.catalogs, *plain_names([*declared, *created, *values_named(bundle, "catalog")])}
    return tuple(sorted(found - {CATALOG}))


def schema_names(bundle: Bundle) -> tuple[str, ...]:
    """The schemas to create: of its resources, and of values named schema, which on Databricks exist beforehand."""
    declared = (one.get("name") for one in resources(bundle, "schemas").values())
    return tuple(dict.fromkeys(plain_names([*declared, *values_named(bundle, "schema")])))
