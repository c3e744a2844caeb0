"""Updates the lists of packages that runtimes ship: `python -m environments.refresh FOLDER [NAME...]`.

FOLDER is a checkout of github.com/databricks/environments, which lists each runtime's packages as constraints. These
have `~=` where the release notes have `==`: a runtime ships exactly the version in the constraint. Without names, the
existing lists are updated.
"""

import sys
import tomllib
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from environments.lock import ROOT
from ragops.errors import UserError

_HEADER = (
    "# Python packages of {name}, from its list in github.com/databricks/environments as of {day}.\n# python {python}\n"
)


def refresh(folder: Path, names: Sequence[str], root: Path, today: date) -> list[str]:
    """Writes environments/runtimes/NAME.txt for each name; returns a line about the changes for each.

    Raises:
        UserError: the folder has no such list, or a list has another format.
    """
    lists = {file.parent.name: file.parent for file in folder.glob("python/*/*/constraints.txt")}
    if not lists:
        raise UserError(f"{folder}: has no python/*/*/constraints.txt; check out github.com/databricks/environments")
    target = root / "environments" / "runtimes"
    lines = []
    for name in names or sorted(file.stem for file in target.glob("*.txt")):
        if name not in lists:
            near = ", ".join(get_close_matches(name, lists, n=3, cutoff=0))
            raise UserError(f"{folder}: has no list of {name}; closest are {near}; correct the name")
        pins, file = _pins(lists[name]), target / f"{name}.txt"
        before = set(file.read_text("utf-8").splitlines()) if file.is_file() else set()
        target.mkdir(parents=True, exist_ok=True)
        header = _HEADER.format(name=name, day=today, python=_python(lists[name]))
        file.write_text(header + "".join(f"{pin}\n" for pin in pins), "utf-8")
        lines.append(f"{name}: {len(pins)} packages, {len(set(pins) - before)} new or changed")
    return lines


def _pins(folder: Path) -> list[str]:
    """The list as NAME==VERSION."""
    file = folder / "constraints.txt"
    lines = [line for line in file.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    try:
        found = [Requirement(line) for line in lines]
        return [f"{one.name}=={next(iter(one.specifier)).version}" for one in found]
    except (InvalidRequirement, StopIteration) as error:
        raise UserError(f"{file}: is not a list of pins ({error}); correct it, or this command") from error


def _python(folder: Path) -> str:
    """The minor version of Python, from the pyproject.toml next to the list."""
    file = folder / "pyproject.toml"
    try:
        python: str = tomllib.loads(file.read_text("utf-8"))["project"]["requires-python"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{file}: has no requires-python ({error}); correct it, or this command") from error
    return python.removeprefix("==").removesuffix(".*")


def main(arguments: Sequence[str]) -> None:
    """Runs the command."""
    if not arguments:
        sys.exit("usage: python -m environments.refresh FOLDER [NAME...]")
    try:
        print(*refresh(Path(arguments[0]), arguments[1:], ROOT, date.today()), sep="\n")
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
