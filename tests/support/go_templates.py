"""The part of Go's text/template, and of `databricks bundle init`, that our template of projects uses.

`{{.name}}`, `{{if eq A B ...}}` with names and texts, `{{else}}`, `{{end}}`, `{{"text"}}`, `{{fail "text" .name}}`,
`{{skip "pattern"}}` in a file of the project's folder, and `{{-`, `-}}`, which remove white space; file names too.
Anything else raises.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OPERAND = r'(?:\.\w+|"[^"]*")'


def render(template: str, values: Mapping[str, str], skipped: list[str] | None = None) -> str:
    """Adds the patterns of {{skip}} to `skipped`.

    Raises KeyError or ValueError if the template uses anything else, and ValueError if it says {{fail}}.
    """
    trimmed = re.sub(r" -\}\}\s*", "}}", re.sub(r"\s*\{\{- ", "{{", template))
    out: list[str] = []
    active = [True]
    for position, part in enumerate(_ACTION.split(trimmed)):
        if position % 2 == 0:
            out.append(part if all(active) else "")
        elif condition := re.fullmatch(rf"if eq ({_OPERAND}(?: {_OPERAND})+)", part):
            first, *others = (_value(operand, values) for operand in re.findall(_OPERAND, condition[1]))
            active.append(first in others)
        elif part == "else":
            active[-1] = not active[-1]
        elif part == "end":
            active.pop()
        elif all(active) and skipped is not None and (pattern := re.fullmatch(r'skip "([^"]+)"', part)):
            skipped.append(pattern[1])
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
    if failure := re.fullmatch(rf"fail ({_OPERAND}(?: {_OPERAND})*)", part):
        message, *arguments = (_value(operand, values) for operand in re.findall(_OPERAND, failure[1]))
        raise ValueError(message % tuple(arguments))
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
    """What `databricks bundle init TEMPLATE --config-file GIVEN --output-dir FOLDER` does; returns the project.

    Raises ValueError for an answer that is refused; as with the CLI, nothing is written then.
    """
    values = answers(template, given)
    source = template / "template"
    project = folder / values["project_name"]
    skipped: list[str] = []
    texts: dict[Path, tuple[Path, str | None]] = {}
    for path in sorted(path for path in source.rglob("*") if not path.is_dir()):
        target = folder / render(path.relative_to(source).as_posix(), values)
        if path.suffix == ".tmpl":
            texts[target.with_suffix("")] = path, render(path.read_text("utf-8"), values, skipped)
        else:
            texts[target] = path, None
    for target, (path, text) in texts.items():
        inside = PurePosixPath(target.relative_to(project))
        if any(part.match(pattern) for part in (inside, inside.parent) for pattern in skipped):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            shutil.copy(path, target)
        else:
            target.write_text(text, "utf-8")
            shutil.copymode(path, target)
    return project
