"""Two concurrent publishers, repeatedly: one index, and the loser's error names the winner."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from ragops.corpus.index.generations.rollback_and_cleanup import list_generations
from tests.support import index_corpus

_CORPUS = Path(index_corpus.__file__)
_ROUNDS = 50


def _digest(corpus: ModuleType, rows: tuple[int, int]) -> str:
    digest: str = corpus.content_digest(corpus.source(corpus.entry(number) for number in range(*rows)).rows())
    return digest


def test_two_publishers_at_once(root: Path, corpus: ModuleType, tmp_path: Path) -> None:
    """They want different rows; after each round the index equals what one of them wanted."""
    wanted = [[(number, number + 30), (number + 1, number + 32)] for number in range(_ROUNDS)]
    tasks = [
        [{"root": str(root), "work": str(tmp_path / f"work-{n}"), "rows": rows} for n, rows in enumerate(pair)]
        for pair in wanted
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    command = [sys.executable, "-W", "ignore", _CORPUS, tmp_path / "tasks.json"]  # of forks, in Python 3.12
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    result = [json.loads(line) for line in ran.stdout.splitlines()]
    codes, live = result[::2], result[1::2]
    assert len(codes) == len(live) == _ROUNDS
    for pair, found in zip(wanted, live, strict=True):
        assert found["rows"] in [_digest(corpus, rows) for rows in pair]
        assert found["folders"] == found["generations"]
    assert all(sorted(pair) in ([0, 0], [0, 1]) for pair in codes)
    late = ran.stderr.splitlines()
    assert len(late) == sum(map(sum, codes)) > 0
    assert all(" is locked by " in line and " pid " in line and ", since " in line for line in late)
    assert len(list_generations(root)) == sum(pair.count(0) for pair in codes)
