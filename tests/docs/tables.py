"""Tables with their columns, from the declarations that create them."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from ragops.corpus.embeddings.stage import embeddings_table
from ragops.platform.tables import Table
from tests.docs.markdown import code, table

_SOURCES = Path(__file__).parents[2] / "src" / "ragops"


def lines() -> Iterator[str]:
    """A section for each table, by its name."""
    for one in sorted(_declared(), key=lambda one: one.name):
        yield f"## {one.name}"
        yield ""
        yield one.comment
        yield ""
        yield f"Key: `{one.key}`."
        yield ""
        rows = [(code(column.name), column.type, column.comment) for column in one.columns]
        yield from table(("column", "type", "meaning"), rows)


def _declared() -> Iterator[Table]:
    found: dict[str, Table] = {}
    for file in sorted(_SOURCES.rglob("*.py")):
        if re.search(r"^\w+ = Table(\.of)?\(", file.read_text(encoding="utf-8"), re.MULTILINE):
            module = import_module(".".join(file.relative_to(_SOURCES.parent).with_suffix("").parts))
            found |= {value.name: value for value in vars(module).values() if isinstance(value, Table)}
    yield from found.values()
    vectors = embeddings_table("FINGERPRINT")
    yield Table("embeddings_FINGERPRINT", vectors.comment, vectors.key, vectors.columns)
