"""What README, CONTRIBUTING and docs tell people to type exists."""

import re
from pathlib import Path

import localbundle.cli
import pytest
from typer.main import get_command

import ragops.cli.app

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
APPS = {"localbundle": get_command(localbundle.cli.app), "ragops": get_command(ragops.cli.app.app)}


def typed() -> list[str]:
    """Commands in code blocks and in code spans."""
    text = "\n".join(path.read_text() for path in TEXTS)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`((?:make|ragops|localbundle) [^`]+)`", text)
    return [line for block in blocks for line in block.splitlines()] + spans


@pytest.mark.parametrize("line", [line for line in typed() if line.split()[0] in APPS])
def test_a_command_exists_with_its_options(line: str) -> None:
    words = re.sub(r'"[^"]*"', "text", line).split()
    command = APPS[words[0]]
    rest = words[1:]
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, line
        command = command.commands[rest.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= options, line


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in typed() if line.startswith("make ")}
    assert named >= {"demo", "test"}
    assert named <= targets


def test_every_place_named_exists() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    places = [place for row in rows for place in re.findall(r"`([^`]+)`", row) if "/" in place or "." in place]
    assert len(places) > 10
    for place in places:
        assert (ROOT / place).exists() or (ROOT / "tests" / place).exists(), place
