"""The command line: ragops models, the language models in usecase.yml; ragops models upload, the encoders' files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from ragops.cli import options
from ragops.cli.options import Model, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.compute import on_databricks
from ragops.platform.credentials import workspace_client
from ragops.platform.workspace import VOLUMES
from ragops.text import one_line

if TYPE_CHECKING:
    from ragops.answers.llms.settings import AnyModel, Models
    from ragops.platform.volumes.interface import VolumeFiles

models_app = typer.Typer(invoke_without_command=True)
# A workspace takes minutes to store a large file over a slow connection.
_RESPONSE_SECONDS, _RETRY_SECONDS = 300, 600
_VOLUME = "model_files"
_COLORS = {"as it is": "green", "without personal data": "yellow", "not at all": "red"}


@models_app.callback()
def show_models(
    context: typer.Context,
    model: Model = "",
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """List the language models: role, policy, availability and price.

    The policy decides which texts a model may see.
    """
    if context.invoked_subcommand:
        return
    from ragops.answers.llms.open import why_unavailable
    from ragops.answers.llms.policy import Policy

    use_case = options.use_case(usecase)
    workspace, primary, note = options.deployed_or_default(target, schema)
    models, policy = use_case.models.with_primary(model or primary), Policy(use_case.corpus.classification)
    names = (Column("model", no_wrap=True), Column("provider", no_wrap=True), "answers")
    here = Column("available", overflow="fold")
    table = Table(*names, f"{use_case.corpus.classification} text", here, "price", box=None)
    for one in models.known:
        handling = policy.handling(one)
        reason = why_unavailable(one, workspace)
        available = f"[red]{escape(reason)}[/]" if reason else "[green]yes[/]"
        sees = f"[{_COLORS[handling]}]{handling}[/]"
        table.add_row(one.name, one.provider, _role(models, one.name), sees, available, _price(one))
    terminal = console.terminal()
    terminal.print(table, highlight=False)
    if note:
        terminal.print(f"[dim]from usecase.yml only: {escape(note)}[/]", highlight=False, soft_wrap=True)


@models_app.command("upload")
def upload_models(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder on a volume (default: the target's deployed volume).")
    ] = None,
    target: Annotated[str | None, typer.Option("-t", "--target", help="Bundle target.")] = None,
    usecase: UseCaseFile = None,
) -> None:
    """Copy the files of packaged encoders to a workspace's volume."""
    from ragops.corpus.embeddings.model_files import find_folder
    from ragops.corpus.embeddings.upload import upload

    packages, terminal = options.use_case(usecase).packages, console.terminal()
    if not packages:
        terminal.print("nothing to upload: no encoder in usecase.yml is a package", highlight=False)
        return
    folder = folder or _deployed_volume(target)
    files = _files(folder)
    for model in packages:
        uploaded = upload(find_folder(f"Model {model.name}", model.source), folder / model.name, files)
        what = f"{model.name}: {uploaded.files} files, {uploaded.size / 1e6:.1f} MB"
        how = "already in" if uploaded.was_there else f"of {model.source} copied to"
        terminal.print(f"{what} {how} {folder / model.name}", highlight=False, markup=False, soft_wrap=True)


def _files(folder: Path) -> VolumeFiles:
    """Access to a folder, through the Files API if it is on a volume that is not mounted."""
    from ragops.platform.volumes.files_api import RemoteFiles
    from ragops.platform.volumes.open import volume_files

    if folder.parts[:2] == ("/", VOLUMES) and not on_databricks():
        return RemoteFiles(workspace_client(_RESPONSE_SECONDS, _RETRY_SECONDS))
    return volume_files(folder)


def _deployed_volume(target: str | None) -> Path:
    """The folder of the target's volume for models, from the Databricks CLI."""
    fix = "or give the folder: ragops models upload /Volumes/CATALOG/SCHEMA/models"
    cli = shutil.which("databricks")
    if cli is None:
        raise UserError(f"the Databricks CLI is not on the path; install it, {fix}")
    command = [cli, "bundle", "summary", "--output", "json", *(("--target", target) if target else ())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = one_line(done.stderr) or f"exit code {done.returncode}"
        raise UserError(f"databricks bundle summary: {reason}; fix that, {fix}")
    found: Any = json.loads(done.stdout).get("resources", {}).get("volumes", {}).get(_VOLUME, {})
    if not found.get("id") or not found.get("volume_path"):
        raise UserError(f"volume {_VOLUME}: not deployed yet; run: databricks bundle deploy, {fix}")
    return Path(found["volume_path"])


def _role(models: Models, name: str) -> str:
    chain = [one.name for one in models.chain()]
    if name not in chain:
        return "-"
    return f"fallback {chain.index(name)}" if chain.index(name) else "first"


def _price(model: AnyModel) -> str:
    parts = []
    if model.price_per_million_input or model.price_per_million_output:
        parts.append(f"{model.price_per_million_input:g} in, {model.price_per_million_output:g} out per million")
    if model.price_per_second:
        parts.append(f"{model.price_per_second:g} per second")
    return "; ".join(parts) or "-"
