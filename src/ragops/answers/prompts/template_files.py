"""Template files: those that ship with ragops, and a team's own; read, validated and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml
import yamlcore
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.answers.prompts.template import Task, Template
from ragops.errors import UserError, explain
from ragops.platform.config_files import read_yaml
from ragops.text import closest, one_line

_SHIPPED = Path(__file__).parent / "templates"


class PromptSettings(BaseModel):
    """The use case's section `prompts`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str = "cite_or_abstain"
    """Name of the template for answers."""
    rewrite: str = "standalone_question"
    """Name of the template that turns a follow-up question into a standalone one."""
    templates: str | None = None
    """Folder with the team's own templates, relative to the use case; they replace shipped ones of the same name."""
    values: dict[str, str] = Field(default_factory=dict)
    """Values for variables that the team's own templates declare."""

    def values_for(self, template: Template) -> dict[str, str]:
        """The values that a template has variables for."""
        return {name: value for name, value in self.values.items() if name in template.variables}


def load_templates(settings: PromptSettings, folder: Path) -> dict[str, Template]:
    """All templates by name, sorted; `folder` is the use case's.

    Raises:
        UserError: a file is invalid; names the file, the field and the fix.
    """
    found = _in_folder(_SHIPPED)
    if settings.templates is not None:
        own = folder / settings.templates
        if not own.is_dir():
            raise UserError(f"prompts.templates: folder {own} does not exist; correct the use case")
        found |= _in_folder(own)
    return dict(sorted(found.items()))


def find(templates: Mapping[str, Template], name: str, task: Task | None = None) -> Template:
    """The template with that name; it must be for `task`, if one is given.

    Raises:
        UserError: there is no such template, or it is for another task.
    """
    template = templates.get(name)
    if template is None:
        near = closest(name, templates)
        fix = f"did you mean {near}?" if near else f"choose one of: {', '.join(templates)}"
        raise UserError(f"prompt template {name}: does not exist; {fix}")
    if task and template.task != task:
        fitting = ", ".join(other.name for other in templates.values() if other.task == task)
        raise UserError(f"prompt template {name}: its task is {template.task}, not {task}; choose one of: {fitting}")
    return template


def load_template(path: Path) -> Template:
    """Reads and validates one file.

    Raises:
        UserError: it cannot be read, is not YAML in UTF-8, repeats a key, or has an invalid field.
    """
    try:
        raw = read_yaml(path)
    except OSError as error:
        raise UserError(f"prompt template {path}: cannot be read ({error.strerror}); correct the path") from error
    except ValueError as error:
        raise UserError(f"prompt template {path}: {error}") from error
    try:
        template = Template.model_validate(raw)
    except ValidationError as error:
        line = explain(error.errors(), root="")
        raise UserError(f"prompt template {path}: {one_line(line)}") from error
    if template.name != path.stem:
        raise UserError(f"prompt template {path}: its name is {template.name}; give file and field the same name")
    return template


def save_template(template: Template, folder: Path) -> Path:
    """Writes a template to the file that `load_template` reads, replacing one with its name, and returns the path.

    Raises:
        UserError: the folder cannot be created or written.
    """
    path = folder / f"{template.name}.yml"
    content = template.model_dump(mode="json", exclude_defaults=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.dump(content, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120), "utf-8")
    except OSError as error:
        raise UserError(f"prompt template {path}: cannot be written ({error.strerror}); name another folder") from error
    return path


class _Readable(yamlcore.CoreDumper):  # type: ignore[misc]  # yamlcore has no types
    """Writes texts of several lines as blocks, line by line."""


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _as_block)


def _in_folder(folder: Path) -> dict[str, Template]:
    files = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    templates = [load_template(path) for path in files]
    names = [template.name for template in templates]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise UserError(f"prompt template {min(repeated)}: two files in {folder} have that name; remove one")
    return dict(zip(names, templates, strict=True))
