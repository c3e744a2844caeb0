"""kill -9 at every step of a publish: the old generation stays live, the next publish converges and cleans up."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.publish import publish
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.corpus.index.generations.rollback_and_cleanup import list_generations
from ragops.corpus.index.reading.reader import IndexReader
from tests.support import index_corpus
from tests.support.locks import lock_of

_CORPUS = Path(index_corpus.__file__)
_STEPS = [
    "lock taken",
    "copy opened",
    "deleted, nothing added",
    "passages written",
    "vectors written",
    "words built",
    "checked",
    "sealed",
    "some files copied",
    "all files copied but the manifest",
    "installed",
    "pointer's copy half written",
    "pointer half written",
    "pointer moved",
    "lock given up",
]


@pytest.fixture(scope="module")
def killed(corpus: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each step, with an index whose publisher was killed there."""
    folder = tmp_path_factory.mktemp("killed")
    root = folder / "before" / "index"
    source = corpus.source(corpus.BEFORE)
    publish(root, source, lock=lock_of(root), run_id="first", work_directory=folder / "work")
    folders = {step: folder / step.replace(" ", "-").replace("'", "") for step in _STEPS}
    for killed_in in folders.values():
        shutil.copytree(folder / "before", killed_in)
    tasks = [
        {"root": f"{killed_in}/index", "work": f"{killed_in}/work", "step": step} for step, killed_in in folders.items()
    ]
    (folder / "tasks.json").write_text(json.dumps([[task] for task in tasks]))
    ran = subprocess.run([sys.executable, _CORPUS, folder / "tasks.json"], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [f"[{-signal.SIGKILL:d}]"] * len(_STEPS), ran.stderr
    return folders


def test_every_step_is_covered(corpus: ModuleType) -> None:
    assert list(corpus.STEPS) == _STEPS


@pytest.mark.parametrize("step", _STEPS)
def test_the_old_generation_stays_live_and_the_next_publish_converges(
    step: str, killed: dict[str, Path], corpus: ModuleType, tmp_path: Path
) -> None:
    killed_in = killed[step]
    root = killed_in / "index"
    swapped = step in ("pointer half written", "pointer moved", "lock given up")
    with_reader = IndexReader(root, tmp_path / "readers")
    expected = corpus.AFTER if swapped else corpus.BEFORE
    assert with_reader.generation().table.row_hashes() == {e.chunk_id: e.row_hash for e in expected}
    assert with_reader.lexical("number20", 1)[0].text_hash == expected[20 if not swapped else 15].text_hash

    lock = lock_of(root)
    report = publish(root, corpus.source(corpus.AFTER), lock=lock, run_id="next", work_directory=killed_in / "work")

    assert report.published is not swapped
    wanted = {e.chunk_id: e.row_hash for e in corpus.AFTER}
    assert with_reader.generation().table.row_hashes() == wanted
    assert with_reader.dense(corpus.AFTER[-1].vector, 1)[0].text_hash == corpus.AFTER[-1].text_hash
    with_reader.close()
    assert sorted(path.name for path in root.iterdir()) == ["generations", "pointer.copy.json", "pointer.json"]
    assert len(list((root / "generations").iterdir())) == len(list_generations(root))
    assert not (killed_in / "work").exists()
    assert [g.name for g in list_generations(root) if g.live] == [PublishedIndex(root).pointer().generation]


def test_every_listed_generation_can_be_opened(killed: dict[str, Path], tmp_path: Path) -> None:
    """At whatever step the publisher died."""
    for killed_in in killed.values():
        for listed in list_generations(killed_in / "index"):
            copy = shutil.copytree(
                killed_in / "index" / "generations" / listed.name, tmp_path / killed_in.name / listed.name
            )
            opened = Generation.open(copy)
            assert opened.table.count() == listed.manifest.count
            opened.close()
