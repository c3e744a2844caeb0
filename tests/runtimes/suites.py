"""The unit and integration suites, with the Python and the packages of a platform."""

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
    """Numbers of tests by outcome, and the names of failed ones."""

    passed: int
    skipped: int
    failed: tuple[str, ...]


def add_everything(built: Environment, source: Path, replaced: Iterable[str]) -> None:
    """Installs all extras and the packages of the tests next to the runtime's.

    Leaves out packages that no job installs and that conflict with the runtimes: their tests are skipped.

    Raises:
        Failed: an installation fails.
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
    """The extras of a laptop, except those with requirements newer than the runtimes' packages."""
    lines = tomllib.loads(project.read_text("utf-8"))["project"]["optional-dependencies"]["laptop"]
    return {extra for line in lines for extra in Requirement(line).extras} - {"optimize"}


def run_suite(built: Environment, source: Path, suite: str) -> Counted:
    """Runs one suite and counts its tests.

    Raises:
        Failed: pytest did not finish.
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
    """The outcomes in a JUnit report of pytest."""
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
