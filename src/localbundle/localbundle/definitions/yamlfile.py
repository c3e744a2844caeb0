"""YAML whose strings remember their file and line, so that an error can point at them."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
import yamlcore

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
    return Path(os.path.abspath(folder / path))  # not resolved: a bundle may link to folders, as the CLI reads it


def location(value: object, root: Path) -> tuple[str, int]:
    """File, relative to the root, and line of a string read from YAML; ("", 0) for anything else."""
    if not isinstance(value, Text) or value.file is None:
        return "", 0
    name = value.file.relative_to(root) if value.file.is_relative_to(root) else value.file
    return str(name), value.line


def error_at(value: object, root: Path, message: str, job: str = "", rule: str = "wrong-definition") -> BundleError:
    """A `BundleError` that points at a string read from YAML."""
    return BundleError(message, *location(value, root), job, rule)


class _Loader(yamlcore.CCoreLoader):  # type: ignore[misc]  # yamlcore has no types
    """YAML 1.2, with what the Databricks CLI's parser also reads: merge keys, `1_000` and `0b11`."""

    file: Path
    flatten_mapping = yaml.SafeLoader.flatten_mapping

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are text, as in JSON; `<<` merges."""
        self.flatten_mapping(node)
        return {self._key(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def _key(self, node: yaml.Node) -> Text:
        if not isinstance(node, yaml.ScalarNode) or node.tag.rpartition(":")[2] not in ("str", "null"):
            problem = f"a key must be text; write it in quotes: {node.value}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return Text(node.value, self.file, node.start_mark.line + 1)


def _text(loader: _Loader, node: yaml.ScalarNode) -> Text:
    return Text(loader.construct_scalar(node), loader.file, node.start_mark.line + 1)


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    is_decimal = re.fullmatch(r"[-+]?[\d_]+", text)  # 010 is ten
    return int(text, 10 if is_decimal else 0)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    """1e3 and 1.0 are whole numbers, as in the JSON that the Databricks CLI makes of them."""
    value: float = loader.construct_yaml_float_core(node)
    return int(value) if value.is_integer() else value


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    found: dict[Any, Any] = {}
    yield found  # before its content, since an anchor may stand around its own aliases
    found.update(loader.construct_mapping(node))


_Loader.add_constructor("tag:yaml.org,2002:str", _text)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<"), ["<"])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(?:[0-9][0-9_]*_[0-9_]*|0b[01_]+|0x[0-9a-fA-F_]+|0o[0-7_]+)"),
    list("-+0123456789"),
)


@cache
def anchor_lines(file: Path) -> frozenset[int]:
    """The lines of a YAML file on which an anchored value begins."""
    events = yaml.parse(file.read_text("utf-8"), Loader=_Loader)
    found = (event for event in events if isinstance(event, yaml.NodeEvent) and event.anchor)
    marks = [event.start_mark for event in found if not isinstance(event, yaml.AliasEvent)]
    return frozenset(mark.line + 1 for mark in marks if mark)


def is_for_reuse(key: object, value: object) -> bool:
    """Whether a value is an anchor, or contains nothing else: a block that other places repeat."""
    if isinstance(key, Text) and key.file and key.line in anchor_lines(key.file):
        return True
    return isinstance(value, dict) and bool(value) and all(is_for_reuse(*entry) for entry in value.items())


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
