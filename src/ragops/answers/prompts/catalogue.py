"""The templates at hand: those that come with ragops, and a team's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.answers.prompts.template import Task, Template
from ragops.errors import UserError, explain
from ragops.platform.yaml_files import read_yaml

_PACKAGED = Path(__file__).parent / "templates"


class PromptSettings(BaseModel):
    """What the use case says of prompts.

    Attributes:
        answer: name of the template that answers are asked for with.
        rewrite: name of the template that makes a follow-up question stand alone.
        templates: folder of the team's own, counted from the use case; one with the name of ours takes its place.
        values: for variables that the team's own templates declare.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str = "cite_or_abstain"
    rewrite: str = "standalone_question"
    templates: str | None = None
    values: dict[str, str] = Field(default_factory=dict)

    def values_for(self, template: Template) -> dict[str, str]:
        """Those of the values that a template has variables for."""
        return {name: value for name, value in self.values.items() if name in template.variables}


def load_templates(settings: PromptSettings, folder: Path) -> dict[str, Template]:
    """All templates by name, sorted; `folder` is where the use case lies.

    Raises:
        UserError: a file is unsound; names the file, the field and the fix.
    """
    found = _in_folder(_PACKAGED)
    if settings.templates is not None:
        own = folder / settings.templates
        if not own.is_dir():
            raise UserError(f"prompts.templates: no folder {own}; correct the use case")
        found |= _in_folder(own)
    return dict(sorted(found.items()))


def find(templates: Mapping[str, Template], name: str, task: Task | None = None) -> Template:
    """The template of that name, which is for `task` if one is given.

    Raises:
        UserError: there is none, or it is for another task.
    """
    template = templates.get(name)
    if template is None:
        near = difflib.get_close_matches(name, templates, n=1)
        fix = f"did you mean {near[0]}?" if near else f"there are: {', '.join(templates)}"
        raise UserError(f"prompt template {name}: there is none of that name; {fix}")
    if task and template.task != task:
        fit = ", ".join(other.name for other in templates.values() if other.task == task)
        raise UserError(f"prompt template {name}: its task is {template.task}, not {task}; choose one of: {fit}")
    return template


def load_template(path: Path) -> Template:
    """Reads and checks one file.

    Raises:
        UserError: it cannot be read, is not YAML in UTF-8, has a key twice, or a field is wrong.
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
        line = explain(error.errors()).removeprefix("the whole: ")
        raise UserError(f"prompt template {path}: {' '.join(line.split())}") from error
    if template.name != path.stem:
        raise UserError(f"prompt template {path}: name is {template.name}; give field and file one name")
    return template


def save_template(template: Template, folder: Path) -> Path:
    """Writes a template as the file that `load_template` reads, over the one of its name, and returns the path.

    Raises:
        UserError: the folder cannot be made or written to.
    """
    path = folder / f"{template.name}.yml"
    result = template.model_dump(mode="json", exclude_defaults=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.dump(result, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120), "utf-8")
    except OSError as error:
        raise UserError(f"prompt template {path}: cannot be written ({error.strerror}); name another folder") from error
    return path


class _Readable(yaml.SafeDumper):
    """Texts of several lines as they are, line by line."""


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _as_block)


def _in_folder(folder: Path) -> dict[str, Template]:
    files = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    templates = [load_template(path) for path in files]
    names = [template.name for template in templates]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"prompt template {min(twice)}: two files in {folder} have that name; remove one")
    return dict(zip(names, templates, strict=True))
