import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from ragops.answers.llms.ledger.calls import Call, CallRow
from ragops.answers.llms.ledger.sinks import DiscardingSink, FileNames, Spool
from ragops.answers.llms.settings import Scripted
from ragops.platform.volumes import mounted
from tests.support.llms import ME, scripted

MODEL = Scripted.model_validate(scripted("m"))


def row() -> CallRow:
    return Call(MODEL, ME).ended("failed", ValueError())


def test_a_spool_writes_whole_files(tmp_path: Path) -> None:
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


def test_retries_on_a_full_volume_overwrite_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, original = Spool(tmp_path), mounted._fill

    def full(file: BinaryIO, content: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(mounted, "_fill", full)
    for _ in range(3):
        spool.write(row())
    monkeypatch.setattr(mounted, "_fill", original)
    spool.write(row())
    spool.write(row())
    assert sorted(len(file.read_text().splitlines()) for file in tmp_path.iterdir()) == [1, 4]


def test_a_forked_process_writes_files_of_its_own(tmp_path: Path) -> None:
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


def test_rows_stay_pending_while_the_folder_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocker = tmp_path / "ledger"
    blocker.write_text("a file where the folder should be")
    spool = Spool(blocker)
    spool.write(row())
    assert "1 rows pending" in caplog.text
    blocker.unlink()
    spool.write(row())
    assert sum(len(file.read_text().splitlines()) for file in blocker.iterdir()) == 2


def test_discarding_rows_logs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    sink = DiscardingSink()
    for _ in range(2):
        sink.write(row())
    assert len(caplog.records) == 1
    assert "not recorded" in caplog.text
