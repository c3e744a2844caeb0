"""kill -9 at every step of a publish: the old generation serves, the next publish converges and clears up."""

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
from ragops.corpus.index.stores.interface import row_hashes
from tests.support import index_corpus
from tests.support.locks import lock_of

_CORPUS = Path(index_corpus.__file__)
_STEPS = [
    "lock taken",
    "copy opened",
    "deleted, nothing added",
    "changes written",
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
    places = {step: folder / step.replace(" ", "-").replace("'", "") for step in _STEPS}
    for place in places.values():
        shutil.copytree(folder / "before", place)
    tasks = [{"root": f"{place}/index", "work": f"{place}/work", "step": step} for step, place in places.items()]
    (folder / "tasks.json").write_text(json.dumps([[task] for task in tasks]))
    ran = subprocess.run([sys.executable, _CORPUS, folder / "tasks.json"], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [f"[{-signal.SIGKILL:d}]"] * len(_STEPS), ran.stderr
    return places


def test_every_step_is_covered(corpus: ModuleType) -> None:
    assert list(corpus.STEPS) == _STEPS


@pytest.mark.parametrize("step", _STEPS)
def test_old_generation_serves_and_next_publish_converges(
    step: str, killed: dict[str, Path], corpus: ModuleType, tmp_path: Path
) -> None:
    place = killed[step]
    root = place / "index"
    swapped = step in ("pointer half written", "pointer moved", "lock given up")
    with_reader = IndexReader(root, tmp_path / "readers")
    expected = corpus.AFTER if swapped else corpus.BEFORE
    assert row_hashes(with_reader.generation().store) == {e.chunk_id: e.row_hash for e in expected}
    assert with_reader.lexical("number20", 1)[0].chunk_id == expected[20 if not swapped else 15].chunk_id

    lock = lock_of(root)
    report = publish(root, corpus.source(corpus.AFTER), lock=lock, run_id="next", work_directory=place / "work")

    assert report.published is not swapped
    wanted = {e.chunk_id: e.row_hash for e in corpus.AFTER}
    assert row_hashes(with_reader.generation().store) == wanted
    assert with_reader.dense(corpus.AFTER[-1].vector, 1)[0].chunk_id == corpus.AFTER[-1].chunk_id
    with_reader.close()
    assert sorted(path.name for path in root.iterdir()) == ["generations", "pointer.copy.json", "pointer.json"]
    assert len(list((root / "generations").iterdir())) == len(list_generations(root))
    assert not (place / "work").exists()
    assert [g.name for g in list_generations(root) if g.live] == [PublishedIndex(root).pointer().generation]


def test_a_generation_can_be_opened_only_when_whole(killed: dict[str, Path], tmp_path: Path) -> None:
    """What lies under a generation's name is complete, wherever the publisher died."""
    for place in killed.values():
        for listed in list_generations(place / "index"):
            copy = shutil.copytree(place / "index" / "generations" / listed.name, tmp_path / place.name / listed.name)
            opened = Generation.open(copy)
            assert opened.store.count() == listed.manifest.count
            opened.close()
