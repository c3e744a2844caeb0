"""A rule of what a bundle means as a case: a small bundle, and what the Databricks CLI makes of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
import yamlcore
from pydantic import BaseModel, ConfigDict
from tests.conformance.cases import differences

FOLDER = Path(__file__).parent / "bundles"


class BundleCase(BaseModel):
    """A bundle, the outcome of `databricks bundle validate` and values of its JSON, by dotted path.

    `var` and `environment` are options and variables of the command. In values the user is USER.
    """

    model_config = ConfigDict(extra="forbid")

    rule: str
    bundle: str
    files: dict[str, str] = {}
    environment: dict[str, str] = {}
    var: list[str] = []
    outcome: Literal["ok", "warning", "error"]
    resolved: dict[str, Any] = {}
    section: str = ""

    @property
    def rules(self) -> list[str]:
        return [self.rule]

    @property
    def name(self) -> str:
        return f"{self.section} {self.rule}"

    def write(self, root: Path) -> None:
        """Writes the bundle into a folder."""
        texts = {"databricks.yml": f"bundle: {{name: tiny}}\n{self.bundle}", **self.files}
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def differences(self, found: object, user: str) -> list[str]:
        """What is resolved to another value, as lines."""
        values = {path: _for_anyone(_at(found, path), user) for path in self.resolved}
        return differences(self.resolved, values)


def read_bundles() -> Iterator[BundleCase]:
    """Every case of the files in bundles/, each a mapping of section to cases."""
    for file in sorted(FOLDER.glob("*.yml")):
        for section, cases in yaml.load(file.read_text(), yamlcore.CoreLoader).items():
            for case in cases:
                yield BundleCase.model_validate(case | {"section": section})


def _at(value: Any, path: str) -> Any:
    """The value at a path; None if there is none."""
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = (value or {}).get(part)
    return value


def _for_anyone(value: Any, user: str) -> Any:
    """The value with USER in place of the user's name."""
    if isinstance(value, dict):
        return {key: _for_anyone(item, user) for key, item in value.items()}
    if isinstance(value, list):
        return [_for_anyone(item, user) for item in value]
    return value.replace(user, "USER") if isinstance(value, str) else value
