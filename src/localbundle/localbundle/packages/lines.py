"""Lines for pip as a bundle has them, with requirements files expanded and paths made absolute."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import Text, absolute_path, error_at, located_like
from localbundle.errors import BundleError
from localbundle.lint.requirements import read_lines
from localbundle.workspace.environment import VOLUMES, local_path

_COMMENT = re.compile(r"(?:^|\s)#.*")
_FILE_OPTION = re.compile(
    r"(?P<flag>-r|--requirement|-c|--constraint|-e|--editable|-f|--find-links)(?:=|\s+|(?<=^-[rcef]))(?P<path>\S.*)"
)
_CONTAINS_LINES = ("-r", "--requirement")
_EXTRAS = re.compile(r"\[([^\]]*)\]$")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]+):/")
_FETCHED = re.compile(r"https?|file|(?:git|hg|svn|bzr)(?:\+\w+)?")
_PATH_END = (".whl", ".tar.gz", ".zip")
_HASHES = re.compile(r"(?:\s+--hash[=\s]\S+)+$")


@dataclass(frozen=True)
class Line:
    """One line for pip.

    Attributes:
        text: the line with absolute paths, as uv reads it.
        written: the line in the bundle, with its location.
        top: the line of the environment that it comes from, with absolute paths: itself, or `-r FILE`.
        requirement: set if it names a package.
        path: the wheel (perhaps with `*`), archive or folder that it installs.
        extras: of the wheel.
    """

    text: str
    written: str
    top: str
    requirement: Requirement | None = None
    path: Path | None = None
    extras: tuple[str, ...] = ()

    @property
    def is_option(self) -> bool:
        """Whether it installs nothing itself, such as `--index-url` and `-c`."""
        return self.text.startswith("-") and not self.is_editable

    @property
    def is_editable(self) -> bool:
        """Whether it installs a project from its source."""
        return self.text.startswith(("-e ", "--editable "))

    @property
    def is_wheel(self) -> bool:
        """Whether it installs a local wheel."""
        return self.path is not None and self.path.name.endswith(".whl")


class LineReader:
    """Reads the lines of one environment.

    Args:
        bundle: the bundle.
        what: the task and its job, as errors name them.
    """

    def __init__(self, bundle: Bundle, what: str) -> None:
        self._bundle, self._what = bundle, what

    def read(self, written: str) -> Iterator[Line]:
        """The lines that one entry of `dependencies` stands for.

        Raises:
            BundleError: a file or a folder does not exist, is in another place, or a line is none that pip reads.
        """
        yield from self._read(written, None, ())

    def error(self, written: str, reason: str) -> BundleError:
        """An error at a line."""
        one_line = " ".join(f"{self._what}: {reason}".split())
        return error_at(written, self._bundle.root, one_line, rule="wrong-dependency")

    def _read(self, written: str, top: str | None, above: tuple[Path, ...]) -> Iterator[Line]:
        line = located_like(written, _COMMENT.sub("", written).strip())
        if not line:
            return
        option = _FILE_OPTION.fullmatch(line)
        if option and option["flag"] in _CONTAINS_LINES:
            yield from self._read_file(line, option["path"], top, above)
        elif option:
            yield self._file_option(line, option["flag"], option["path"], top)
        elif line.startswith("-"):
            yield Line(line, line, top or line)
        elif _is_path(line):
            yield self._path(line, top)
        else:
            yield self._requirement(line, top)

    def _read_file(self, line: str, path: str, top: str | None, above: tuple[Path, ...]) -> Iterator[Line]:
        file = self._existing(line, path, "requirements file")
        if file in above:
            return
        for inner in read_lines(file):
            plain = re.sub(r"\s+--hash", " --hash", _COMMENT.sub("", inner.written).strip())  # one a line, often
            whole = Text(plain, inner.file, inner.line)
            yield from self._read(whole, top or f"-r {file}", (*above, file))

    def _file_option(self, line: str, flag: str, path: str, top: str | None) -> Line:
        """A constraint, a folder of packages, or a project that is installed from its source."""
        if _SCHEME.match(path):
            return Line(line, line, top or line)
        thing = "folder" if flag in ("-e", "--editable", "-f", "--find-links") else "file"
        found = self._existing(line, _EXTRAS.sub("", path), thing)
        extras = _EXTRAS.search(path)
        text = f"{flag} {found}{extras[0] if extras else ''}"
        return Line(text, line, top or text, path=found)

    def _path(self, line: str, top: str | None) -> Line:
        """A wheel, which may be built later, or an archive or folder, which must exist."""
        extras = _EXTRAS.search(line)
        names = tuple(name.strip() for name in extras[1].split(",")) if extras else ()
        path = _EXTRAS.sub("", line).strip().strip("\"'")
        file = self._absolute(line, path) if path.endswith(".whl") else self._existing(line, path, "folder or archive")
        text = f"{file}{extras[0] if extras else ''}"
        return Line(text, line, top or text, path=file, extras=names)

    def _requirement(self, line: str, top: str | None) -> Line:
        scheme = _SCHEME.match(line)
        if scheme:  # a URL without a name
            self._check_scheme(line, scheme["scheme"])
            return Line(line, line, top or line)
        try:
            requirement = Requirement(_HASHES.sub("", line))
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            raise self.error(line, f"`{line}` is not a requirement ({reason}); correct the line") from error
        url = _SCHEME.match(requirement.url or "")
        if url:
            self._check_scheme(line, url["scheme"])
        return Line(line, line, top or line, requirement)

    def _check_scheme(self, line: str, scheme: str) -> None:
        if not _FETCHED.fullmatch(scheme):
            raise self.error(line, f"{line} is in a storage that a laptop does not have; put it in the bundle's folder")

    def _existing(self, line: str, path: str, thing: str) -> Path:
        file = self._absolute(line, path.strip("\"'"))
        if file.exists():
            return file
        fix = f"copy it to {file}" if file.is_relative_to(self._bundle.home / VOLUMES) else "create it"
        raise self.error(line, f"{thing} {path} does not exist; {fix} or correct the path")

    def _absolute(self, line: str, path: str) -> Path:
        """Where a path of the workspace or of a bundle's file is here; in requirements files also below the root."""
        plain = path.removeprefix("dbfs:")
        if plain.startswith(f"/{VOLUMES}/"):
            return local_path(self._bundle.home.absolute(), plain)
        if scheme := _SCHEME.match(path):
            self._check_scheme(line, scheme["scheme"])
        file = absolute_path(located_like(line, path), self._bundle.root)
        below_root = Path(os.path.abspath(self._bundle.root / path))
        return below_root if not file.exists() and below_root.exists() else file


def with_path(line: Line, path: Path, package: str) -> Line:
    """The line of a wheel whose file is known."""
    extras = f"[{','.join(line.extras)}]" if line.extras else ""
    text = f"{package}{extras} @ {path.as_uri()}"
    top = f"{path}{extras}" if line.top == line.text else line.top
    return replace(line, text=text, top=top, path=path)


def _is_path(line: str) -> bool:
    """Whether a line is a path here or in a workspace, as the Databricks CLI and pip tell it from a package's name."""
    plain = _EXTRAS.sub("", line).strip().strip("\"'")
    if _SCHEME.match(plain):
        return plain.startswith("dbfs:")
    return "@" not in plain and (plain.startswith((".", "/")) or plain.endswith(_PATH_END))
