from pathlib import Path

import pytest

from ragops.llms.ledger import CALLS, CallRow, Entry, Spool, cost
from ragops.llms.model import Reply
from ragops.llms.settings import Scripted
from tests.unit.llms.cards import ME, scripted

MODEL = Scripted.model_validate(scripted("m", price_per_million_input=2, price_per_million_output=4))
REPLY = Reply("a", "m", "scripted", 1_000_000, 500_000, 10.0, "stop")


def row() -> CallRow:
    return Entry(MODEL, "scripted", ME, None).ended("failed", ValueError())


def test_rows_have_the_table_s_columns() -> None:
    assert sorted(CallRow.model_fields) == sorted(CALLS.names)


def test_a_call_costs_its_tokens_or_the_seconds_of_a_gpu() -> None:
    assert cost(MODEL, REPLY) == pytest.approx(4.0)
    own = Scripted.model_validate(scripted("own", price_per_second=0.002))
    assert cost(own, REPLY) == pytest.approx(0.02)


def test_a_spool_file_appears_whole(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    spool = Spool(folder, rows_a_file=2)
    rows = [row() for _ in range(3)]
    spool.write(rows[0])
    assert not folder.exists()
    spool.write(rows[1])
    spool.write(rows[2])
    (file,) = folder.iterdir()
    assert [CallRow.model_validate_json(line) for line in file.read_text().splitlines()] == rows[:2]
    spool.close()
    spool.close()
    assert len(list(folder.glob("*.jsonl"))) == len(list(folder.iterdir())) == 2


def test_rows_wait_while_the_folder_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocker = tmp_path / "ledger"
    blocker.write_text("a file where the folder should be")
    spool = Spool(blocker)
    spool.write(row())
    assert "1 rows wait" in caplog.text
    blocker.unlink()
    spool.write(row())
    assert sum(len(file.read_text().splitlines()) for file in blocker.iterdir()) == 2
