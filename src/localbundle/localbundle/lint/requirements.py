"""The direct requirements in a line for pip: a requirement, a requirements file, or a wheel that the bundle builds."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import Text, absolute_path, located_like
from localbundle.lint.wheels import projects

# A requirement, and the string whose location it has.
Required = Iterator[tuple[str, Requirement]]
_FILE = re.compile(r"(?:-r|--requirement)[\s=]*(?P<path>.+)")
WHEEL = re.compile(r"(?:.*@\s*)?(?P<path>\S+\.whl)(?:\[(?P<extras>[^\]]*)\])?")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_OPTIONS = re.compile(r"\s+--?[a-z].*")


def required(bundle: Bundle, line: str, above: tuple[Path, ...] = ()) -> Required:
    """The requirements of a line, as far as they can be read here; `above` are the files that include it."""
    line = located_like(line, _OPTIONS.sub("", _COMMENT.sub("", line).strip()))
    if match := _FILE.fullmatch(line):
        file = absolute_path(located_like(line, match["path"].strip("\"'")), bundle.root)
        for inner in read_lines(file) if file not in above else ():
            yield from required(bundle, inner, (*above, file))
    elif match := WHEEL.fullmatch(line):
        extras = [extra.strip() for extra in (match["extras"] or "").split(",")]
        yield from _of_wheel(bundle, line, match["path"], extras)
    else:
        with suppress(InvalidRequirement):
            yield line, _requirement(str(line))


def requirements_files(bundle: Bundle, line: str, above: tuple[Path, ...] = ()) -> Iterator[tuple[str, Path]]:
    """The files in the bundle's folder that a line names, recursively, with the string that names each."""
    match = _FILE.fullmatch(located_like(line, _COMMENT.sub("", line).strip()))
    path = located_like(line, match["path"].strip("\"'")) if match else ""
    file = Path(os.path.normpath(absolute_path(path, bundle.root))) if path else None
    if file and file not in above and file.is_relative_to(bundle.root):
        yield line, file
        for inner in read_lines(file):
            yield from requirements_files(bundle, inner, (*above, file))


def read_lines(file: Path) -> Iterator[Text]:
    """The lines of a requirements file with their numbers; continued lines are joined, comments are in `written`."""
    try:
        lines = file.read_text("utf-8-sig", errors="replace").splitlines()
    except OSError:
        return  # on a volume or in the workspace, or missing, which `missing_requirements` reports
    first, whole = 0, ""
    for number, line in enumerate(lines, 1):
        first = first or number
        whole += line.removesuffix("\\")
        if line.endswith("\\") and number < len(lines):
            continue
        text = _OPTIONS.sub("", _COMMENT.sub("", whole).strip())
        if text:
            yield Text(text, file, first, whole.strip())
        first, whole = 0, ""


def _of_wheel(bundle: Bundle, line: str, path: str, extras: list[str]) -> Required:
    """A wheel itself, and its requirements if an artifact of the bundle builds it."""
    name = unquote(path.rsplit("/", 1)[-1])
    with suppress(InvalidWheelFilename):
        package, version, *_ = parse_wheel_filename(name)
        yield line, Requirement(f"{package}=={version}")
    dist = absolute_path(located_like(line, path), bundle.root).parent
    for folder, project in projects(bundle).items():
        own = canonicalize_name(str(project["name"]))
        if folder / "dist" == dist and (name.startswith("*") or canonicalize_name(name.split("-")[0]) == own):
            for key, texts in _lists(project, extras).items():
                for text in texts:
                    with suppress(InvalidRequirement):
                        yield _located(folder / "pyproject.toml", key, text) or line, _requirement(text)


def _lists(project: Mapping[str, Any], extras: list[str]) -> dict[str, list[str]]:
    """A project's lists of requirements with these extras, by key; an extra may name others: `all = ["me[a,b]"]`."""
    optional = {canonicalize_name(key): (key, texts) for key, texts in _optional(project).items()}
    found = {"dependencies": list(project.get("dependencies") or [])}
    waiting = [canonicalize_name(extra) for extra in extras]
    while waiting:
        name = waiting.pop()
        if name in optional:
            key, texts = optional.pop(name)
            found[key] = texts
            waiting += [canonicalize_name(extra) for text in texts for extra in _own_extras(project, text)]
    return found


def _optional(project: Mapping[str, Any]) -> Mapping[str, list[str]]:
    return project.get("optional-dependencies") or {}


def _own_extras(project: Mapping[str, Any], text: str) -> set[str]:
    try:
        requirement = _requirement(text)
    except InvalidRequirement:
        return set()
    is_own = canonicalize_name(requirement.name) == canonicalize_name(str(project["name"]))
    return requirement.extras if is_own else set()


@cache
def _requirement(text: str) -> Requirement:
    """Each line of a requirements file is read by several rules, for each job."""
    return Requirement(text)


def _located(file: Path, key: str, text: str) -> Text | None:
    """A requirement with its location: the first line below its list's key that contains it."""
    number = _line(file.read_text("utf-8"), key, text)
    return Text(text, file, number) if number else None


@cache
def _line(project: str, key: str, text: str) -> int | None:
    lines = list(enumerate(project.splitlines(), 1))
    start = next((number for number, line in lines if re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line)), None)
    below = lines[start - 1 :] if start else ()
    return next((number for number, line in below if f'"{text}"' in line or f"'{text}'" in line), None)
