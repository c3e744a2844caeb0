"""The environment of a platform: packages of the runtime, then those of a job, then the tools of this test."""

import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from environments.lock import File, read, resolve, write
from tests.runtimes.changes import Changes, compare, read_freeze
from tests.runtimes.commands import FOLDER, Failed, clean_environment, run
from tests.runtimes.platforms import SERVERLESS, Installation, Platform, find_python

# The Spark Connect client from PyPI needs newer versions than the runtimes have; Databricks' own does not. No job may
# replace them.
CONNECT = frozenset({"googleapis-common-protos", "grpcio", "grpcio-status", "protobuf", "zstandard"})
_UV = [sys.executable, "-m", "uv"]


@dataclass
class Environment:
    """An environment of a platform: its folder, and the changes of the job's installation."""

    platform: Platform
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
        """Its name in progress messages and logs."""
        return f"{self.platform.name} {self.name}"

    def freeze(self) -> dict[str, str]:
        """The versions of all installed packages."""
        return read_freeze(run(f"{self.label} freeze", [*_UV, "pip", "freeze", "--quiet", "--python", self.python]))

    def uv(self, step: str, *arguments: object) -> None:
        """Installs with uv, which shares its cache by hard links."""
        run(f"{self.label} {step}", [*_UV, "pip", "install", "--python", self.python, *arguments])

    def pins(self, free: Iterable[str] = ()) -> Path:
        """A constraints file with all installed packages at their versions, except those in `free`."""
        free = set(free)
        file = self.folder / "kept.txt"
        lines = [f"{name}=={pin}" for name, pin in self.freeze().items() if pin and name not in free]
        file.write_text("\n".join(lines), "utf-8")
        return file


def shipped_closure(file: File, root: Path) -> dict[str, str]:
    """The runtime's packages that a file's tasks need, directly or not; installing the others would be wasted time.

    Writes the requirements file if the repository has none for the runtime.

    Raises:
        UserError: the requirements conflict with the runtime.
    """
    exists = file.path(root).is_file()
    found = resolve(file, root, read(file, root) if exists else None)
    if not exists:
        write(file, found, root)
    return {name: file.runtime.packages[name] for name in (*found.shipped, *found.replaced)}


def empty(platform: Platform, name: str) -> Environment:
    """A new environment with the runtime's Python and no packages. Raises Failed if there is no such interpreter."""
    built = Environment(platform, name, FOLDER / platform.name / name)
    wanted = platform.runtime.python
    python = find_python(wanted) or find_python("3.11")
    if python is None:
        raise Failed(f"{built.label}: Python {wanted} or 3.11 not found; install one")
    shutil.rmtree(built.folder, ignore_errors=True)
    run(f"{built.label} venv", [*_UV, "venv", "--quiet", "--seed", "--python", python, built.folder])
    return built


def ship(platform: Platform, name: str, shipped: dict[str, str]) -> Environment:
    """A new environment as a job starts from: the runtime's packages, and open-source Spark of its version.

    Raises:
        Failed: there is no interpreter, or an installation fails.
    """
    built = empty(platform, name)
    pins = built.folder / "shipped.txt"
    pins.write_text("".join(f"{package}=={pin}\n" for package, pin in platform.runtime.packages.items()), "utf-8")
    # Without their requirements: the job has to install packages that the runtime lacks.
    built.uv("runtime", "--no-deps", *(f"{package}=={pin}" for package, pin in shipped.items()))
    # The lists include neither Spark, nor the CUDA libraries that torch from PyPI gets from separate packages.
    unlisted = [f"pyspark[sql]=={platform.spark}.*", f"delta-spark=={version('delta-spark')}"]
    unlisted += [f"torch=={shipped['torch']}"] if "torch" in shipped else []
    built.uv("unlisted", "--constraint", pins, *unlisted)
    built.shipped = built.freeze()
    return built


def install_on_top(built: Environment, installation: Installation, allowed: Iterable[str]) -> None:
    """Installs as the job does, with plain pip, and records the changes.

    Raises:
        Failed: pip fails, packages conflict, or a package is replaced without permission.
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
    """Installs what this machine needs to run the job: localbundle, Spark's Connect client, MLflow's database.

    For the GPU cluster, which has a classic session, that is localbundle's `dbutils`.

    Returns:
        The changes.

    Raises:
        Failed: an installation fails, or replaces more than the Connect client needs.
    """
    before = built.freeze()
    own = source / "src" / "localbundle"
    if built.platform.compute == SERVERLESS:
        built.uv("tools", "--constraint", built.pins(CONNECT), own, *connect_client(built), *mlflow_server(built))
    built.uv("files", "--no-deps", own)
    changed = compare(before, built.freeze())
    if wrong := changed.wrong(CONNECT):
        raise Failed(f"{built.label}: the tools of this test replace {'; '.join(wrong)}")
    return changed


def connect_client(built: Environment) -> list[str]:
    """Requirements of the Spark Connect client: its extra, and the protobuf version that its messages need."""
    (messages,) = built.folder.glob("lib/python*/site-packages/pyspark/sql/connect/proto/base_pb2.py")
    made_by = re.search(r"^# Protobuf Python Version: (\S+)$", messages.read_text("utf-8"), re.MULTILINE)
    spark = f"pyspark[connect]=={built.freeze()['pyspark']}"
    return [spark, f"protobuf>={made_by[1]}"] if made_by else [spark]


def mlflow_server(built: Environment) -> list[str]:
    """Requirements of MLflow's database at the runtime's version of MLflow, which may be older than SQLAlchemy 2.1."""
    return [f"mlflow=={built.freeze()['mlflow-skinny']}", "sqlalchemy<2.1"]


def size(folder: Path) -> int:
    """Bytes on disk of the files below a folder, each counted once; most are hard links into uv's cache."""
    found = (file.lstat() for file in folder.rglob("*"))
    return sum({stat.st_ino: stat.st_blocks * 512 for stat in found}.values())


def version_of(built: Environment) -> str:
    """The version of the environment's Python."""
    result = run(f"{built.label} python", [built.python, "-c", "import platform; print(platform.python_version())"])
    return result.strip()
