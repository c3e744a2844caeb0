"""The command line: `localbundle run JOB -t TARGET` and the other commands."""

from localbundle.cli import bundle, runs, workspace
from localbundle.cli.app import app, main

__all__ = ["app", "main"]

# In the order of `localbundle --help`.
for command in (
    runs.run,
    bundle.validate,
    bundle.jobs,
    runs.runs,
    workspace.up,
    workspace.down,
    workspace.ps,
    workspace.lab,
):
    app.command()(command)
app.command("exec", context_settings={"allow_interspersed_args": False})(workspace.execute)
