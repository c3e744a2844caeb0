"""Updates the table of runtimes: `python -m localbundle.lint.refresh FOLDER`.

FOLDER is a checkout of github.com/databricks/environments, which has a pyproject.toml for each runtime, generated from
its release notes. They have `~=` where the notes have `==`, so that developers get patches: a runtime ships the version
that is written.
"""

import json
import sys
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from localbundle.errors import BundleError
from localbundle.lint.runtimes import TABLE, release

PACKAGES = ("numpy", "pandas", "protobuf", "pyarrow", "pydantic", "pyspark", "torch")


def refresh(folder: Path, table: Path, today: date) -> str:
    """Reads the folder into the table; returns one line on what changed.

    Manual entries stay: `added`, versions that the lists do not have, by release; `out_of_support`, releases to skip.

    Raises:
        BundleError: the folder has no lists, or one has an unknown form.
    """
    content = json.loads(table.read_text("utf-8"))
    files = {file.parent.name: file for file in sorted(folder.glob("python/*/*/pyproject.toml"))}
    if not files:
        raise BundleError("has no python/*/*/pyproject.toml; check out github.com/databricks/environments", str(folder))
    read = {name: _read(file) for name, file in files.items() if release(name) not in content["out_of_support"]}
    table.write_text(_text({**content, "date": str(today), "runtimes": read}), "utf-8")
    before = content["runtimes"]
    changes = {
        "new": [name for name in read if name not in before],
        "changed": [name for name in read if name in before and read[name] != before[name]],
        "gone": [name for name in before if name not in read],
        "without a PySpark, so add its version to `added`": _without_spark(read, content["added"]),
    }
    summary = "".join(f"; {what}: {', '.join(names)}" for what, names in changes.items() if names)
    return f"runtimes in {table.name}: {len(read)}{summary}"


def _read(file: Path) -> dict[str, str]:
    """A runtime's Python version and the versions of the packages that the rule checks."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
        python = content["project"]["requires-python"].removeprefix("==").removesuffix(".*")
        pins = [Requirement(pin) for pin in content["tool"]["uv"]["constraint-dependencies"]]
        versions = {pin.name: next(iter(pin.specifier)).version for pin in pins if pin.name in PACKAGES}
    except (ValueError, LookupError, StopIteration, InvalidRequirement) as error:
        raise BundleError(
            f"not a list of a runtime's packages ({error!r}); correct it, or this command", str(file)
        ) from error
    return {"python": python, **dict(sorted(versions.items()))}


def _without_spark(runtimes: Mapping[str, Any], added: Mapping[str, Any]) -> list[str]:
    """The releases of clusters whose Spark version is not in the table."""
    releases = {release(name) for name in runtimes if not name.startswith("serverless-")}
    return sorted(name for name in releases if "pyspark" not in added.get(name, {}))


def _text(table: Mapping[str, Any]) -> str:
    """The table as JSON with one line per runtime, so that a change is one line of a diff."""
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {_lines(value)}" for key, value in table.items()) + "\n}\n"


def _lines(value: object) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in value.items()) + "\n  }"


def main(arguments: list[str]) -> None:
    """Entry point."""
    if len(arguments) != 1:
        sys.exit("usage: python -m localbundle.lint.refresh FOLDER")
    try:
        print(refresh(Path(arguments[0]), TABLE, date.today()))
    except BundleError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
