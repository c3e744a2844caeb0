"""YAML whose strings remember their file and line, so that an error can point at them."""

from pathlib import Path
from typing import Any

import yaml

from localbundle.errors import BundleError


class Text(str):
    """A string of a bundle file. Anything derived from it (`at`) keeps its place and what was written there."""

    file: Path | None
    line: int
    written: str

    def __new__(cls, value: str, file: Path | None = None, line: int = 0, written: str | None = None) -> "Text":
        """A string and where it is written; `written` is what stands there, if that is something else."""
        text = super().__new__(cls, value)
        text.file, text.line, text.written = file, line, value if written is None else written
        return text

    def at(self, value: str) -> "Text":
        """Another value with the same place."""
        return Text(value, self.file, self.line, self.written)


def in_place_of(origin: object, value: str) -> str:
    """The value, with the place of `origin` if that has one."""
    return origin.at(value) if isinstance(origin, Text) else value


def beside(path: str, root: Path) -> Path:
    """The absolute form of a path, which is relative to the file it is written in."""
    folder = path.file.parent if isinstance(path, Text) and path.file else root
    return (folder / path).resolve()


def place(value: object, root: Path) -> str:
    """`file:line: ` of a string read from YAML, relative to root; empty for anything else."""
    if not isinstance(value, Text) or value.file is None:
        return ""
    name = value.file.relative_to(root) if value.file.is_relative_to(root) else value.file
    return f"{name}:{value.line}: "


class _Loader(yaml.SafeLoader):
    file: Path


def _text(loader: _Loader, node: yaml.ScalarNode) -> Text:
    return Text(loader.construct_scalar(node), loader.file, node.start_mark.line + 1)


_Loader.add_constructor("tag:yaml.org,2002:str", _text)
# Dates stay text, as in the JSON that the real CLI makes of them.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_yaml(file: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        BundleError: the file is missing, is not YAML or does not hold a mapping.
    """
    try:
        loader = _Loader(file.read_text("utf-8"))
    except OSError as error:
        raise BundleError(f"{file}: cannot be read ({error.strerror}); create it or correct its name") from error
    loader.file = file
    try:
        content = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BundleError(f"{file}{line}: not valid YAML ({error.problem}); correct the line") from error
    if not isinstance(content, dict | None):
        raise BundleError(f"{file}: holds a {type(content).__name__}, not a mapping; write `key: value` lines")
    return content or {}
