"""A bundle's own checks of a job's parameters, run before Spark starts.

environments/laptop.yml names them: `checks: {JOB: "module:function"}`. The function gets the run's parameters as a
dict of strings. It raises an exception named UserError (or BundleError) with the one line to show, and may return a
dict to use instead (for example with a relative path made absolute: its working folder is the caller's).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError
from localbundle.workspace.resources import server_of

_CHILD = """
import importlib, json, sys
module, function = sys.argv[1].split(":")
out, sys.stdout = sys.stdout, sys.stderr
try:
    check = getattr(importlib.import_module(module), function)
    parameters = json.loads(sys.stdin.read())
    checked = check(parameters)
    print(json.dumps(parameters if checked is None else checked), file=out)
except Exception as error:
    if any(kind.__name__ in ("UserError", "BundleError") for kind in type(error).__mro__):
        print(error, file=out)
        sys.exit(3)
    raise
"""
_REFUSED = 3


def check_parameters(bundle: Bundle, job: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Runs the job's check, if it has one, in a child process with the environment of a task.

    Returns:
        The parameters to run with.

    Raises:
        BundleError: the check refused the parameters, or failed.
    """
    return start_check(bundle, job, parameters)()


def start_check(bundle: Bundle, job: str, parameters: Mapping[str, str]) -> Callable[[], dict[str, str]]:
    """Starts the job's check; the function that it returns waits for the result, and returns and raises the same."""
    entry = bundle.checks.get(job)
    if entry is None:
        return lambda: dict(parameters)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, entry],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **server_of(bundle).environment()},
    )

    def result() -> dict[str, str]:
        output, errors = child.communicate(json.dumps(dict(parameters)))
        if child.returncode == _REFUSED:
            raise BundleError(output.strip())
        if child.returncode:
            reason = (errors.strip().splitlines() or ["no output"])[-1]
            raise BundleError(
                f"the check {entry} of job {job} failed ({reason}); correct it or environments/laptop.yml"
            )
        return {name: str(value) for name, value in json.loads(output).items()}

    return result
