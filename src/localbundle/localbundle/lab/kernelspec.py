"""The kernel "local workspace" as Jupyter finds it: a folder with a kernel.json."""

import json
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

NAME = "local-workspace"
_SPEC = {
    "argv": [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--IPKernelApp.extra_extensions=localbundle.lab.ipython_extension",
    ],
    "display_name": "local workspace",
    "language": "python",
    "metadata": {"debugger": True},
}


def write_kernel(kernels: Path) -> None:
    """Writes the kernel into a folder of kernels."""
    (kernels / NAME).mkdir(parents=True, exist_ok=True)
    (kernels / NAME / "kernel.json").write_text(json.dumps(_SPEC, indent=2), "utf-8")


def install_kernel() -> Path:
    """Installs the kernel for this user, where VS Code and every other Jupyter look."""
    with tempfile.TemporaryDirectory() as folder:
        write_kernel(Path(folder))
        return Path(KernelSpecManager().install_kernel_spec(str(Path(folder, NAME)), NAME, user=True))
