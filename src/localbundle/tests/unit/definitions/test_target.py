import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.errors import BundleError

ROOT = "bundle: {name: tiny}"


@pytest.mark.parametrize(
    ("laptop", "strict"),
    [("", True), ("strict_volumes:", True), ("strict_volumes: true", True), ("strict_volumes: false", False)],
)
def test_volumes_are_strict_unless_that_is_switched_off(write, laptop, strict) -> None:
    assert load_bundle(write(root=ROOT, laptop=laptop)).strict_volumes is strict


def test_without_the_file_volumes_are_strict(write) -> None:
    assert load_bundle(write(root=ROOT)).strict_volumes


@pytest.mark.parametrize(
    ("laptop", "error"),
    [
        ("strict_volumes: off and on", "strict_volumes is 'off and on', and must be a boolean; write true or false"),
        ("strict_volumes: 0", "strict_volumes is 0, and must be a boolean; write true or false"),
        ("strict_volumes: ${var.x}", r"strict_volumes is '\$\{var.x\}', and must be a boolean; write true or false"),
        ("strict_volume: false", "unknown key strict_volume; did you mean strict_volumes?"),
        ("zzz: {}", "unknown key zzz; known: catalogs, checks, ignore, install, strict_volumes, variables"),
    ],
)
def test_an_unknown_key_or_value_is_refused_with_its_location(write, laptop, error) -> None:
    root = write(root=ROOT, laptop=f"variables: {{}}\n{laptop}")
    with pytest.raises(BundleError, match=f"environments/laptop.yml:2: {error}"):
        load_bundle(root)
