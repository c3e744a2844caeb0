"""YAML whose strings remember their file and line, so that an error can point at them."""

from pathlib import Path
from typing import Any

import yaml

from localbundle.errors import BundleError


class Text(str):
    """A string of a bundle file. Anything derived from it (`at`) keeps its location and its source text."""

    file: Path | None
    line: int
    written: str

    def __new__(cls, value: str, file: Path | None = None, line: int = 0, written: str | None = None) -> "Text":
        """A string and its location; `written` is the text in the file, if that differs from the value."""
        text = super().__new__(cls, value)
        text.file, text.line, text.written = file, line, value if written is None else written
        return text

    def at(self, value: str) -> "Text":
        """Another value with the same location."""
        return Text(value, self.file, self.line, self.written)


def located_like(origin: object, value: str) -> str:
    """The value, with the location of `origin` if that has one."""
    return origin.at(value) if isinstance(origin, Text) else value


def absolute_path(path: str, root: Path) -> Path:
    """The absolute form of a path that is relative to the file it is written in, else to the root."""
    folder = path.file.parent if isinstance(path, Text) and path.file else root
    return (folder / path).resolve()


def location(value: object, root: Path) -> tuple[str, int]:
    """File, relative to the root, and line of a string read from YAML; ("", 0) for anything else."""
    if not isinstance(value, Text) or value.file is None:
        return "", 0
    name = value.file.relative_to(root) if value.file.is_relative_to(root) else value.file
    return str(name), value.line


def error_at(value: object, root: Path, message: str, job: str = "", rule: str = "cannot-run") -> BundleError:
    """A `BundleError` that points at a string read from YAML."""
    return BundleError(message, *location(value, root), job, rule)


class _Loader(yaml.SafeLoader):
    file: Path


def _text(loader: _Loader, node: yaml.ScalarNode) -> Text:
    return Text(loader.construct_scalar(node), loader.file, node.start_mark.line + 1)


_Loader.add_constructor("tag:yaml.org,2002:str", _text)
# Dates stay text, as in the JSON that the Databricks CLI produces from them.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def read_yaml(file: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        BundleError: the file is missing, is not YAML or does not contain a mapping.
    """
    try:
        loader = _Loader(file.read_text("utf-8"))
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); create it or correct its name"
        raise BundleError(reason, str(file)) from error
    loader.file = file
    try:
        content = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise BundleError(f"not valid YAML ({error.problem}); correct the line", str(file), line) from error
    if not isinstance(content, dict | None):
        kind = type(content).__name__
        raise BundleError(f"contains a {kind}, not a mapping; write `key: value` lines", str(file))
    return content or {}
