"""kill -9 at random moments of refreshes: how many of the next runs mended everything.

Run `python -m tests.bench.kills`; it shows its progress and, with `--json FILE`, writes the counts. Each kill takes a
changed folder, kills the runner, a kernel or Spark at a stage's border or anywhere, and demands of the next refresh
what tests/e2e/kills.py demands. 200 kills take hours: most of it is three whole commands a kill.
"""

import contextlib
import json
import random
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.e2e.bundles import Bundle, lay_bundle, write_notes
from tests.e2e.kills import Kill, converges, edit_some, kill_a_refresh

KILLS = 200
SEED = 20_261_124
VICTIMS = ("runner", "kernel", "spark")
BORDERS = ("ingest: success", "embed: success", "publish: success")
BORDER_SHARE = 0.25
console = Console()


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    kills: Annotated[int, typer.Option(help="How many refreshes to kill.")] = KILLS,
) -> dict[str, object]:
    """Shows progress and returns {kills, converged, failures, orphans, seed, longest_moment_s, seconds}."""
    chance, failures, start = random.Random(SEED), [], time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-kills-") as folder, Progress(*columns(), console=console) as shown:
        bundle = lay_bundle(Path(folder))
        try:
            place = fresh(bundle, 0)
            longest = length(bundle, *place, chance)
            task = shown.add_task("", total=kills, converged=0)
            for number in range(kills):
                kill = chosen(chance, longest)
                if failure := one(bundle, *place, kill, chance):
                    failures.append({"number": number, "victim": kill.victim, "after": kill.after, "what": failure})
                    console.print(
                        f"kill {number}, {kill.victim} after {kill.after}: {failure}", markup=False, style="red"
                    )
                    place = fresh(bundle, number + 1)  # what one kill broke is not counted again
                shown.update(task, advance=1, converged=number + 1 - len(failures))
        finally:
            bundle.run("localbundle", "down", "-t", "dev", check=False)
        left = len(list(processes_of(bundle)))
    result: dict[str, object] = {
        "kills": kills,
        "converged": kills - len(failures),
        "failures": failures,
        "orphans": left,
        "seed": SEED,
        "longest_moment_s": round(longest, 1),
        "seconds": round(time.perf_counter() - start, 1),
    }
    console.print_json(data=result)
    if json_file:
        json_file.write_text(json.dumps(result, indent=1))
    return result


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
