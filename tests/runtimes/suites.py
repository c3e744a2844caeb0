"""The unit and the integration suite, with the Python and the packages of a place."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from packaging.requirements import Requirement

from tests.runtimes.commands import FOLDER, Failed, clean_environment, run
from tests.runtimes.environment import CONNECT, Environment, connect_client, mlflow_server

LOCALBUNDLE = "src/localbundle/tests"
SUITES = ("tests/unit", "tests/integration")


@dataclass(frozen=True)
class Counted:
    """Tests by how they ended, and the names of those that failed."""

    passed: int
    skipped: int
    failed: tuple[str, ...]


def add_everything(built: Environment, source: Path, replaced: Iterable[str]) -> None:
    """All extras and what tests need, beside what the runtime ships. Raises Failed as uv does.

    Without those that no job installs and that ask for newer packages than the runtimes have: their tests are skipped.
    """
    project, own = source / "pyproject.toml", source / "src" / "localbundle"
    left_out = built.folder / "left_out.txt"
    never = (source / "environments" / "requirements" / "overrides.txt").read_text("utf-8")
    left_out.write_text(f'{never}langchain ; python_version < "0"\n', "utf-8")
    extras = [word for extra in sorted(_extras(project)) for word in ("--extra", extra)]
    wanted = ["-r", project, *extras, "--group", f"{project}:dev", own]
    tools = [*connect_client(built), *mlflow_server(built)]
    built.uv("suites", "--constraint", built.pins({*CONNECT, *replaced}), "--override", left_out, *wanted, *tools)
    built.uv("ragops", "--no-deps", "--editable", source)


def _extras(project: Path) -> set[str]:
    """Those of a laptop, of which one installs other extras of this package."""
    lines = tomllib.loads(project.read_text("utf-8"))["project"]["optional-dependencies"]["laptop"]
    return {extra for line in lines for extra in Requirement(line).extras} - {"optimize"}


def run_suite(built: Environment, source: Path, suite: str) -> Counted:
    """Runs one suite and counts.

    Raises:
        Failed: pytest did not come to an end.
    """
    report = FOLDER / "logs" / f"{suite.replace('/', '_')}.xml"
    report.unlink(missing_ok=True)
    words = [built.python, "-m", "pytest", suite, "-n", "2", "--dist", "loadfile", f"--junit-xml={report}"]
    environment = clean_environment() | {"XDG_CACHE_HOME": str(FOLDER / "cache")}
    environment["PATH"] = f"{built.python.parent}:{environment['PATH']}"
    ended: Failed | None = None
    try:
        run(f"{built.label} {suite}", words, environment, source)
    except Failed as error:
        ended = error
    if not report.is_file():
        raise ended or Failed(f"{built.label} {suite}: pytest wrote no report")
    return count(report.read_text("utf-8"))


def count(report: str) -> Counted:
    """What a report of pytest in JUnit's form says."""
    passed, skipped, failed = 0, 0, []
    for case in ElementTree.fromstring(report).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return Counted(passed, skipped, tuple(failed))
