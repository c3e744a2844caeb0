"""Terminal output of `ragops documents`: counts by format, and the quarantine with reasons."""

from rich.console import Console
from rich.table import Table

from ragops.errors import UserError
from ragops.platform.workspace import Workspace

SHOWN_FAILURES = 50


def show_documents(console: Console, workspace: Workspace) -> None:
    """Prints a table of formats and a table of quarantined files.

    Raises:
        UserError: the schema has no documents table.
    """
    table = workspace.table("documents")
    if not workspace.spark.catalog.tableExists(table):
        raise UserError(f"documents: none in {workspace.catalog}.{workspace.schema}; run: localbundle run refresh")
    counted = workspace.execute(
        f"SELECT format, count(*) AS documents, sum(size_bytes) / 1e6 AS mb, sum(pages) AS pages, "
        f"count_if(ocr) AS ocr, max(modified_at) AS newest FROM {table} WHERE reason IS NULL "
        "GROUP BY format ORDER BY 2 DESC",
        "SELECT",
        f"table {workspace.registered('documents')}",
    ).collect()
    grid = Table("format", "documents", "MB", "pages", "with OCR", "newest", box=None)
    for row in counted:
        pages = "-" if row["pages"] is None else f"{row['pages']:,}"
        newest = f"{row['newest']:%Y-%m-%d %H:%M}"
        grid.add_row(row["format"], f"{row['documents']:,}", f"{row['mb']:.2f}", pages, f"{row['ocr']:,}", newest)
    console.print(grid)
    _show_quarantine(console, workspace)


def _show_quarantine(console: Console, workspace: Workspace) -> None:
    statement = f"SELECT path, reason FROM {workspace.table('quarantine')} ORDER BY path"
    rows = workspace.execute(statement, "SELECT", f"view {workspace.registered('quarantine')}").collect()
    if not rows:
        console.print("nothing in quarantine")
        return
    grid = Table("in quarantine", "reason", box=None)
    for row in rows[:SHOWN_FAILURES]:
        grid.add_row(row["path"], row["reason"])
    console.print(grid)
    if len(rows) > SHOWN_FAILURES:
        console.print(f"... and {len(rows) - SHOWN_FAILURES:,} more: SELECT * FROM {workspace.table('quarantine')}")
