"""kill -9 at random moments of refreshes: how many of the next runs fixed everything.

Run `python -m tests.bench.kills`; it shows its progress and, with `--json FILE`, writes the counts. Nine of ten kills
take a process that runs the job's stages (kill_lane.py), in two workspaces at a time, since a whole command costs ten
seconds more. The others kill the runner, a notebook's kernel or Spark under `localbundle run refresh`, at a task's
border or anywhere, and demand what tests/e2e/kills.py demands.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.e2e.bundles import REPOSITORY, Bundle, lay_bundle, write_notes
from tests.e2e.kills import Kill, converges, edit_some, kill_a_refresh

KILLS = 200
SEED = 20_261_124
LANES = 2
WHOLE_SHARE = 0.1
VICTIMS = ("runner", "kernel", "spark")
BORDERS = ("ingest: success", "embed: success", "publish: success")
BORDER_SHARE = 0.25
console = Console()


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    kills: Annotated[int, typer.Option(help="How many refreshes to kill.")] = KILLS,
) -> dict[str, object]:
    """Shows progress and returns {kills, converged, failures, by_victim, orphans, seed, seconds}."""
    start, whole = time.perf_counter(), round(kills * WHOLE_SHARE)
    with tempfile.TemporaryDirectory(prefix="bench-kills-") as folder, Progress(*columns(), console=console) as shown:
        reported = Told(shown, kills)
        bundles = [laid(Path(folder) / f"lane-{number}") for number in range(LANES)]
        try:
            with ThreadPoolExecutor(LANES) as lanes:
                shares = [(kills - whole + number) // LANES for number in range(LANES)]
                list(lanes.map(lane, bundles, shares, range(LANES), [reported] * LANES))
            whole_commands(bundles[0], whole, reported)
        finally:
            for bundle in bundles:
                bundle.run("localbundle", "down", "-t", "dev", check=False)
        orphans = sum(len(list(processes_of(bundle))) for bundle in bundles)
    failures = [outcome for outcome in reported.outcomes if outcome["failure"]]
    result: dict[str, object] = {
        "kills": len(reported.outcomes),
        "converged": len(reported.outcomes) - len(failures),
        "by_victim": Counter(str(outcome["victim"]) for outcome in reported.outcomes),
        "failures": failures,
        "orphans": orphans,
        "seed": SEED,
        "seconds": round(time.perf_counter() - start, 1),
    }
    console.print_json(data=result)
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
    return result


class Told:
    """What came of each kill, shown as it comes; lanes tell from threads of their own."""

    def __init__(self, shown: Progress, kills: int) -> None:
        self.outcomes: list[dict[str, object]] = []
        self._shown, self._task = shown, shown.add_task("", total=kills, converged=0)

    def add(self, outcome: dict[str, object]) -> None:
        self.outcomes.append(outcome)
        if outcome["failure"]:
            console.print("{victim} after {after}: {failure}".format(**outcome), markup=False, style="red")
        converged = sum(not outcome["failure"] for outcome in self.outcomes)
        self._shown.update(self._task, completed=len(self.outcomes), converged=converged)


def laid(root: Path) -> Bundle:
    """A bundle whose workspace is up."""
    root.mkdir()
    bundle = lay_bundle(root)
    bundle.run("localbundle", "up", "-t", "dev")
    return bundle


def lane(bundle: Bundle, kills: int, number: int, reported: Told) -> None:
    """Kills processes that run the stages, one after the other."""
    words = ["localbundle", "exec", "-t", "dev", "--", sys.executable, "-m", "tests.bench.kill_lane"]
    words += ["--schema", "killed", "--usecase", str(bundle.root / "usecase.yml")]
    words += ["--kills", str(kills), "--seed", str(SEED + number)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        bundle.command(*words), cwd=bundle.root, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("{"):
                reported.add(json.loads(line))
    if running.returncode:
        raise SystemExit(f"lane {number}: exit code {running.returncode}")


def whole_commands(bundle: Bundle, kills: int, reported: Told) -> None:
    """Kills the runner, a kernel or Spark under whole runs of the job."""
    chance = random.Random(SEED)
    place = fresh(bundle, 0)
    longest = length(bundle, *place, chance)
    for number in range(kills):
        kill = chosen(chance, longest)
        failure = one(bundle, *place, kill, chance)
        reported.add({"victim": kill.victim, "after": kill.after, "failure": failure})
        if failure:
            place = fresh(bundle, number + 1)  # what one kill broke is not counted again


def columns() -> tuple[TextColumn | BarColumn | MofNCompleteColumn | TimeElapsedColumn | TimeRemainingColumn, ...]:
    so_far = TextColumn("killed, {task.fields[converged]} converged")
    return BarColumn(), MofNCompleteColumn(), so_far, TimeElapsedColumn(), TimeRemainingColumn()


def fresh(bundle: Bundle, number: int) -> tuple[Path, str]:
    """A warm workspace with an indexed folder of notes; its landing folder and schema."""
    landing, schema = bundle.root / f"landing-{number}", f"killed_{number}"
    landing.mkdir()
    write_notes(landing)
    bundle.run("localbundle", "up", "-t", "dev")
    bundle.refresh(landing=str(landing), schema=schema)
    return landing, schema


def length(bundle: Bundle, landing: Path, schema: str, chance: random.Random) -> float:
    """Seconds of a refresh that nobody kills: moments are spread over as many."""
    edit_some(landing, chance)
    began = time.perf_counter()
    bundle.refresh(landing=str(landing), schema=schema)
    return time.perf_counter() - began


def chosen(chance: random.Random, longest: float) -> Kill:
    """A victim, and a border between stages or any moment of a run's length."""
    victim = chance.choice(VICTIMS)
    moment = chance.random()  # drawn in every case, so that the choice of all kills depends on the seed alone
    return Kill(victim, chance.choice(BORDERS) if chance.random() < BORDER_SHARE else moment * longest)


def one(bundle: Bundle, landing: Path, schema: str, kill: Kill, chance: random.Random) -> str:
    """One kill and the run after it; what went wrong, or ''."""
    edit_some(landing, chance)
    try:
        kill_a_refresh(bundle, landing, schema, kill)
        bundle.run("localbundle", "up", "-t", "dev")  # warm again where Spark was the victim
        converges(bundle, landing, schema)
    except Exception as error:  # the next kill is tried whatever this one did
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno}: {where.line})"[-2000:]
    return ""


def processes_of(bundle: Bundle) -> Iterator[psutil.Process]:
    """What still runs for the bundle's workspace: kernels, Spark and its workers carry its folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("LOCALBUNDLE_HOME") == str(bundle.home.resolve()):
                yield process


if __name__ == "__main__":
    typer.run(main)
