"""Answers and verdicts as files: on a folder that is as strict as a volume, and through the Files API."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from ragops.platform.collected import parsed
from ragops.platform.volumes import mounted
from ragops.platform.volumes.errors import VolumeError, VolumeFull
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.files import (
    FEEDBACK_FOLDER,
    IdReused,
    answer_file,
    answer_is_recorded,
    record_answer,
    record_verdict,
)
from ragops.quality.feedback.rows import AnswerRow, Verdict
from tests.support.feedback import a_verdict, an_answer
from tests.support.files_double import Double, enter, served
from tests.support.strict_volumes import strict_volumes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Volumes" / "ledger").mkdir(parents=True)
    return tmp_path / "Volumes" / "ledger"


@pytest.fixture
def double(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    double = Double(folder.parent)
    with served(double) as address:
        enter(address, tmp_path, monkeypatch)
        yield double
    assert double.faults == []


@pytest.fixture(params=["mounted", "files api"])
def volume(request: pytest.FixtureRequest, folder: Path) -> Iterator[Path]:
    with strict_volumes(folder):
        if request.param == "files api":
            request.getfixturevalue("double")
            yield Path("/Volumes/main/rag/ledger")
        else:
            yield folder


def saved(folder: Path) -> list[Verdict | None]:
    return [parsed(Verdict, file.read_bytes()) for file in sorted((folder / FEEDBACK_FOLDER).iterdir())]


def test_a_verdict_is_one_file_under_its_id(volume: Path, folder: Path) -> None:
    verdict = a_verdict(comment='"quoted"\n<b>markup</b> \u202eright to left')
    assert record_verdict(volume, verdict) == verdict
    (file,) = (folder / FEEDBACK_FOLDER).iterdir()
    assert file.name == f"{verdict.verdict_id}.json"
    assert saved(folder) == [verdict]


def test_a_verdict_that_is_sent_again_keeps_its_first_time(volume: Path, folder: Path) -> None:
    verdict = a_verdict()
    record_verdict(volume, verdict)
    later = verdict.model_copy(update={"given_at": verdict.given_at + timedelta(minutes=1)})
    assert record_verdict(volume, later) == verdict
    assert saved(folder) == [verdict]


def test_another_verdict_under_a_used_id_is_refused(volume: Path, folder: Path) -> None:
    verdict = a_verdict()
    record_verdict(volume, verdict)
    for other in ({"verdict": "up"}, {"comment": None}, {"who": "somebody@firm"}):
        with pytest.raises(IdReused, match=verdict.verdict_id):
            record_verdict(volume, verdict.model_copy(update=other))
    assert saved(folder) == [verdict]


@pytest.mark.parametrize("left", [b"", b'{"verdict_id": "1', b"\0" * 300])
def test_what_a_killed_process_left_does_not_block_a_verdict(volume: Path, folder: Path, left: bytes) -> None:
    verdict = a_verdict()
    (folder / FEEDBACK_FOLDER).mkdir()
    (folder / FEEDBACK_FOLDER / f"{verdict.verdict_id}.json").write_bytes(left)
    assert record_verdict(volume, verdict) == verdict
    assert saved(folder) == [verdict]


def test_a_verdict_that_is_sent_many_times_at_once_is_one(volume: Path, folder: Path) -> None:
    verdict = a_verdict()
    times = [verdict.model_copy(update={"given_at": verdict.given_at + timedelta(seconds=n)}) for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        first = {one.given_at for one in threads.map(lambda one: record_verdict(volume, one), times)}
    assert len(first) == 1
    (one,) = saved(folder)
    assert one is not None and {one.given_at} == first


def test_an_answer_is_known_once_it_is_saved(volume: Path, folder: Path) -> None:
    answer = an_answer(question="Wie öffne ich eine Datei?")
    assert not answer_is_recorded(volume, answer.answer_id)
    for _ in range(2):
        record_answer(volume, answer)
        assert answer_is_recorded(volume, answer.answer_id)
    assert parsed(AnswerRow, answer_file(folder, answer.answer_id).read_bytes()) == answer
    answer_file(folder, answer.answer_id).write_bytes(b'{"answer_id": ')
    assert not answer_is_recorded(volume, answer.answer_id)
    record_answer(volume, answer)
    assert answer_is_recorded(volume, answer.answer_id)


def test_a_full_volume_keeps_nothing_of_a_verdict(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: BinaryIO, content: BinaryIO) -> None:
        file.write(content.read()[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    verdict = a_verdict()
    with monkeypatch.context() as patch:
        patch.setattr(mounted, "_fill", full)
        with pytest.raises(VolumeFull, match="no space left"):
            record_verdict(folder, verdict)
    assert list((folder / FEEDBACK_FOLDER).iterdir()) == []
    assert record_verdict(folder, verdict) == verdict


def test_file_and_folder_are_on_disk_before_a_verdict_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []

    def fsync(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")))

    verdict = a_verdict()
    monkeypatch.setattr(os, "fsync", fsync)
    record_verdict(folder, verdict)
    file = folder / FEEDBACK_FOLDER / f"{verdict.verdict_id}.json"
    assert synced == [file, file.parent, folder]
    synced.clear()
    record_verdict(folder, verdict)  # whose first sender may have been killed before it was on disk
    assert synced == [file, file.parent]


def test_a_volume_that_does_not_answer_is_an_error(double: Double) -> None:
    volume = Path("/Volumes/main/rag/ledger")
    double.refused["json"] = 503
    with pytest.raises(VolumeError, match="does not answer"):
        record_verdict(volume, a_verdict())
    double.refused["json"] = 403
    with pytest.raises(VolumeError, match="WRITE VOLUME"):
        record_verdict(volume, a_verdict())


def test_a_verdict_whose_response_was_lost_is_saved(double: Double, folder: Path) -> None:
    volume_files(Path("/Volumes/main/rag/ledger")).write(Path("/Volumes/main/rag/ledger/feedback/x"), b"")
    verdict = a_verdict()
    double.lost["json"] = 1
    try:
        record_verdict(Path("/Volumes/main/rag/ledger"), verdict)
    except VolumeError:  # the client sends it again
        assert record_verdict(Path("/Volumes/main/rag/ledger"), verdict) == verdict
    (folder / FEEDBACK_FOLDER / "x").unlink()
    assert saved(folder) == [verdict]
