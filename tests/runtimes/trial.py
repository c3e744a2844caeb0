"""One trial of a pair of platforms: environments, the jobs in them, the suites."""

import time
import tomllib
from collections.abc import Callable
from functools import partial

from localbundle.errors import BundleError

from environments.lock import TASKS, File
from ragops.errors import UserError
from tests.runtimes import environment, offline, suites
from tests.runtimes.changes import Changes
from tests.runtimes.commands import FOLDER, Failed, console
from tests.runtimes.environment import Environment
from tests.runtimes.jobs import Workspace
from tests.runtimes.platforms import GPU, SERVERLESS, Installation, Platform, installations, platforms
from tests.runtimes.snapshot import bundle_for, copy_tree
from tests.runtimes.summary import Row

EMBED = "refresh.embed"


class Trial:
    """A GPU cluster's runtime and an environment of serverless compute, in a copy of the working tree.

    Raises:
        UserError: there is no list of what a runtime ships, or the requirements cannot be resolved.
        Failed: the bundle's artifacts cannot be built.
    """

    def __init__(self, named: list[str]) -> None:
        self.source = copy_tree()
        self.workspace = Workspace(self.source)
        self.failures: list[str] = []
        self._platforms = platforms(named, self.source)
        self._tables = tomllib.loads((self.source / TASKS).read_text("utf-8"))
        self._rows = {
            compute: Row(platform.name, spark=platform.spark) for compute, platform in self._platforms.items()
        }
        self._installed: dict[str, list[Installation]] = {}
        for one in installations(bundle_for(self.source, self._platforms)):
            self._installed.setdefault(one.name, []).append(one)

    def run(self, *, with_suites: bool) -> list[Row]:
        """Runs everything in turn, also after failures; returns one row per platform."""
        refresh, embed = self._attempt("refresh"), self._attempt(EMBED)
        if refresh and embed:
            self._try(SERVERLESS, partial(self._refresh, refresh, embed))
        for job in ("answer_batch", "release", "evaluate", "collect_calls", "explore", "prototype"):
            if built := self._attempt(job):
                self._try(SERVERLESS, partial(self.workspace.job, built, job))
        # The refresh job that it starts runs in the same Python here.
        if built := self._attempt("smoke", "refresh"):
            self._try(SERVERLESS, partial(self.workspace.job, built, "smoke"))
        # The runtime's version, and the newest one, which shows what a later runtime will need.
        for name in ("vllm", "vllm-newest"):
            self._try(GPU, partial(self._vllm, name))
        if with_suites:
            self._try(GPU, self._suites)
        for compute, platform in self._platforms.items():
            row, ran = self._rows[compute], self.workspace
            row.gigabytes = environment.size(FOLDER / platform.name) / 1e9
            row.tasks = f"{ran.succeeded[compute]}/{ran.tried[compute]}"
        return list(self._rows.values())

    def _attempt(self, name: str, *also: str) -> Environment | None:
        built: list[Environment] = []
        self._try(self._compute(name), lambda: built.append(self._build(name, *also)))
        return built[0] if built else None

    def _build(self, name: str, *also: str) -> Environment:
        """The environment of a job or of one of its tasks, ready to run it; `also`: jobs that it starts."""
        platform = self._platforms[self._compute(name)]
        shipped: dict[str, str] = {}
        for one in (name, *also):
            shipped |= environment.shipped_closure(self._file(platform, one), self.source)
        built = environment.ship(platform, name, shipped)
        # All tasks of a job run in one Python here, so its environments are one.
        allowed = {package for one in (name, *also) for package in self._tables["replaced"].get(_task(one), ())}
        for one in (name, *also):
            for installation in self._installed[one]:
                environment.install_on_top(built, installation, allowed)
        self._note(built)
        tools = environment.add_tools(built, self.source)
        console.print(f"  tools of this test: {_replaced(tools)}")
        return built

    def _compute(self, name: str) -> str:
        return self._installed[name][0].compute

    def _file(self, platform: Platform, name: str) -> File:
        return File(platform.runtime, _task(name), tuple(self._tables[platform.compute][_task(name)]))

    def _files(self) -> list[File]:
        return [
            self._file(platform, name)
            for platform in self._platforms.values()
            for name in self._tables[platform.compute]
        ]

    def _note(self, built: Environment) -> None:
        console.print(f"[bold]{built.label}[/]", markup=True)
        for line in built.changes.lines():
            console.print(f"  {line}")
        row = self._rows[built.platform.compute]
        row.python = environment.version_of(built)
        row.shipped = max(row.shipped, len(built.changes.shipped))
        row.added = max(row.added, len(built.changes.added))
        row.replaced = max(row.replaced, len(built.changes.replaced))

    def _refresh(self, built: Environment, embed: Environment) -> None:
        self.workspace.sample()
        ingested = self.workspace.job(built, "refresh", only="ingest,has_work")
        console.print(f"  embed in a classic session: {self.workspace.embed(embed, ingested)}")
        published = self.workspace.job(built, "refresh", only="publish")
        console.print(f"  publish: {published.tasks['publish'].message}")
        console.print(f"  search found {self.workspace.search(built)}")

    def _vllm(self, name: str) -> None:
        platform = self._platforms[GPU]
        kept = offline.pins(self._file(platform, "vllm"), self.source)
        if kept is None:
            console.print(f"{platform.name} {name}: no version for torch {platform.runtime.packages['torch']}")
            return
        built = offline.install(platform, name, self.source, kept if name == "vllm" else {})
        console.print(f"[bold]{built.label}[/]", markup=True)
        for line in offline.answers(built):
            console.print(f"  {line}", markup=False)

    def _suites(self) -> None:
        """Runs the suites on the GPU cluster's runtime, which ships everything that serverless ships and more."""
        platform, replaced = self._platforms[GPU], self._tables["replaced"]["refresh"]
        extras = {extra for file in self._files() if file.name != "vllm" for extra in file.extras}
        every = File(platform.runtime, "refresh", tuple(sorted(extras)))
        built = environment.ship(platform, "suites", environment.shipped_closure(every, self.source))
        suites.add_everything(built, self.source, replaced)
        passed = 0
        for suite in suites.SUITES:
            counted = suites.run_suite(built, self.source, suite)
            passed += counted.passed
            console.print(
                f"  {suite}: {counted.passed} passed, {counted.skipped} skipped, {len(counted.failed)} failed"
            )
            self.failures += [f"{suite}: {name}" for name in counted.failed]
        self._rows[GPU].tests = str(passed)

    def _try(self, compute: str, step: Callable[[], object]) -> None:
        """Runs a step, adds its seconds to the platform's row, and records a failure."""
        began = time.monotonic()
        try:
            step()
        except (Failed, BundleError, UserError) as error:
            self.failures.append(str(error).splitlines()[0])
            console.print(f"failed: {error}", style="red", markup=False)
        self._rows[compute].seconds += time.monotonic() - began


def _task(name: str) -> str:
    """The name in environments/requirements.toml: the job's, or the task's if it has its own libraries."""
    return name.split(".")[-1]


def _replaced(changes: Changes) -> str:
    return ", ".join(f"{name} {old} -> {new}" for name, (old, new) in changes.replaced.items()) or "nothing replaced"
