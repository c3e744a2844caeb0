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
    """The bundle for a target with resources/warehouse included, as docs/how-to/monitor.md says."""
    for name in ("resources", "environments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("requirements", "runtimes"))
    text = (ROOT / "databricks.yml").read_text()
    assert INCLUDE in text
    (folder / "databricks.yml").write_text(text.replace(INCLUDE, f"{INCLUDE}  - resources/warehouse/*.yml\n"))
    environment = folder / "environments" / f"{target}.yml"
    own = environment.read_text()
    assert VARIABLES in own
    environment.write_text(own.replace(VARIABLES, VARIABLES + GIVEN))
    return load_bundle(folder, target)


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
