"""`ragops models`: the models in usecase.yml, what each may and can do here, and uploading the encoders' files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ragops.cli import options
from ragops.cli.options import Model, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform.compute import on_databricks
from ragops.platform.credentials import workspace_client
from ragops.platform.deployment import deployed_model
from ragops.platform.workspace import VOLUMES, Workspace

if TYPE_CHECKING:
    from ragops.answers.llms.settings import AnyModel, Models
    from ragops.platform.volumes.interface import VolumeFiles

models_app = typer.Typer(invoke_without_command=True)
console = Console()
# A workspace takes minutes to store a large file that comes over a slow line.
_ANSWER_SECONDS, _RETRY_SECONDS = 300, 600
_VOLUME = "model_files"
_COLOURS = {"as it is": "green", "without personal data": "yellow", "not at all": "red"}


@models_app.callback()
def show_models(
    context: typer.Context,
    model: Model = "",
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Lists the use case's models: which one answers, what policy lets each see, availability here, and prices."""
    if context.invoked_subcommand:
        return
    from ragops.answers.llms.policy import Policy
    from ragops.answers.llms.open import why_unavailable

    use_case = options.use_case(usecase)
    workspace, primary, note = _here(target, schema)
    models, policy = use_case.models.with_primary(model or primary), Policy(use_case.corpus.classification)
    names = (Column("model", no_wrap=True), Column("provider", no_wrap=True), "answers")
    here = Column("here", overflow="fold")
    table = Table(*names, f"{use_case.corpus.classification} text", here, "price", box=None)
    for one in models.known:
        handling = policy.handling(one)
        reason = why_unavailable(one, workspace)
        is_here = f"[red]{escape(reason)}[/]" if reason else "[green]yes[/]"
        seen = f"[{_COLOURS[handling]}]{handling}[/]"
        table.add_row(one.name, one.provider, _role(models, one.name), seen, is_here, _price(one))
    console.print(table, highlight=False)
    if note:
        console.print(f"[dim]the use case alone: {escape(note)}[/]", highlight=False, soft_wrap=True)


@models_app.command("upload")
def upload_models(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder on a volume; by default the target's volume, as it is deployed.")
    ] = None,
    target: Annotated[str | None, typer.Option("-t", "--target", help="The bundle's target.")] = None,
    usecase: UseCaseFile = None,
) -> None:
    """Copies the files of the use case's encoders, as far as these are packages here, to the volume of a workspace."""
    from ragops.corpus.embeddings.model_files import find_folder
    from ragops.corpus.embeddings.upload import upload

    packages = options.use_case(usecase).packages
    if not packages:
        console.print("nothing to upload: no encoder in usecase.yml comes in a package", highlight=False)
        return
    folder = folder or _deployed_volume(target)
    files = _files(folder)
    for model in packages:
        uploaded = upload(find_folder(f"Model {model.name}", model.source), folder / model.name, files)
        what = f"{model.name}: {uploaded.files} files, {uploaded.size / 1e6:.1f} MB"
        how = "are there already, in" if uploaded.was_there else f"of {model.source} copied to"
        console.print(f"{what} {how} {folder / model.name}", highlight=False, markup=False, soft_wrap=True)


def _files(folder: Path) -> VolumeFiles:
    """The way to a folder: by the Files API where it is on a volume that is not mounted."""
    from ragops.platform.volumes.files_api import RemoteFiles
    from ragops.platform.volumes.open import volume_files

    if folder.parts[:2] == ("/", VOLUMES) and not on_databricks():
        return RemoteFiles(workspace_client(_ANSWER_SECONDS, _RETRY_SECONDS))
    return volume_files(folder)


def _deployed_volume(target: str | None) -> Path:
    """The folder of the target's volume for models, as the Databricks CLI knows it."""
    fix = "or name the folder: ragops models upload /Volumes/CATALOG/SCHEMA/models"
    cli = shutil.which("databricks")
    if cli is None:
        raise UserError(f"the Databricks CLI is not on the path; install it, {fix}")
    command = [cli, "bundle", "summary", "--output", "json", *(("--target", target) if target else ())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise UserError(f"databricks bundle summary: {reason}; fix that, {fix}")
    found: Any = json.loads(done.stdout).get("resources", {}).get("volumes", {}).get(_VOLUME, {})
    if not found.get("id") or not found.get("volume_path"):
        raise UserError(f"volume {_VOLUME}: not deployed yet; run: databricks bundle deploy, {fix}")
    return Path(found["volume_path"])


def _here(target: str, schema: str | None) -> tuple[Workspace, str, str]:
    """The target's workspace and its model, or why there is none: the table is shown even before the first run."""
    try:
        return options.place(target, schema), deployed_model(target), ""
    except UserError as error:
        return Workspace("spark_catalog", schema or "rag"), "", str(error)


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
