"""What stands for a workspace and its user on a laptop, and what the checkout says of the bundle's code."""

import getpass
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from localbundle.definitions.yamlfile import located_like

_PATHS = {"resource_path": "resources", "artifact_path": "artifacts", "state_path": "state"}


def local_user() -> dict[str, Any]:
    """The user of this machine, in place of the workspace's."""
    user = getpass.getuser()
    short = short_name(user)
    friendly = re.sub(r"[^a-z0-9]", "-", short.lower())
    return {
        "userName": user, "displayName": user, "id": user, "short_name": short, "domain_friendly_name": friendly,
    }  # fmt: skip


def short_name(user: str) -> str:
    """A user's name without its domain, with letters, digits and `_` only."""
    return normalized_name(user.split("@")[0])


def normalized_name(text: str) -> str:
    """Text as a part of an identifier: lower case letters and digits, and single `_` between them."""
    return re.sub(r"[\W_]+", "_", text.lower()).strip("_")


def local_workspace(workspace: Mapping[str, Any], name: str, target: str, root: Path) -> dict[str, Any]:
    """The workspace's paths and user. On a laptop the deployed files are the bundle's own folder."""
    user = local_user()
    root_path = workspace.get("root_path") or f"~/.bundle/{name}/{target}"
    if root_path.startswith("~/"):
        home = f"/Workspace/Users/{user['userName']}"
        root_path = located_like(root_path, str(PurePosixPath(home) / root_path[2:]))
    paths = {path: workspace.get(path) or str(PurePosixPath(root_path) / folder) for path, folder in _PATHS.items()}
    paths = {path: _in_workspace(written) for path, written in {"root_path": root_path, **paths}.items()}
    return {**workspace, **paths, "file_path": str(root), "current_user": user}


def _in_workspace(path: str) -> str:
    is_elsewhere = not path.startswith("/") or path.startswith(("/Workspace/", "/Volumes/"))
    return path if is_elsewhere else located_like(path, f"/Workspace{path}")


def checkout(root: Path) -> dict[str, str]:
    """Branch, commit and origin of the git checkout that contains the bundle; empty values are left out."""
    is_in_git = "GIT_DIR" in os.environ or any((folder / ".git").exists() for folder in (root, *root.resolve().parents))
    top = _git(root, "rev-parse", "--show-toplevel") if is_in_git else ""
    if not top:
        return {"bundle_root_path": "."}
    branch = _git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    origin = re.sub(r"^(\w+://)[^/@]*@", r"\1", _git(root, "config", "--get", "remote.origin.url"))
    found = {
        "actual_branch": branch,
        "branch": branch,
        "commit": _git(root, "rev-parse", "--quiet", "--verify", "HEAD"),
        "origin_url": origin,
        "bundle_root_path": str(root.resolve().relative_to(Path(top).resolve())),
    }
    return {name: value for name, value in found.items() if value}


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    except OSError:
        return ""  # git is not installed
    return done.stdout.strip() if done.returncode == 0 else ""
