"""Java and Delta's jars: found or fetched once, then used without any look-up."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from localbundle.errors import BundleError

_MINIMUM_JAVA = 17
_FETCHED_JAVA = "17"
# The suffix names Spark's minor version. Only these two: resolving what they declare would copy 31 jars that Spark has.
_JARS = (("io.delta", "delta-spark_4.2_2.13", "4.4.0"), ("io.delta", "delta-storage", "4.4.0"))
_FETCH_SECONDS = 600

Progress = Callable[[str], None]


def cache_dir() -> Path:
    """The folder where jars are kept for all workspaces of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "localbundle"


def spark_home() -> Path:
    """The folder of the installed pyspark, found without importing it: that takes a second."""
    found = importlib.util.find_spec("pyspark")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def find_java(progress: Progress) -> Path:
    """The home of a JDK >= 17: JAVA_HOME, java on PATH, or one that cjdk fetches once.

    Raises:
        BundleError: none was found and none could be fetched.
    """
    on_path = shutil.which("java")
    for home in filter(None, (os.environ.get("JAVA_HOME"), on_path and str(Path(on_path).resolve().parents[1]))):
        if _java_version(Path(home)) >= _MINIMUM_JAVA:
            return Path(home)
    import cjdk  # slow, and needed on few machines only

    progress(f"fetching a JDK {_FETCHED_JAVA} (once)")
    try:
        return Path(cjdk.java_home(version=_FETCHED_JAVA, vendor="temurin"))
    except Exception as error:
        raise BundleError(
            f"no Java >= {_MINIMUM_JAVA} found and none could be fetched ({error}); install a JDK or set JAVA_HOME"
        ) from error


def _java_version(home: Path) -> int:
    try:
        told = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', told.stderr)
    return int(match[1]) if match else 0


def delta_jars(java: Path, progress: Progress) -> list[Path]:
    """Delta's two jars, fetched by Maven coordinates with the Ivy that pyspark ships on first use.

    Raises:
        BundleError: they are not in the cache and cannot be fetched.
    """
    folder = cache_dir() / "jars"
    files = [folder / f"{artifact}-{version}.jar" for _, artifact, version in _JARS]
    for coordinates, file in zip(_JARS, files, strict=True):
        if not file.is_file():
            progress(f"fetching {':'.join(coordinates)} (once)")
            _fetch(java, coordinates, file)
    return files


def _fetch(java: Path, coordinates: tuple[str, str, str], file: Path) -> None:
    """Retrieves into a folder of its own first, so that a broken download never passes for a jar."""
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
            raise BundleError(f"{':'.join(coordinates)} cannot be fetched ({reason}); go online or put it at {file}")
        fetched.replace(file)
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"{':'.join(coordinates)} was not fetched in {_FETCH_SECONDS} s; try again") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
