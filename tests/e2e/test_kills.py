"""kill -9 between stages and at random times: the next run converges, and the old index keeps answering."""

import random
from pathlib import Path

import pytest

from tests.e2e.bundles import Bundle
from tests.e2e.kills import Kill, converges, edit_some, kill_a_refresh

CHANCE = random.Random(20261124)
KILLS = [
    Kill("spark", "ingest: success"),
    Kill("runner", "embed: success"),
    *(Kill(victim, CHANCE.uniform(1.0, 15.0)) for victim in ("runner", "kernel", "spark")),
]


@pytest.fixture(scope="module")
def filled(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.e2e.bundles import write_notes

    landing = tmp_path_factory.mktemp("landing")
    write_notes(landing)
    bundle.refresh(landing=str(landing), schema="killed")
    return landing


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill.victim}-{kill.after}".replace(" ", "-"))
def test_the_next_run_converges(bundle: Bundle, filled: Path, kill: Kill) -> None:
    edit_some(filled, CHANCE)
    kill_a_refresh(bundle, filled, "killed", kill)
    converges(bundle, filled, "killed")


def test_two_refreshes_at_once(bundle: Bundle, filled: Path) -> None:
    """The second waits or stops with the first one's owner and start; nothing is lost."""
    import subprocess

    edit_some(filled, CHANCE)
    command = bundle.command(
        "localbundle", "run", "refresh", "-t", "dev", "--params", f"landing={filled},schema=killed"
    )
    both = [
        subprocess.Popen(command, cwd=bundle.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=400)[0] for run in both]
    codes = sorted(run.returncode for run in both)
    assert codes[0] == 0, said
    assert codes[1] == 0 or any("pid" in text and "since" in text for text in said), said
    converges(bundle, filled, "killed")
