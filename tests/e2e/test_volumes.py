"""Whole commands make no call on volumes, also not from compiled code, that a volume on Databricks refuses."""

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.bundles import Bundle
from tests.support.volume_calls import traced, why_not

_EDIT = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('# The otter\\n\\nIt eats a melon at midnight.\\n')"

# strace itself may fail (EIO) when `down` kills what it traces: not its status counts, but that it traced until then.
_TRACED_UNTIL_DOWN = """
import pathlib, subprocess, sys
*commands, down = eval(sys.argv[1])
for command in commands:
    subprocess.run(command, check=True)
assert "TracerPid:\\t0\\n" not in pathlib.Path("/proc/self/status").read_text(), "strace has ended"
subprocess.run(down, check=True)
print("all succeeded")
"""


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_no_command_calls_what_a_volume_refuses(cold_bundle: Bundle, landing: Path) -> None:
    """From the start of the server, with its workers and the parsers' child processes, until it is stopped."""
    schema = cold_bundle.schema()
    refresh = ["localbundle", "run", "refresh", "-t", "dev", "--params", f"landing={landing},schema={schema}"]
    commands = [
        ["localbundle", "up", "-t", "dev"],
        refresh,
        [sys.executable, "-c", _EDIT, str(landing / "otter.md")],
        refresh,
        ["ragops", "ask", "When does the otter eat a melon?"],
        ["ragops", "index", "rollback"],
        ["localbundle", "run", "collect_calls", "-t", "dev"],
        ["ragops", "index", "gc"],
        ["localbundle", "down", "-t", "dev"],
    ]
    whole = [sys.executable, "-c", _TRACED_UNTIL_DOWN, repr([cold_bundle.command(*words) for words in commands])]
    found = traced(whole, cold_bundle.home / "Volumes", cwd=cold_bundle.root, env=os.environ)
    assert "all succeeded" in found.done.stdout, found.done.stdout + found.done.stderr
    assert "published 000002-" in found.done.stdout and "live now: 000001-" in found.done.stdout
    assert [f"{call.program}: {call.name} {call.path} ({call.what})" for call in found.calls] == []
