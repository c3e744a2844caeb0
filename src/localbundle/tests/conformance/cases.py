"""A rule of job semantics as a case: a small bundle, how it is run, and the expected result."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

RULES = Path(__file__).parent / "rules"
BUNDLE = """\
bundle: {name: conformance}
include: [resources/*.yml]
targets: {test: {default: true}}
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Run(_Strict):
    """One command and its expected result: `error` is in its one line, `tasks` have fields of the task records.

    Text in slashes is a pattern. `options` are the command's; with `repair` they name the run before.
    """

    options: list[str] = []
    repair: bool = False
    environment: dict[str, str] = {}
    error: str | None = None
    state: str | None = None
    says: str | None = None
    tasks: dict[str, dict[str, Any]] = {}


class Case(_Strict):
    """Rules that one bundle shows, of a `section` of the specification; `notebooks` get the header of notebooks."""

    rules: list[str]
    job: dict[str, Any]
    jobs: dict[str, Any] = {}
    bundle: str = ""
    notebooks: dict[str, str] = {}
    files: dict[str, str] = {}
    runs: list[Run]
    section: str = ""

    @property
    def name(self) -> str:
        return f"{self.section} {'; '.join(self.rules)}"

    def write(self, root: Path) -> None:
        """Writes the bundle into a folder."""
        jobs = {"job": self.job, **self.jobs}
        many = {"max_concurrent_runs": 50}  # cases share a workspace, and all their jobs have one key
        resources = {"resources": {"jobs": {key: many | job for key, job in jobs.items()}}}
        texts = {
            "databricks.yml": BUNDLE + self.bundle,
            "resources/job.yml": yaml.safe_dump(resources),
            **{f"resources/{name}": f"# Databricks notebook source\n{code}" for name, code in self.notebooks.items()},
            **self.files,
        }
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(textwrap.dedent(text))


def read_cases() -> Iterator[Case]:
    """Every case of the files in rules/, each a mapping of section to cases."""
    for file in sorted(RULES.glob("*.yml")):
        for section, cases in yaml.safe_load(file.read_text()).items():
            for case in cases:
                single = {"runs": [case.pop("run")]} if "run" in case else {}
                rule = case.pop("rule")
                case["rules"] = rule if isinstance(rule, list) else [rule]
                yield Case.model_validate(case | single | {"section": section})


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """The expected fields with another value, as lines."""
    return [
        f"{name}: expected {wanted!r}, found {found.get(name)!r}"
        for name, wanted in expected.items()
        if not _matches(wanted, found.get(name))
    ]


def _matches(wanted: object, found: object) -> bool:
    if isinstance(wanted, str) and len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/"):
        return re.fullmatch(wanted[1:-1], str(found), re.DOTALL) is not None
    return wanted == found
