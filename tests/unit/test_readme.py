"""The commands that README, CONTRIBUTING, AGENTS and docs tell people to type exist, with their options."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from localbundle.cli import app as localbundle_app
from typer.main import get_command

import ragops.cli.app

ROOT = Path(__file__).parents[2]
TEXTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "reference"),
]
APPS: dict[str, Any] = {"localbundle": get_command(localbundle_app), "ragops": get_command(ragops.cli.app.app)}


def typed() -> list[str]:
    """Lines of shell blocks, and code spans that begin with one of our commands."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in TEXTS)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`((?:make|ragops|localbundle) [^`]+)`", text)
    return [line for block in blocks for line in block.splitlines()] + spans


def words_of(line: str) -> list[str]:
    """The words of the line's first command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";|&<>"):
            break
        words.append(word)
    return words


@pytest.mark.parametrize("line", sorted({line for line in typed() if line.split()[0] in APPS}))
def test_a_command_exists_with_its_options(line: str) -> None:
    first, *rest = words_of(line)
    command = APPS[first]
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, line
        command = command.commands[rest.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= options, line


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z.][\w./-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in typed() if line.startswith("make ")}
    assert named >= {"demo", "test"}
    assert named <= targets
