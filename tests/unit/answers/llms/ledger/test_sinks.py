import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from ragops.answers.llms.ledger.calls import CALLS, Call, CallRow, cost
from ragops.answers.llms.ledger.sinks import DiscardingSink, FileNames, Spool
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply
from ragops.platform.volumes import mounted
from tests.support.llms import ME, scripted

MODEL = Scripted.model_validate(scripted("m", price_per_million_input=2, price_per_million_output=4))
REPLY = Reply("a", "m", "scripted", 1_000_000, 500_000, 10.0, "stop")


def row() -> CallRow:
    return Call(MODEL, ME).ended("failed", ValueError())


def test_rows_have_the_table_s_columns() -> None:
    assert sorted(CallRow.model_fields) == sorted(CALLS.names)


def test_a_call_costs_its_tokens_or_the_seconds_of_a_gpu() -> None:
    assert cost(MODEL, REPLY) == pytest.approx(4.0)
    own = Scripted.model_validate(scripted("own", price_per_second=0.002))
    assert cost(own, REPLY) == pytest.approx(0.02)


def test_a_spool_file_appears_whole(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    spool = Spool(folder, rows_per_file=2)
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


def test_a_full_volume_gets_one_file_however_often_it_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, really = Spool(tmp_path), mounted._fill

    def full(file: BinaryIO, content: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(mounted, "_fill", full)
    for _ in range(3):
        spool.write(row())
    monkeypatch.setattr(mounted, "_fill", really)
    spool.write(row())
    spool.write(row())
    assert sorted(len(file.read_text().splitlines()) for file in tmp_path.iterdir()) == [1, 4]


def test_forked_processes_never_write_to_the_same_file(tmp_path: Path) -> None:
    names = FileNames()
    mine = names.current()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, names.current().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100).decode() != mine == names.current()
    names.next()
    assert names.current() != mine


def test_rows_wait_while_the_folder_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocker = tmp_path / "ledger"
    blocker.write_text("a file where the folder should be")
    spool = Spool(blocker)
    spool.write(row())
    assert "1 rows pending" in caplog.text
    blocker.unlink()
    spool.write(row())
    assert sum(len(file.read_text().splitlines()) for file in blocker.iterdir()) == 2


def test_where_rows_go_nowhere_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = DiscardingSink()
    for _ in range(2):
        sink.write(row())
    assert len(caplog.records) == 1
    assert "not recorded" in caplog.text
