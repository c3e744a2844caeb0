"""SQL computes the same row hashes as Python; otherwise every row would look changed."""

from dataclasses import asdict, replace
from types import ModuleType

from pyspark.sql import SparkSession

from ragops.corpus.index.access import groups_of
from ragops.corpus.index.passages import ROW_HASH_SQL, Passage, entries_from_frame

_SCHEMA = (
    "chunk_id string, doc_id string, text string, heading_path array<string>, title string, path string, page int, "
    "ordinal int, text_hash string, embedding array<float>"
)


def test_row_hashes_are_equal_in_sql_and_python(spark: SparkSession, corpus: ModuleType) -> None:
    plain = corpus.entry(1, page=3)
    rows = [
        plain,
        replace(plain, page=None, title=""),
        replace(plain, heading_path=()),
        replace(plain, heading_path=("", "見出し", "\U0001f600"), text='Zeile\n\t"quoted" \\n \x1f Ü'),
    ]
    rows = [replace(row, chunk_id=f"c{number}") for number, row in enumerate(rows)]
    values = [
        {**{k: v for k, v in asdict(row).items() if k not in ("vector", "groups")}, "embedding": [1.0, 2.0]}
        for row in rows
    ]
    for value in values:
        value["heading_path"] = list(value["heading_path"])
        value["title"] = value["title"] or None
    frame = spark.createDataFrame(
        [tuple(value[name.split()[0]] for name in _SCHEMA.split(", ")) for value in values], _SCHEMA
    )
    computed = frame.selectExpr("chunk_id", f"{ROW_HASH_SQL} AS row_hash").collect()
    assert {row["chunk_id"]: row["row_hash"] for row in computed} == {row.chunk_id: row.row_hash for row in rows}
    back = sorted(entries_from_frame(frame.toPandas(), groups_of([])), key=lambda entry: entry.chunk_id)
    assert back == rows
    assert all(isinstance(entry, Passage) for entry in back)
