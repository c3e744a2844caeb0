import pytest
from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError
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


def test_another_catalog_is_refused(tmp_path) -> None:
    with pytest.raises(BundleError, match="schemas.rag is in catalog main, a laptop has only spark_catalog"):
        check_resources(bundle(tmp_path, "main"))
