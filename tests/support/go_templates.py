"""The part of Go's text/template, and of `databricks bundle init`, that our template of projects uses.

`{{.name}}`, `{{if eq .name "value"}}`, `{{else}}`, `{{end}}` and `{{"text"}}`; file names too. Anything else raises.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def render(template: str, values: Mapping[str, str]) -> str:
    """Raises KeyError or ValueError if the template uses anything else."""
    out: list[str] = []
    active = [True]
    for position, part in enumerate(_ACTION.split(template)):
        if position % 2 == 0:
            out.append(part if all(active) else "")
        elif condition := re.fullmatch(r'if eq \.(\w+) "([^"]*)"', part):
            active.append(values[condition[1]] == condition[2])
        elif part == "else":
            active[-1] = not active[-1]
        elif part == "end":
            active.pop()
        elif all(active):
            out.append(_value(part, values))
    if active != [True]:
        raise ValueError("an {{if}} has no {{end}}")
    return "".join(out)


def _value(part: str, values: Mapping[str, str]) -> str:
    if re.fullmatch(r"\.\w+", part):
        return values[part[1:]]
    if text := re.fullmatch(r'"([^"]*)"', part):
        return text[1]
    raise ValueError(f"{{{{{part}}}}} is not supported")


def answers(template: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The answers to all questions: those given, else the defaults. Raises ValueError for one that is refused."""
    properties = json.loads((template / "databricks_template_schema.json").read_text("utf-8"))["properties"]
    found = {name: given.get(name, question["default"]) for name, question in properties.items()}
    for name, answer in found.items():
        question = properties[name]
        if answer not in question.get("enum", [answer]) or not re.search(question.get("pattern", ""), answer):
            raise ValueError(f"{name}: {answer!r} is refused")
    return found


def init(template: Path, given: Mapping[str, str], folder: Path) -> Path:
    """What `databricks bundle init TEMPLATE --config-file GIVEN --output-dir FOLDER` does; returns the project."""
    values = answers(template, given)
    source = template / "template"
    for path in sorted(source.rglob("*")):
        if path.is_dir():
            continue
        target = folder / render(path.relative_to(source).as_posix(), values)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".tmpl":
            target = target.with_suffix("")
            target.write_text(render(path.read_text("utf-8"), values), "utf-8")
            shutil.copymode(path, target)
        else:
            shutil.copy(path, target)
    return folder / values["project_name"]
