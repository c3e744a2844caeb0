"""Importing ragops turns off the usage telemetry of libraries."""

import os
import subprocess
import sys

_SCRIPT = """
import ragops
import openvino
from openvino.tools.ovc import convert_impl
try:
    openvino.convert_model("no model")
except Exception:
    pass
print(convert_impl.tm.__name__)
"""


def test_conversions_are_not_reported(tmp_path) -> None:
    home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}  # without CI's variables, which turn telemetry off
    done = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=tmp_path, env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "openvino.tools.ovc.telemetry_stub"
    assert not (tmp_path / "intel").exists()
