"""YAML files that people write: a key that is there twice is a fault, for which of the two counts nobody can see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - whoever reads it checks it
    """The content of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not YAML in UTF-8, or has a key twice; one line, to stand behind the file's name.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date
        raise ValueError(f"is not YAML: {_fault(error)}; correct it") from error


class _UniqueKeys(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - a name or None; the stubs err
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (name := (key.tag, key.value)) in lines:
                    twice = f"key {key.value} is there already, in line {lines[name]}"
                    raise yaml.MarkedYAMLError(problem=twice, problem_mark=key.start_mark)
                lines[name] = key.start_mark.line + 1
        return node


def _fault(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}, {error.problem}"
    return " ".join(str(error).split())
