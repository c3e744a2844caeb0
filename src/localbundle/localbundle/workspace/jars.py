"""Java and Delta's jars: found or downloaded once, then used without any lookup."""

import fcntl
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from localbundle.errors import BundleError

_MINIMUM_JAVA = 17
_FETCHED_JAVA = "17"
_SCALA = "2.13"
_FETCH_SECONDS = 600

FULL_JARS = (
    *("scala-library", "spark-catalyst", "spark-connect", "spark-sql", "spark-sql-api", "spark-core", "scala-reflect"),
    *("derby", "hadoop-client-api", "hive-metastore", "datanucleus-core", "datanucleus-rdbms", "jackson-databind"),
    *("log4j-core", "spark-network-common", "arrow-vector", "hadoop-client-runtime", "spark-hive", "hive-serde"),
)
"""The jars with most of the classes that a run loads, the fullest first."""

_EXTENSIONS = Path(__file__).parent / "spark_extensions" / "spark_extensions.jar"  # built from the sources beside it

Progress = Callable[[str], None]
Coordinates = tuple[str, str, str]


def cache_dir() -> Path:
    """The folder where jars are kept for all workspaces of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "localbundle"


def spark_home() -> Path:
    """The folder of the installed pyspark, found without importing it, which takes a second."""
    found = importlib.util.find_spec("pyspark")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def class_path(delta: Sequence[Path]) -> list[Path]:
    """Ours, Delta's, and the jars with most of the classes that Spark loads, as the beginning of its class path.

    Java looks for each class in one jar after the other, 277 in arbitrary order: a tenth of a first run's CPU time.
    """
    jars = spark_home() / "jars"
    return [
        _EXTENSIONS,
        *delta,
        *(jar for name in FULL_JARS for jar in sorted(jars.glob(f"{name}[-_][0-9]*.jar"))),
    ]


def find_java(progress: Progress) -> Path:
    """The home of a JDK >= 17: JAVA_HOME, java on PATH, or one that cjdk downloads once.

    Raises:
        BundleError: none was found and none could be downloaded.
    """
    on_path = shutil.which("java")
    for home in filter(None, (os.environ.get("JAVA_HOME"), on_path and str(Path(on_path).resolve().parents[1]))):
        if _java_version(Path(home)) >= _MINIMUM_JAVA:
            return Path(home)
    import cjdk  # slow, and needed on few machines

    progress(f"downloading a JDK {_FETCHED_JAVA} (once)")
    try:
        return Path(cjdk.java_home(version=_FETCHED_JAVA, vendor="temurin"))
    except Exception as error:
        raise BundleError(
            f"no Java >= {_MINIMUM_JAVA} found and none could be downloaded ({error}); install a JDK or set JAVA_HOME"
        ) from error


def _java_version(home: Path) -> int:
    try:
        result = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', result.stderr)
    return int(match[1]) if match else 0


def delta_coordinates(spark: str, delta: str, requires: Iterable[str]) -> tuple[Coordinates, Coordinates]:
    """The Maven coordinates of Delta's jars for a Spark. The first one's name contains Spark's minor version.

    Only these two: resolving their dependencies would copy 31 jars that Spark already has.

    Args:
        spark: the version of pyspark.
        delta: the version of delta-spark.
        requires: the requirements of delta-spark; its line on pyspark gives the Sparks it has jars for.

    Raises:
        BundleError: this Delta does not exist for this Spark.
    """
    wanted = next((one for one in map(Requirement, requires) if one.name == "pyspark"), None)
    if wanted is not None and not wanted.specifier.contains(spark, prereleases=True):
        raise BundleError(
            f"delta-spark {delta} has no jar for pyspark {spark}; install {wanted}, or another delta-spark"
        )
    version = Version(spark)
    name = f"delta-spark_{version.major}.{version.minor}_{_SCALA}"
    return ("io.delta", name, delta), ("io.delta", "delta-storage", delta)


def delta_jars(java: Path, progress: Progress) -> list[Path]:
    """Delta's two jars for the installed Spark, downloaded by Maven coordinates on first use, with the Ivy of pyspark.

    Raises:
        BundleError: they are not in the cache and cannot be downloaded, or do not exist for this Spark.
    """
    spark, delta = (importlib.metadata.version(name) for name in ("pyspark", "delta-spark"))
    jars = delta_coordinates(spark, delta, importlib.metadata.requires("delta-spark") or ())
    folder = cache_dir() / "jars"
    files = [folder / f"{artifact}-{version}.jar" for _, artifact, version in jars]
    if all(file.is_file() for file in files):
        return files
    folder.mkdir(parents=True, exist_ok=True)
    # Ivy's cache is not for two processes: of two first runs at once, one would not find the module.
    with (cache_dir() / "jars.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for coordinates, file in zip(jars, files, strict=True):
            if not file.is_file():
                progress(f"downloading {':'.join(coordinates)} (once)")
                _fetch(java, coordinates, file)
    return files


def _fetch(java: Path, coordinates: Coordinates, file: Path) -> None:
    """Retrieves into a temporary folder first, so that a broken download is never used as a jar."""
    ivy = next((spark_home() / "jars").glob("ivy-*.jar"))
    draft = file.parent / f".fetch-{os.getpid()}"
    command = [str(java / "bin" / "java"), "-cp", str(ivy), "org.apache.ivy.Main", "-cache", str(cache_dir() / "ivy")]
    command += ["-dependency", *coordinates, "-notransitive", "-types", "jar"]
    command += ["-retrieve", f"{draft}/[artifact]-[revision].[ext]"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_SECONDS)
        fetched = draft / file.name
        if done.returncode or not fetched.is_file():
            reason = next((line.strip() for line in done.stdout.splitlines() if "not found" in line), "no answer")
            raise BundleError(
                f"{':'.join(coordinates)} cannot be downloaded ({reason}); go online, or copy it to {file}"
            )
        fetched.replace(file)
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"{':'.join(coordinates)} was not downloaded within {_FETCH_SECONDS} s; try again") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
