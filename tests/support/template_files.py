"""A valid template for tests, and template files."""

from pathlib import Path
from typing import Any

import yaml

from ragops.answers.prompts.template import Template

VALID: dict[str, Any] = {
    "name": "plain",
    "description": "For tests.",
    "technique": "zero_shot",
    "variables": {"question": "asked", "passages": "found"},
    "system": "Be brief.",
    "user": "{{ passages }}\n\nQuestion: {{ question }}",
}


def valid_template(**changes: Any) -> Template:
    return Template.model_validate(VALID | changes)


def write_template(folder: Path, content: dict[str, Any] | str | bytes, name: str = "plain.yml") -> Path:
    path = folder / name
    if isinstance(content, dict):
        content = yaml.safe_dump(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
