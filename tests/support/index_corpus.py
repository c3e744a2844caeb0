"""Rows to publish, and a process that publishes them and kills itself at a given step.

As a script, `index_corpus.py TASKS.json` runs lists of tasks one after another, the tasks of a list concurrently, each
in a forked child. It prints their exit codes, and after several concurrent ones what is live. Chroma is imported once
and used only in children.
"""

import functools
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragops.corpus.index.generations import draft, generation, publish
from ragops.corpus.index.generations.manifest import IndexedModel
from ragops.corpus.index.generations.published_files import local_directory
from ragops.corpus.index.locks.local import LocalLock
from ragops.corpus.index.passages import Entry
from ragops.errors import UserError
from ragops.platform.volumes import mounted

DIMENSION = 16
MODEL = IndexedModel(fingerprint="ab" * 32, name="model-a", dimension=DIMENSION)
OTHER_MODEL = IndexedModel(fingerprint="cd" * 32, name="model-b", dimension=DIMENSION)


def entry(number: int, text: str = "", page: int | None = None, title: str = "Handbook") -> Entry:
    """A row whose id and vector follow from its number and text."""
    text = text or f"passage number{number} about topic{number % 7}"
    chunk_id = hashlib.sha256(f"{number}|{text}".encode()).hexdigest()
    vector = np.random.default_rng(int(chunk_id[:12], 16)).standard_normal(DIMENSION).astype(np.float32)
    return Entry(
        chunk_id=chunk_id,
        doc_id=f"doc-{number // 10}",
        text=text,
        heading_path=("Part", f"Section {number}"),
        title=title,
        path=f"docs/{number // 10}.md",
        page=page,
        ordinal=number % 10,
        text_hash=hashlib.sha256(f"{title}{text}".encode()).hexdigest(),
        vector=vector,
    )


def content_digest(rows: Mapping[str, str]) -> str:
    """Equal digests mean equal content."""
    return hashlib.sha256(json.dumps(sorted(rows.items())).encode()).hexdigest()


def source(
    entries: Iterable[Entry],
    model: IndexedModel = MODEL,
    while_fetching: Callable[[], None] = lambda: None,
    access: str = "",
) -> publish.IndexSource:
    """The rows that the index must contain."""
    rows = {e.chunk_id: e for e in entries}
    wanted = {chunk_id: e.row_hash for chunk_id, e in rows.items()}

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        for start in range(0, len(ids), 3):
            while_fetching()
            yield [rows[chunk_id] for chunk_id in ids[start : start + 3]]

    return publish.IndexSource(model, content_digest(wanted) + access, lambda: wanted, fetch, access)


BEFORE = [entry(number) for number in range(60)]
AFTER = [entry(number, page=7 if number < 12 else None) for number in range(5, 66)]

# Steps at which a publisher can die: the function that is replaced, and whether it dies before or after its work.
STEPS: dict[str, tuple[Any, str, str]] = {
    "lock taken": (publish, "remove_leftovers", "before"),
    "copy opened": (draft, "plan_changes", "before"),
    "deleted, nothing added": (draft, "apply_changes", "after delete"),
    "passages written": (draft, "apply_changes", "after"),
    "vectors written": (draft, "store_texts", "after"),
    "words built": (generation.LexicalIndex, "save", "after"),
    "checked": (publish, "seal_draft", "before"),
    "sealed": (publish, "seal_draft", "after"),
    "some files copied": (mounted, "_fill", "after third call"),
    "all files copied but the manifest": (mounted, "_fill", "half of manifest.json"),
    "installed": (publish.PublishedIndex, "install", "after"),
    "pointer's copy half written": (mounted, "_fill", "half of pointer.copy.json"),
    "pointer half written": (mounted, "_fill", "half of pointer.json"),
    "pointer moved": (publish, "move_pointer", "after"),
    "lock given up": (publish, "publish", "after"),
}


def die_at(step: str) -> None:
    """Makes this process kill itself at the step."""
    owner, name, moment = STEPS[step]
    real = getattr(owner, name)
    calls = 0

    @functools.wraps(real)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if moment.startswith("half of"):
            file, content = args
            if Path(file.name).name == moment.removeprefix("half of "):
                file.write(content.read(20))
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        if moment == "after delete":
            plan, changes, _ = args
            changes.delete(plan.remove)
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if moment == "after" or (moment == "after third call" and calls == 3):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def wait_for(path: Path) -> None:
    """Waits until the file exists."""
    while not path.exists():
        time.sleep(0.05)


def carry_out(task: dict[str, Any]) -> None:
    """Publishes into the task's index: AFTER, or `rows` from one number to another.

    `step`: where it dies; `gate`: a folder in which it creates "fetching" and waits for "go on".
    """

    def at_gate() -> None:
        gate = Path(task["gate"])
        (gate / "fetching").touch()
        wait_for(gate / "go on")

    if "step" in task:
        die_at(task["step"])
    rows = [entry(number) for number in range(*task["rows"])] if "rows" in task else AFTER
    wanted = source(rows, while_fetching=at_gate) if "gate" in task else source(rows)
    root = Path(task["root"])
    lock = LocalLock(local_directory(root, "publish.lock"), str(root))  # as in tests.support.locks
    publish.publish(root, wanted, lock=lock, run_id="other", work_directory=Path(task["work"]))


def main() -> None:
    """Runs the tasks in the given file."""
    for tasks in json.loads(Path(sys.argv[1]).read_text()):
        children = [forked(ended, task) for task in tasks]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(codes), flush=True)
        if len(tasks) > 1:
            os.waitpid(forked(look, Path(tasks[0]["root"])), 0)


def forked(function: Callable[[Any], int], argument: Any) -> int:
    """Forks a child that exits with the function's result; returns its pid."""
    child = os.fork()
    if child == 0:
        os._exit(function(argument))
    return child


def ended(task: dict[str, Any]) -> int:
    """Runs a task; returns 1 if another publisher was first, with the error on stderr."""
    try:
        carry_out(task)
        return 0
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        return 1


def look(root: Path) -> int:
    """Prints a digest of the live rows, and the numbers of generations and of folders."""
    index = publish.PublishedIndex(root)
    with tempfile.TemporaryDirectory() as copy:
        live = generation.Generation.open(index.copy(index.pointer().generation, Path(copy)))
        found = {"rows": content_digest(live.table.row_hashes()), "generations": len(index.names())}
        print(json.dumps(found | {"folders": len(list((root / "generations").iterdir()))}), flush=True)
        live.close()
    return 0


if __name__ == "__main__":
    main()
