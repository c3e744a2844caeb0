"""environments/laptop.yml: what a laptop puts in place of a workspace's values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localbundle.definitions.schema import OF_A_LAPTOP, check_shape
from localbundle.definitions.yamlfile import place, read_yaml
from localbundle.errors import BundleError, closest

LAPTOP_FILE = Path("environments/laptop.yml")


@dataclass(frozen=True)
class Laptop:
    """The values of its variables, the checks of its jobs' parameters, and whether volumes refuse what real ones do."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    strict_volumes: bool = True


def read_laptop(root: Path) -> Laptop:
    """Reads the file of the bundle in `root`; a bundle needs none.

    Raises:
        BundleError: it has a key that means nothing, or a value of the wrong kind.
    """
    if not (root / LAPTOP_FILE).is_file():
        return Laptop()
    written = read_yaml(root / LAPTOP_FILE)
    known = Laptop.__dataclass_fields__
    for key in written:
        if key not in known:
            raise BundleError(f"{place(key, root)}{key} means nothing here; {closest(key, known)}")
    check_shape(written, OF_A_LAPTOP, root)
    return Laptop(**{key: value for key, value in written.items() if value is not None})
