"""Commands with their arguments and options, from the typer applications."""

from collections.abc import Iterator
from typing import Any

from localbundle.cli import app as localbundle_app
from typer.main import get_command

import ragops.cli.app
from tests.docs.markdown import code, table

_APPS = {"ragops": ragops.cli.app.app, "localbundle": localbundle_app}


def lines() -> Iterator[str]:
    """A section for each program, and one for each of its commands."""
    for name, app in _APPS.items():
        command: Any = get_command(app)
        yield f"## {name}"
        yield ""
        yield str(command.help)
        yield ""
        yield from _commands(name, command)


def _commands(path: str, group: Any) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        inner = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from _commands(inner, command)
        else:
            yield from _command(inner, command)


def _command(path: str, command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if not one.opts[0].startswith("-")]
    options = [one for one in command.params if one.opts[0].startswith("-")]
    yield f"### {path}"
    yield ""
    yield "\n".join(line.strip() for line in str(command.help).strip().splitlines())
    yield ""
    words = [one.name.upper() if one.required else f"[{one.name.upper()}]" for one in arguments]
    yield f"```text\n{' '.join([path, *words, *(['[OPTIONS]'] if options else [])])}\n```"
    yield ""
    yield from table(("argument", "meaning"), [(code(one.name.upper()), one.help or "") for one in arguments])
    yield from table(("option", "default", "meaning"), [_option(one) for one in options])


def _option(option: Any) -> tuple[str, str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    default = option.default
    shown = "" if option.is_flag or default in (None, "", [], ()) else code(default)
    return names, shown, option.help or ""
