"""The refresh job as its users run it: from the command line, on real Spark, Delta and Chroma."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import openpyxl

from tests.e2e.bundles import Bundle
from tests.support.needs import definitions
from tests.support.recorded import Request

DEEDS = ("cooks", "drills", "saws", "paints", "lifts", "digs")


def commits(bundle: Bundle, schema: str) -> dict[str, int]:
    """How often each table was written to."""
    logs = (bundle.home / "warehouse" / f"{schema}.db").glob("*/_delta_log")
    return {log.parent.name: len(list(log.glob("*.json"))) for log in logs}


def test_a_document_is_found_edited_and_removed(
    bundle: Bundle, landing: Path, requested: Callable[[], list[Request]]
) -> None:
    """First run, a run with nothing to do, an edit, an index damaged manually, a file that cannot be read."""
    schema = "way"
    first = bundle.refresh(landing=str(landing), schema=schema)
    assert "published 000001-" in first.stdout
    assert bundle.search("What does the otter eat?", schema)[0]["path"] == "otter.md"

    before, pointer = commits(bundle, schema), bundle.pointer(schema)
    assert definitions(requested())
    second = bundle.refresh(landing=str(landing), schema=schema)
    assert "nothing to publish" in second.stdout
    assert "embed: excluded" in second.stdout
    assert before.keys() >= {"documents", "chunks"}
    assert commits(bundle, schema) == before
    assert bundle.pointer(schema) == pointer
    assert definitions(requested()) == []

    otter = landing / "otter.md"
    otter.write_text(otter.read_text().replace("4 fish before noon", "a melon at midnight"))
    third = bundle.refresh(landing=str(landing), schema=schema)
    assert "1 texts to embed" in third.stdout
    assert "melon at midnight" in bundle.search("When does the otter eat melon?", schema)[0]["text"]
    assert all("4 fish before noon" not in found["text"] for found in bundle.search("4 fish before noon", schema, 24))

    _damage(bundle.index(schema) / "generations" / bundle.pointer(schema)["generation"])
    verified = bundle.run("ragops", "index", "verify", "--schema", schema, check=False)
    assert verified.returncode == 1
    assert "files changed after publishing" in verified.stdout
    bundle.refresh(landing=str(landing), schema=schema)
    assert bundle.run("ragops", "index", "verify", "--schema", schema).returncode == 0

    (landing / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    (landing / "empty.md").touch()
    bundle.refresh(landing=str(landing), schema=schema)
    overview = bundle.run("ragops", "documents", "--schema", schema).stdout
    assert "broken.pdf" in overview and "empty.md" in overview


def _damage(generation: Path) -> None:
    """Deletes one row the way a person with a Chroma client does."""
    import chromadb

    store = chromadb.PersistentClient(path=str(generation / "chroma"))
    collection = store.list_collections()[0]
    collection.delete(ids=collection.get(limit=1)["ids"])
    del store
    sqlite3.connect(generation / "chroma" / "chroma.sqlite3").close()


def test_an_emptied_folder_stops_the_run_before_any_delete(bundle: Bundle, landing: Path) -> None:
    schema = "emptied"
    bundle.refresh(landing=str(landing), schema=schema)
    pointer = bundle.pointer(schema)
    for file in list(landing.iterdir())[1:]:
        file.unlink()
    stopped = bundle.refresh(landing=str(landing), schema=schema, check=False)
    assert stopped.returncode == 1
    assert "7 of 8 documents are missing" in stopped.stdout + stopped.stderr
    assert "allow_deletes=true" in stopped.stdout + stopped.stderr
    assert bundle.pointer(schema) == pointer
    assert bundle.sql(f"SELECT count(*) AS n FROM spark_catalog.{schema}.documents")[0]["n"] == 8
    bundle.refresh(landing=str(landing), schema=schema, allow_deletes="true")
    assert bundle.sql(f"SELECT count(*) AS n FROM spark_catalog.{schema}.documents")[0]["n"] == 1
    assert {found["path"] for found in bundle.search("bridge", schema, 20)} == {next(landing.iterdir()).name}


def test_equal_rows_and_copies_hide_nothing(bundle: Bundle, landing: Path) -> None:
    """A form that nobody filled in and 60 copies of a handbook, beside eight notes: each text is one vector."""
    schema = "copies"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Readings")
    for row in [["Sensor", "Reading", "Remark"], *[["not installed", 0, "no reading was taken"]] * 1500]:
        sheet.append(row)
    book.save(landing / "readings.xlsx")
    rules = [f"## Rule {number}\n\nRule {number}: nobody {what} alone." for number, what in enumerate(DEEDS)]
    for number in range(60):
        (landing / f"backup-{number:02}.md").write_text("# Handbook\n\n" + "\n\n".join(rules))
    bundle.refresh(landing=str(landing), schema=schema)
    assert bundle.run("ragops", "index", "verify", "--schema", schema).returncode == 0
    found = bundle.search("Rule 3: who paints alone?", schema)
    assert len({one["text"] for one in found}) == 5
    rule = next(one for one in found if "Rule 3" in one["text"])
    assert len(rule["also_in"]) == 59
    assert bundle.search("What does the otter eat?", schema)[0]["path"] == "otter.md"


def test_another_model_builds_a_generation_of_its_own(bundle: Bundle, landing: Path, tmp_path: Path) -> None:
    schema = "models"
    bundle.refresh(landing=str(landing), schema=schema)
    old = bundle.pointer(schema)
    use_case = tmp_path / "usecase.yml"
    own = (bundle.root / "usecase.yml").read_text()
    use_case.write_text(own.replace('document_prompt: ""', 'document_prompt: "note: "'))
    code, _, said = bundle.here("ragops", "search", "otter", "--schema", schema, "--usecase", str(use_case))
    assert code == 2
    assert old["fingerprint"][:8] in said and "was built with model" in said
    bundle.refresh(landing=str(landing), schema=schema, usecase=str(use_case))
    new = bundle.pointer(schema)
    assert new["fingerprint"] != old["fingerprint"]
    assert bundle.here("ragops", "search", "otter", "--schema", schema)[0] == 2
    assert bundle.here("ragops", "index", "rollback", "--schema", schema)[0] == 0
    assert bundle.search("What does the otter eat?", schema)[0]["path"] == "otter.md"
    assert "removed nothing" in bundle.run("ragops", "index", "gc", "--schema", schema).stdout
    for file in list(landing.iterdir())[1:]:
        file.unlink()
    bundle.refresh(landing=str(landing), schema=schema, allow_deletes="true")
    # 21 under each of the two models.
    assert "and 42 vectors" in bundle.run("ragops", "index", "gc", "--schema", schema).stdout


def test_equal_documents_are_embedded_once(bundle: Bundle, landing: Path) -> None:
    schema = "twice"
    once = bundle.refresh(landing=str(landing), schema=schema)
    assert "24 texts to embed" in once.stdout
    shutil.copytree(landing, landing / "again")
    twice = bundle.refresh(landing=str(landing), schema=schema)
    assert "0 texts to embed" in twice.stdout
    counted = "count(*) AS n, count(DISTINCT text_hash) AS texts"
    rows = bundle.sql(f"SELECT {counted} FROM spark_catalog.{schema}.embeddings")
    assert rows == [{"n": 48, "texts": 24}]
