"""Benchmark of exploring many documents: seconds per thousand, and the driver's memory, which must stay constant.

Run `python tests/bench/exploration.py`; it prints a table and, with `--json FILE`, writes the figures. The documents
are created by Spark from a vocabulary of ten thousand words: two thousand words in every hundredth, sixty in the
others; every tenth is a copy of the one before it. Ten minutes on two cores.
"""

import json
import os
import resource
import sys
import time
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).parents[2]
LOCALBUNDLE = Path(sys.executable).parent / "localbundle"
FEW_SHARE = 10


def main(
    documents: Annotated[int, typer.Option(help="Number of documents.")] = 100_000,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Prints all figures as one table, or writes them."""
    if "SPARK_REMOTE" not in os.environ:
        os.chdir(REPOSITORY)
        os.execv(LOCALBUNDLE, [str(LOCALBUNDLE), "exec", "-t", "dev", "--", sys.executable, *sys.argv])
    few, many = explored(documents // FEW_SHARE), explored(documents)
    figures = {
        "documents": documents,
        "seconds": many["seconds"],
        "seconds_a_thousand": 1000 * many["seconds"] / documents,
        "seconds_a_thousand_of_a_tenth": 1000 * few["seconds"] / (documents / FEW_SHARE),
        "driver_growth_mb": many["peak_mb"] - few["peak_mb"],
        "numbers": many["numbers"],
    }
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.1f}")
    Console().print(table)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))


def explored(documents: int) -> dict[str, float]:
    """Writes documents, profiles them as the job does, and removes them; seconds, peak memory, number of figures."""
    from ragops.answers.llms.providers.token_counts import llm_counter
    from ragops.corpus.embeddings.model import tokenizer_file
    from ragops.exploration.documents.measures import profile_documents
    from ragops.exploration.duplicates import profile_duplicates
    from ragops.exploration.facts import refresh_facts
    from ragops.exploration.profile import Profile
    from ragops.exploration.vocabulary.measures import profile_vocabulary
    from ragops.platform.workspace import Workspace
    from ragops.usecase import load_usecase

    workspace = Workspace("spark_catalog", f"bench_{uuid.uuid4().hex[:8]}")
    use_case = load_usecase(REPOSITORY / "usecase.yml")
    tokenizer, count_llm = tokenizer_file(use_case.embedding), llm_counter(use_case.models, Path)
    workspace.create_schema()
    try:
        write_documents(workspace, documents)
        started, profile = time.perf_counter(), Profile.begin()
        refresh_facts(workspace, tokenizer, count_llm)
        profile.add(profile_documents(workspace))
        profile.add(profile_duplicates(workspace))
        profile.add(profile_vocabulary(workspace, "en", tokenizer))
        seconds = time.perf_counter() - started
    finally:
        workspace.spark.sql(f"DROP SCHEMA `{workspace.catalog}`.`{workspace.schema}` CASCADE")
    assert profile.value("documents.count") == documents
    assert profile.value("duplicates.exact") >= documents // 10 * 0.9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"seconds": seconds, "peak_mb": peak, "numbers": float(len(profile.measures))}


def write_documents(workspace: object, documents: int) -> None:
    """Fills the table `documents`, on the workers."""
    from ragops.corpus.documents.table import DOCUMENTS

    DOCUMENTS.create(workspace)  # type: ignore[arg-type]
    content = "if(id % 10 = 9, id - 1, id)"
    length = f"if({content} % 100 = 0, 2000, 60)"
    words = (
        f"transform(sequence(1, {length}), n -> concat('w', pmod(hash({content}, n), 10000), if(n % 12 = 0, '.', '')))"
    )
    columns = {
        "doc_id": "sha2(string(id), 256)",
        "path": "concat('folder', id % 20, '/', id, '.md')",
        "title": "concat('Document ', id)",
        "language": "'en'",
        "format": "element_at(array('md', 'html', 'pdf'), int(id % 3) + 1)",
        "markdown": f"concat('# Document\\n\\n', array_join({words}, ' '))",
        "pages": "if(id % 3 = 2, 1, null)",
        "size_bytes": "500L + id % 1000",
        "modified_at": "current_timestamp() - make_interval(0, 0, 0, int(id % 300))",
        "file_hash": "sha2(string(id), 256)",
        "doc_hash": "sha2(string(id), 256)",
        "parser": "'made'",
        "parser_version": "'1'",
        "ocr": "false",
        "reason": "null",
        "exception_type": "null",
        "ingested_at": "current_timestamp()",
    }
    chosen = ", ".join(f"{columns.get(name, 'null')} AS `{name}`" for name in DOCUMENTS.names)
    target = workspace.table(DOCUMENTS.name)  # type: ignore[attr-defined]
    workspace.spark.sql(f"INSERT INTO {target} SELECT {chosen} FROM range({documents})")  # type: ignore[attr-defined]


if __name__ == "__main__":
    typer.run(main)
