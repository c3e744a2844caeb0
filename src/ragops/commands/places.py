"""What commands have in common: their options, and what these name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.workspace import Workspace, bundle_root, deployed, models_folder, serving_access

if TYPE_CHECKING:
    from ragops.embeddings.encoder import Encoder
    from ragops.retrieval.reranker import Reranker
    from ragops.usecase import UseCase

Target = Annotated[str, typer.Option("-t", "--target", help="The bundle's target.")]
Schema = Annotated[str | None, typer.Option("--schema", help="Another schema than the target's own.")]
Card = Annotated[Path | None, typer.Option("--usecase", help="The card; by default usecase.yml beside databricks.yml.")]


def place(target: str, schema: str | None) -> Workspace:
    """The catalog and schema of a target. Raises UserError when it was never run here."""
    own = deployed(target)
    return Workspace(own.catalog, schema) if schema else own


def card_file(path: Path | None) -> Path:
    """The card's file. Raises UserError when there is no bundle to look in."""
    return path or bundle_root() / "usecase.yml"


def card(path: Path | None) -> UseCase:
    """The card. Raises UserError when it is missing or wrong."""
    from ragops.usecase import load_usecase

    return load_usecase(card_file(path))


def query_encoder(workspace: Workspace, card: UseCase) -> Encoder:
    """Questions are encoded on the CPU wherever one asks: one text gains nothing from a GPU."""
    from ragops.embeddings.devices import CPU
    from ragops.embeddings.sources import encoder_source

    base_url, token = serving_access()
    source = encoder_source(
        card.embedding, "openvino", converted=models_folder(workspace), threads=0, base_url=base_url, token=token
    )
    return source.load(CPU)


def reranker(workspace: Workspace, card: UseCase) -> Reranker | None:
    """The card's cross-encoder on the CPU; None when it names none."""
    if card.retrieval.rerank is None:
        return None
    from ragops.retrieval.rerankers import load_reranker

    return load_reranker(card.retrieval.rerank.model, "openvino", converted=models_folder(workspace))
