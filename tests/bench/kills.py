"""kill -9 at random moments of refreshes: how many of the next runs converged.

Run `python -m tests.bench.kills`; it shows its progress and, with `--json FILE`, writes the counts. Nine of ten kills
hit a process that runs the job's stages (kill_lane.py), in two workspaces at a time, since a whole command costs ten
seconds more. The others kill the runner, a notebook's kernel or Spark during `localbundle run refresh`, after a task or
at a random moment, and check what tests/e2e/kills.py checks.
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

from tests.e2e.bundles import REPOSITORY, Bundle, copy_bundle, write_notes
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
    kills: Annotated[int, typer.Option(help="Number of refreshes to kill.")] = KILLS,
) -> dict[str, object]:
    """Shows progress and returns {kills, converged, failures, by_victim, orphans, seed, seconds}."""
    start, whole = time.perf_counter(), round(kills * WHOLE_SHARE)
    with tempfile.TemporaryDirectory(prefix="bench-kills-") as folder, Progress(*columns(), console=console) as shown:
        reported = Outcomes(shown, kills)
        bundles = [new_bundle(Path(folder) / f"lane-{number}") for number in range(LANES)]
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


class Outcomes:
    """The outcomes of kills, shown as they arrive; lanes report from their own threads."""

    def __init__(self, shown: Progress, kills: int) -> None:
        self.outcomes: list[dict[str, object]] = []
        self._shown, self._task = shown, shown.add_task("", total=kills, converged=0)

    def add(self, outcome: dict[str, object]) -> None:
        self.outcomes.append(outcome)
        if outcome["failure"]:
            console.print("{victim} after {after}: {failure}".format(**outcome), markup=False, style="red")
        converged = sum(not outcome["failure"] for outcome in self.outcomes)
        self._shown.update(self._task, completed=len(self.outcomes), converged=converged)


def new_bundle(root: Path) -> Bundle:
    """A bundle with a running workspace."""
    root.mkdir()
    bundle = copy_bundle(root)
    bundle.run("localbundle", "up", "-t", "dev")
    return bundle


def lane(bundle: Bundle, kills: int, number: int, reported: Outcomes) -> None:
    """Kills processes that run the stages, one after another."""
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


def whole_commands(bundle: Bundle, kills: int, reported: Outcomes) -> None:
    """Kills the runner, a kernel or Spark during whole runs of the job."""
    chance = random.Random(SEED)
    target = fresh(bundle, 0)
    longest = length(bundle, *target, chance)
    for number in range(kills):
        kill = chosen(chance, longest)
        failure = one(bundle, *target, kill, chance)
        reported.add({"victim": kill.victim, "after": kill.after, "failure": failure})
        if failure:
            target = fresh(bundle, number + 1)  # the damage of one kill must not count again


def columns() -> tuple[TextColumn | BarColumn | MofNCompleteColumn | TimeElapsedColumn | TimeRemainingColumn, ...]:
    so_far = TextColumn("killed, {task.fields[converged]} converged")
    return BarColumn(), MofNCompleteColumn(), so_far, TimeElapsedColumn(), TimeRemainingColumn()


def fresh(bundle: Bundle, number: int) -> tuple[Path, str]:
    """Landing folder and schema of an indexed folder of notes in a warm workspace."""
    landing, schema = bundle.root / f"landing-{number}", f"killed_{number}"
    landing.mkdir()
    write_notes(landing)
    bundle.run("localbundle", "up", "-t", "dev")
    bundle.refresh(landing=str(landing), schema=schema)
    return landing, schema


def length(bundle: Bundle, landing: Path, schema: str, chance: random.Random) -> float:
    """Seconds of a refresh that is not killed: the range of the random moments."""
    edit_some(landing, chance)
    began = time.perf_counter()
    bundle.refresh(landing=str(landing), schema=schema)
    return time.perf_counter() - began


def chosen(chance: random.Random, longest: float) -> Kill:
    """A victim, and the end of a task or a random moment of a run."""
    victim = chance.choice(VICTIMS)
    moment = chance.random()  # always drawn, so that all kills depend on the seed only
    return Kill(victim, chance.choice(BORDERS) if chance.random() < BORDER_SHARE else moment * longest)


def one(bundle: Bundle, landing: Path, schema: str, kill: Kill, chance: random.Random) -> str:
    """One kill and the run after it; the failure, or ''."""
    edit_some(landing, chance)
    try:
        kill_a_refresh(bundle, landing, schema, kill)
        bundle.run("localbundle", "up", "-t", "dev")  # warm again where Spark was the victim
        converges(bundle, landing, schema)
    except Exception as error:  # continue with the next kill in any case
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno}: {where.line})"[-2000:]
    return ""


def processes_of(bundle: Bundle) -> Iterator[psutil.Process]:
    """The bundle's running kernels, Spark and workers: they have its folder in their environment."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("LOCALBUNDLE_HOME") == str(bundle.home.resolve()):
                yield process


if __name__ == "__main__":
    typer.run(main)
