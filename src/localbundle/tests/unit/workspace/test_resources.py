import pytest
from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError
from localbundle.workspace.catalogs import catalog_names
from localbundle.workspace.resources import check_resources, create_volumes, schema_statements


def bundle(tmp_path, catalog: str = "spark_catalog") -> Bundle:
    schema = {"catalog_name": catalog, "name": "dev_me_rag", "comment": "it's \\ here"}
    volume = {"catalog_name": catalog, "schema_name": "dev_me_rag", "name": "landing"}
    config = {"resources": {"schemas": {"rag": schema}, "volumes": {"landing": volume}}}
    return Bundle(tmp_path, "b", "dev", config, {})


def test_schemas_and_volumes_of_a_laptop(tmp_path) -> None:
    check_resources(bundle(tmp_path))
    assert schema_statements(bundle(tmp_path)) == [
        r"CREATE SCHEMA IF NOT EXISTS spark_catalog.`dev_me_rag` COMMENT 'it\'s \\ here'"
    ]
    create_volumes(bundle(tmp_path))
    assert (tmp_path / ".localbundle/dev/Volumes/spark_catalog/dev_me_rag/landing").is_dir()


def test_a_volume_is_a_folder_below_its_own_catalog(tmp_path) -> None:
    create_volumes(bundle(tmp_path, "main"))
    assert (tmp_path / ".localbundle/dev/Volumes/main/dev_me_rag/landing").is_dir()


def test_a_schema_without_a_catalog_is_refused(tmp_path) -> None:
    found = bundle(tmp_path)
    del found.config["resources"]["schemas"]["rag"]["catalog_name"]
    with pytest.raises(BundleError, match="schemas.rag has no catalog_name; add it, for example main"):
        check_resources(found)


def with_values(tmp_path) -> Bundle:
    """A bundle like the CLI's templates make: catalog and schema are values, and nothing declares them."""
    known = {
        "catalog": {"default": "dev", "value": "ours"},
        "raw_catalog": {"default": "raw"},
        "schema": {"default": "ann"},
    }
    parameters = [{"name": "catalog", "default": "ours"}, {"name": "schema", "default": "${var.gone}"}]
    config = {"variables": known, "resources": {"jobs": {"j": {"parameters": parameters}}}}
    return Bundle(tmp_path, "b", "dev", config, {}, catalogs=("legacy",))


def test_values_named_catalog_and_schema_are_known(tmp_path) -> None:
    found = with_values(tmp_path)
    assert catalog_names(found) == ("hive_metastore", "legacy", "main", "ours", "raw", "samples", "workspace")
    assert schema_statements(found) == ["CREATE SCHEMA IF NOT EXISTS spark_catalog.`ann` COMMENT ''"]


def test_the_sample_table_is_made_for_bundles_that_read_it(tmp_path) -> None:
    found = with_values(tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "x.py").write_text("samples.nyctaxi.trips")
    assert len(schema_statements(found)) == 1
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "n.ipynb").write_text('"spark.read.table(\\"samples.nyctaxi.trips\\")"')
    assert "samples.nyctaxi.trips" in schema_statements(found)[-1]
