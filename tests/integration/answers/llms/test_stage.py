"""The ledger's table on real Delta."""

import base64
import json
import os
from datetime import UTC
from pathlib import Path

from ragops.answers.llms.ledger.calls import CALLS, Call, CallRow
from ragops.answers.llms.ledger.encryption import KeyRing, Sealed
from ragops.answers.llms.ledger.sinks import Spool
from ragops.answers.llms.ledger.stage import UNREADABLE, merge_ledger, rotate_payloads
from ragops.answers.llms.settings import Scripted
from ragops.answers.llms.types import Reply
from ragops.platform.workspace import LEDGER, Workspace
from tests.support.llms import ME, ask, scripted
from tests.support.strict_volumes import plain

MODEL = Scripted.model_validate(scripted("m", price_per_million_input=3))
REPLY = Reply("the answer", "m", "scripted", 1_000_000, 2, 0.5, "stop")


def ring(*ids: str) -> KeyRing:
    return KeyRing.parse(" ".join(f"{one}:{base64.b64encode(one.encode() * 16).decode()}" for one in ids))


def answered(keys: KeyRing | None = None) -> CallRow:
    return Call(MODEL, ME).answered(REPLY, ask("the question"), keys)


def payload(workspace: Workspace, call_id: str, keys: KeyRing) -> dict:
    (row,) = CALLS.read(workspace).where(f"call_id = '{call_id}'").collect()
    return json.loads(keys.open(Sealed(row["key_id"], base64.b64decode(row["payload"])), call_id))


def test_rows_are_merged_exactly_once(workspace: Workspace) -> None:
    folder = workspace.volume(LEDGER)
    rows = [answered(), Call(MODEL, ME, "other").ended("failed", TimeoutError())]
    spool = Spool(folder)
    for row in rows:
        spool.write(row)
    copies = {file.name: file.read_bytes() for file in folder.glob("*.jsonl")}
    report = merge_ledger(workspace)
    assert (report.read, report.added, report.failed) == (2, 2, 0)
    assert list(folder.iterdir()) == []
    for name, content in copies.items():  # as if a run was killed before it removed them
        (folder / name).write_bytes(content)
    again = merge_ledger(workspace)
    assert (again.read, again.added) == (2, 0)
    found = {row["call_id"]: row for row in CALLS.read(workspace).collect()}
    assert found.keys() == {row.call_id for row in rows}
    first = found[rows[0].call_id]
    assert (first["cost"], first["outcome"], first["who"], first["payload"]) == (3.0, "answered", "me@firm", None)
    assert first["called_at"].astimezone(UTC) == rows[0].called_at
    assert (found[rows[1].call_id]["error"], found[rows[1].call_id]["fallback_of"]) == ("TimeoutError", "other")
    assert merge_ledger(workspace).idle


def test_a_malformed_line_does_not_lose_the_others(workspace: Workspace) -> None:
    folder = workspace.volume(LEDGER)
    row = answered()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.jsonl").write_text(f'{row.model_dump_json()}\n{{"call_id": \n')
    (folder / ".b.jsonl.tmp").write_text("being written")
    report = merge_ledger(workspace)
    assert (report.read, report.added, report.failed) == (1, 1, 1)
    assert UNREADABLE in report.note
    assert (folder / UNREADABLE / "a.jsonl").is_file()
    assert (folder / ".b.jsonl.tmp").is_file()


def test_an_unfinished_file_stays_for_the_next_run(workspace: Workspace) -> None:
    """A volume never shows an unfinished file, but a folder does; one that stays unfinished is reported."""
    folder, row = workspace.volume(LEDGER), answered()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "a.jsonl"
    line = f"{row.model_dump_json()}\n"
    for half in ("", line[:30]):
        file.write_text(half)
        assert merge_ledger(workspace).idle
        assert file.read_text() == half
    file.write_text(line)
    assert merge_ledger(workspace).added == 1
    file.write_text(line[:30])
    with plain(folder):
        os.utime(file, (0, 0))
    assert merge_ledger(workspace).failed == 1
    assert (folder / UNREADABLE / "a.jsonl").read_text() == line[:30]


def test_without_calls_there_is_nothing_to_merge(workspace: Workspace) -> None:
    workspace.volume(LEDGER).rmdir()
    assert merge_ledger(workspace).idle


def test_after_rotation_every_payload_decrypts_with_the_new_key_alone(workspace: Workspace) -> None:
    spool = Spool(workspace.volume(LEDGER))
    rows = [answered(ring("k1")), answered(ring("k2", "k1")), answered(None)]
    for row in rows:
        spool.write(row)
    merge_ledger(workspace)
    report = rotate_payloads(workspace, ring("k2", "k1"))
    assert (report.read, report.changed) == (1, 1)
    for row in rows[:2]:
        opened = payload(workspace, row.call_id, ring("k2"))
        assert opened == {"messages": [{"role": "user", "content": "the question"}], "answer": "the answer"}
    assert rotate_payloads(workspace, ring("k2", "k1")).idle


def test_the_bundle_declares_the_volume_of_the_ledger() -> None:
    assert f"name: {LEDGER}" in Path("resources/llms.volumes.yml").read_text()
