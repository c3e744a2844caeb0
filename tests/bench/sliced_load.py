"""Runs the stages up to the vectors in small slices, to be killed by tests.bench.slices."""

from pathlib import Path
from typing import Annotated

import typer

from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.embeddings.stage import refresh_embeddings
from ragops.platform.workspace import Workspace, models_folder
from ragops.usecase import load_usecase


def main(
    schema: Annotated[str, typer.Option()],
    landing: Annotated[Path, typer.Option()],
    usecase: Annotated[Path, typer.Option()],
    most: Annotated[int, typer.Option(help="Files, documents or texts in a slice.")],
) -> None:
    """Runs the stages."""
    workspace, use_case = Workspace("spark_catalog", schema), load_usecase(usecase)
    workspace.create_schema()
    refresh_documents(workspace, landing, use_case.documents.limits, most=most).show()
    refresh_chunks(workspace, use_case.chunking, tokenizer_file(use_case.embedding), most=most).show()
    source = encoder_source(use_case.embedding, "openvino", converted=models_folder(workspace))
    refresh_embeddings(workspace, use_case.embedding, source, most=most).show()


if __name__ == "__main__":
    typer.run(main)
