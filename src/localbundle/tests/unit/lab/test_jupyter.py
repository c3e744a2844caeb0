import json
import socket
import sys
from pathlib import Path

import pytest
from localbundle.errors import BundleError
from localbundle.lab import jupyter
from localbundle.lab.jupyter import install_kernel, jupyterlab, write_kernel


def test_the_kernel_is_installed_for_the_user(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    folder = install_kernel()
    assert folder == tmp_path / "kernels/local-workspace"
    spec = json.loads((folder / "kernel.json").read_text())
    assert spec["display_name"] == "local workspace"
    assert spec["argv"][0] == sys.executable
    write_kernel(tmp_path / "kernels")  # a second time over the first


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BundleError, match=f"port {port}"):
            jupyterlab(tmp_path, tmp_path, {}, port, browser=False).__enter__()


def test_a_start_that_fails_says_why(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(jupyter, "_command", lambda *arguments: [sys.executable, "-c", "raise SystemExit('no luck')"])
    with pytest.raises(BundleError, match=r"JupyterLab did not start: no luck; the whole log is .*lab\.log"):
        jupyterlab(tmp_path, tmp_path, {}, None, browser=False).__enter__()


def test_nothing_is_fetched_and_kernels_listen_on_no_port(tmp_path: Path) -> None:
    jupyter._write_settings(tmp_path)
    server = json.loads((tmp_path / "config/jupyter_server_config.json").read_text())
    assert server["KernelManager"] == {"transport": "ipc"}
    assert server["LabApp"]["news_url"] is None
    assert server["ServerApp"]["ip"] == "127.0.0.1"


def test_the_token_is_on_no_command_line(tmp_path: Path) -> None:
    assert not [word for word in jupyter._command(Path("notebooks"), 1, False) if "token" in word]
    assert jupyter._environment(tmp_path, "r", "secret")["JUPYTER_TOKEN"] == "secret"
