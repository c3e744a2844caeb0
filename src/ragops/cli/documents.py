"""The command `ragops documents`: what was read, and what could not be."""

from __future__ import annotations

from typing import Annotated

import typer

from ragops.cli import options
from ragops.platform import console


def documents(
    name: Annotated[str, typer.Argument(help="Part of a path, or a pattern such as '*.pdf'.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Only quarantined files whose reason contains this.")] = "",
    format: Annotated[str, typer.Option("--format", help="Only documents of this format.")] = "",
    warnings: Annotated[bool, typer.Option("--warnings", help="Only documents with parts that were not read.")] = False,
    as_json: options.Json = False,
    target: options.Target = "dev",
    schema: options.Schema = None,
) -> None:
    """List the quarantined files by reason, count warnings, and count the documents by format."""
    from ragops.corpus.documents import console as output
    from ragops.corpus.documents.overview import Selection, read_overview

    options.need_spark(target)
    selection = Selection(name, reason, format, warnings)
    overview = read_overview(options.workspace(target, schema), selection)
    if as_json:
        print(output.as_json(overview))
    else:
        output.show_documents(console.terminal(), overview, selection)
