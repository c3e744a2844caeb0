"""Configuration files that people edit: read strictly, with errors that name the line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
import yamlcore

from ragops.errors import UserError
from ragops.text import one_line


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UserError: the file cannot be read, or does not contain a JSON object.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as JSON ({error}); correct it, or remove it") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: is not a JSON object; correct it, or remove it")
    return content


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - the caller validates it
    """The content of a YAML 1.2 file: `no` and `12:30` are text. A duplicate key is an error.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not YAML in UTF-8, or has a duplicate key; one line, to be appended to the file's name.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except yaml.YAMLError as error:
        raise ValueError(f"is not YAML: {_fault(error)}; correct it") from error


class _UniqueKeys(yamlcore.CCoreLoader):  # type: ignore[misc]  # yamlcore has no types
    """Parses with libyaml: the use case and the prompt templates took 0.7 s of CPU time without."""

    flatten_mapping = yaml.SafeLoader.flatten_mapping

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        for mapping in _mappings(node, set()):
            _refuse_duplicates(mapping)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        # yamlcore's own takes a key that is merged and set for a duplicate; `get_single_node` finds real ones.
        content: dict[Any, Any] = yaml.constructor.BaseConstructor.construct_mapping(self, node, deep=deep)
        return content


def _mappings(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.MappingNode]:
    """The mappings in a tree, once each, however often an alias repeats them."""
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
    for child in node.value:
        for part in child if isinstance(child, tuple) else (child,):
            yield from _mappings(part, seen)


def _refuse_duplicates(node: yaml.MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (name := (key.tag, key.value)) in lines:
                problem = f"duplicate key {key.value}, first set in line {lines[name]}"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            lines[name] = key.start_mark.line + 1


_UniqueKeys.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<"), ["<"])


def _fault(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}, {error.problem}"
    return one_line(error)
