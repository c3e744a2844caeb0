"""The bundle with dashboard and alerts, which need a SQL warehouse and which `databricks.yml` does not include."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle, load_bundle

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "resources" / "warehouse"
INCLUDE = "  - resources/*.yml\n"
VARIABLES = "    variables:\n"
GIVEN = """\
      warehouse_id: 0123456789abcdef
      alert_subscriptions:
        - user_email: owner@example.com
"""


def with_warehouse(folder: Path, target: str) -> Bundle:
    """The bundle for a target with resources/warehouse included."""
    for name in ("resources", "environments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("requirements", "runtimes"))
    shutil.copy(ROOT / "databricks.yml", folder)
    include_warehouse(folder, target)
    return load_bundle(folder, target)


def include_warehouse(folder: Path, target: str) -> None:
    """Changes a copy of the bundle as docs/how-to/monitor.md says."""
    config, environment = folder / "databricks.yml", folder / "environments" / f"{target}.yml"
    text, own = config.read_text(), environment.read_text()
    assert INCLUDE in text and VARIABLES in own
    config.write_text(text.replace(INCLUDE, f"{INCLUDE}  - resources/warehouse/*.yml\n"))
    environment.write_text(own.replace(VARIABLES, VARIABLES + GIVEN))


def dashboard() -> dict[str, Any]:
    """The dashboard as the file has it."""
    (file,) = FOLDER.glob("*.lvdash.json")
    read: dict[str, Any] = json.loads(file.read_text())
    return read


def queries() -> dict[str, str]:
    """The SQL of each dataset, by name."""
    return {one["name"]: "".join(one["queryLines"]) for one in dashboard()["datasets"]}


def widgets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each widget with its page's name."""
    for page in dashboard()["pages"]:
        for one in page["layout"]:
            yield page["name"], one["widget"]
