"""The environments of all tasks of a run, prepared before it begins: wheels built and found, packages installed."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError
from localbundle.packages import artifacts
from localbundle.packages.environment import Announce, Environment, EnvironmentBuilder
from localbundle.packages.installed import (
    editable_packages,
    is_same_as_installed,
    requirements_of,
    satisfies,
    wheel_metadata,
)
from localbundle.packages.lines import Line, LineReader, with_path
from localbundle.packages.tasks import places_of
from localbundle.workspace.environment import VOLUMES

# The kinds of tasks that are Python processes.
KINDS = ("notebook_task", "python_wheel_task", "spark_python_task")
_SHOWN = 5


@dataclass(frozen=True)
class TaskEnvironments:
    """The environments of a run's tasks.

    Attributes:
        found: by the keys of job and task; a task that is missing runs in this Python.
        missing: the names of packages that tasks name and that are not installed, because the bundle says so.
    """

    found: Mapping[tuple[str, str], Environment]
    missing: tuple[str, ...] = ()

    def of(self, job: str, task: str) -> Environment | None:
        """The environment of a task; that of an iteration, `task.number`, is its task's."""
        return self.found.get((job, task.partition(".")[0]))


@dataclass(frozen=True)
class _Place:
    """A place with what it lacks: its lines that this Python does not meet, and the keys of job and tasks."""

    name: str
    tasks: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    unmet: tuple[Line, ...]


def prepare(
    bundle: Bundle, job: Job, progress: Callable[[str], None], announce: Announce, *, install: bool = True
) -> TaskEnvironments:
    """Prepares the environments of a job's tasks, and of the jobs that it runs.

    Args:
        bundle: the bundle.
        job: the job, with the tasks that are run.
        progress: gets what is being done.
        announce: gets what is installed.
        install: whether what is missing is installed, or refused.

    Raises:
        BundleError: a wheel is missing, a build failed, a line is wrong, or packages cannot be or are not installed.
    """
    places = [place for place in _Reading(bundle, progress).places(job) if place.unmet]
    if not bundle.install:
        missing = {line.text for place in places for line in place.unmet if line.requirement and line.top == line.text}
        places = [place for place in map(_only_wheels, places) if place.unmet]
        return TaskEnvironments(_built(bundle, places, progress, announce, alone=True), tuple(sorted(missing)))
    if not install:
        builders = ((place, EnvironmentBuilder(place.lines, place.name, bundle.root)) for place in places)
        lacking = [place for place, builder in builders if builder.find() is None]
        if lacking:
            raise _not_installed(job, lacking)
    return TaskEnvironments(_built(bundle, places, progress, announce))


def _built(
    bundle: Bundle,
    places: Sequence[_Place],
    progress: Callable[[str], None],
    announce: Announce,
    *,
    alone: bool = False,
) -> dict[tuple[str, str], Environment]:
    found = {}
    for place in places:
        builder = EnvironmentBuilder(place.lines, place.name, bundle.root, alone=alone)
        progress(f"installing {place.name}")
        environment = builder.find() or builder.build(announce)
        found.update(dict.fromkeys(place.tasks, environment))
    return found


def _only_wheels(place: _Place) -> _Place:
    wheels = tuple(line for line in place.unmet if line.is_wheel)
    return _Place(place.name, place.tasks, wheels, wheels)


def _not_installed(job: Job, places: Sequence[_Place]) -> BundleError:
    """What is missing, and the commands that install it."""
    lacking = " and ".join(f"{place.name} lacks {_listed(place.unmet)}" for place in places)
    tops = dict.fromkeys(line.top for place in places for line in place.lines if line in place.unmet or line.is_option)
    words = [word for top in tops for word in (top.split(" ", 1) if top.startswith("-") else [top])]
    command = shlex.join(["uv", "pip", "install", "--python", sys.executable, *words])
    fix = f"run it without --no-install, or install what is missing: {command}"
    return BundleError(f"job {job.key}: {lacking}; {fix}", job=job.key)


def _listed(lines: Sequence[Line]) -> str:
    written = list(dict.fromkeys(line.written for line in lines))
    more = f" and {len(written) - _SHOWN} more" if len(written) > _SHOWN else ""
    return ", ".join(written[:_SHOWN]) + more


class _Reading:
    """Reads what the tasks of a run install, builds the artifacts that they need, and finds the wheels."""

    def __init__(self, bundle: Bundle, progress: Callable[[str], None]) -> None:
        self._bundle, self._progress = bundle, progress
        self._artifacts: list[artifacts.Artifact] = []

    def places(self, job: Job) -> list[_Place]:
        """All places of a job's tasks and of the jobs that it runs."""
        read = []
        for each in _with_jobs_that_it_runs(self._bundle, job):
            for place in places_of(self._bundle, each, KINDS):
                reader = LineReader(self._bundle, f"task {place.tasks[0]} of job {each.key}")
                lines = [line for written in place.written for line in self._read(reader, written)]
                name = place.name if each.key == job.key else f"{place.name} of job {each.key}"
                read.append((name, tuple((each.key, task) for task in place.tasks), reader, lines))
        self._build([line.path for *_, lines in read for line in lines if line.is_wheel and line.path])
        places = []
        for name, tasks, reader, lines in read:
            found = tuple(dict.fromkeys(one for line in lines for one in self._resolved(line, reader)))
            places.append(_Place(name, tasks, found, tuple(line for line in found if not _is_met(line))))
        return places

    def _read(self, reader: LineReader, written: str) -> list[Line]:
        try:
            return list(reader.read(written))
        except BundleError:
            if self._bundle.install:
                raise
            return []  # nothing is installed from it

    def _build(self, wheels: Sequence[Path]) -> None:
        if wheels:
            self._artifacts = artifacts.artifacts_of(self._bundle)
            to_build = [path for path in wheels if artifacts.installed_from_source(self._artifacts, path) is None]
            artifacts.build(self._bundle, self._artifacts, to_build, self._progress)

    def _resolved(self, line: Line, reader: LineReader) -> Iterator[Line]:
        """A wheel's line with its file; of a package that is installed from its source, what that requires."""
        if not line.is_wheel or line.is_option or line.path is None:
            yield line
            return
        package = artifacts.installed_from_source(self._artifacts, line.path)
        if package is not None:
            for requirement in requirements_of(package, line.extras):
                yield Line(str(requirement), str(requirement), str(requirement), requirement)
            return
        try:
            found = artifacts.matching_wheels(line.path)
        except ValueError as error:
            raise reader.error(line.written, f"{line.written} is not a wheel ({error}); build it again") from error
        if not found:
            raise reader.error(line.written, f"no wheel matches {line.written}; {self._fix(line.path)}")
        for name, file in found.items():
            yield with_path(line, file, name)

    def _fix(self, wheel: Path) -> str:
        """What to do about a wheel that does not exist."""
        if wheel.is_relative_to((self._bundle.home / VOLUMES).absolute()):
            return f"copy it to {wheel}"
        if not wheel.is_relative_to(self._bundle.root.absolute()):
            return "put it in the bundle's folder, or correct the path"
        writing = [artifact.name for artifact in self._artifacts if artifact.folder / "dist" == wheel.parent]
        if writing:
            return f"artifact {writing[0]} does not write it; correct its build command or the path"
        return "add an artifact of type whl that builds it, or correct the path"


def _is_met(line: Line) -> bool:
    """Whether this Python has what a line installs."""
    if line.is_option:
        return True
    if line.requirement:
        return satisfies(line.requirement)
    if line.path is None:
        return False
    if line.is_editable:
        return any(url == line.path.resolve().as_uri() for _, url in editable_packages())
    if not line.is_wheel:
        return False
    wheel = wheel_metadata(line.path)
    return is_same_as_installed(wheel) and all(map(satisfies, requirements_of(wheel, line.extras)))


def _with_jobs_that_it_runs(bundle: Bundle, job: Job) -> list[Job]:
    found, waiting = {job.key: job}, [job]
    while waiting:
        for work in (task.work for task in waiting.pop().tasks):
            if work.run_job_task and work.run_job_task.job_id not in found:
                found[work.run_job_task.job_id] = find_job(bundle, work.run_job_task.job_id)
                waiting.append(found[work.run_job_task.job_id])
    return list(found.values())
