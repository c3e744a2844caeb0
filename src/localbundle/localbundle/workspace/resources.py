"""The bundle's resources in a local workspace: its server, its schemas, volumes as folders."""

from collections.abc import Callable

from localbundle.definitions.bundle import Bundle, write_resolved
from localbundle.definitions.named_values import resources
from localbundle.definitions.read_job import CANNOT_RUN
from localbundle.definitions.yamlfile import error_at
from localbundle.errors import Report, raise_error
from localbundle.workspace import samples
from localbundle.workspace.catalogs import CATALOG, catalog_names, schema_names
from localbundle.workspace.environment import VOLUMES
from localbundle.workspace.server import Server, ServerState


def server_of(bundle: Bundle) -> Server:
    """The Spark server of the bundle's target."""
    return Server(bundle.home, strict_volumes=bundle.strict_volumes, catalogs=catalog_names(bundle))


def check_resources(bundle: Bundle, report: Report = raise_error) -> None:
    """Refuses resources that a laptop cannot provide.

    Raises:
        BundleError: a schema or a volume does not say in which catalog it is.
    """
    for kind in ("schemas", "volumes"):
        for key, resource in resources(bundle, kind).items():
            if resource.get("catalog_name") is None:
                message = f"{kind}.{key} has no catalog_name; add it, for example main"
                report(error_at(key, bundle.root, message, rule=CANNOT_RUN))


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
    root = bundle.home / VOLUMES
    for volume in resources(bundle, "volumes").values():
        (root / volume["catalog_name"] / volume["schema_name"] / volume["name"]).mkdir(parents=True, exist_ok=True)


def schema_statements(bundle: Bundle) -> list[str]:
    """The SQL that creates the bundle's schemas, and the sample table if its code reads that."""
    comments = {one.get("name"): one.get("comment") for one in resources(bundle, "schemas").values()}
    created = [_create(name, str(comments.get(name) or "")) for name in schema_names(bundle)]
    return [*created, *(samples.STATEMENTS if samples.is_used(bundle.root) else ())]


def _create_schemas(bundle: Bundle, remote: str) -> None:
    """Creates the schemas, and uses the catalog once: its first use takes seconds, which runs should not pay."""
    from pyspark.sql import SparkSession  # slow, and most commands do not need it

    spark = SparkSession.builder.remote(remote).create()
    for statement in ["SHOW SCHEMAS", *schema_statements(bundle)]:
        spark.sql(statement).collect()
    spark.stop()


def _create(name: str, comment: str) -> str:
    text = comment.replace("\\", "\\\\").replace("'", "\\'")
    return f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.`{name}` COMMENT '{text}'"
