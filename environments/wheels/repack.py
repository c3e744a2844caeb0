"""Rebuilds the wheels of the table `repacked` in environments/requirements.toml without some of their requirements.

pip cannot install one requirement of a file without the packages that it requires in turn, so a package that a job must
not get has to be removed from the wheel's metadata. The build command of the artifact in databricks.yml is
`uv run --no-project --with pip --with wheel repack.py`.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
_ROOT = HERE.parents[1]


def main() -> None:
    """Downloads each wheel, at the version that pyproject.toml pins, and repacks it; exits with 1 if one fails."""
    extras = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    pins = {line.split("==")[0]: line for lines in extras.values() for line in lines if "==" in line}
    tasks = tomllib.loads((_ROOT / "environments" / "requirements.toml").read_text("utf-8"))
    for name in tasks["repacked"]:
        if name not in pins:
            sys.exit(f"repack: pyproject.toml does not pin {name}; write {name}==VERSION in one of its extras")
    for wheel in (HERE / "dist").glob("*.whl"):  # the CLI uploads every wheel in the folder
        if wheel.name.split("-")[0].replace("_", "-") not in tasks["repacked"]:
            wheel.unlink(missing_ok=True)
    for name, unwanted in tasks["repacked"].items():
        if is_built(pins[name], unwanted, HERE / "dist"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            repack(pins[name], unwanted, Path(folder), HERE / "dist")


def repack(pin: str, unwanted: list[str], work: Path, dist: Path) -> None:
    """Writes the wheel of NAME==VERSION without the unwanted requirements into `dist`, and removes other versions.

    Safe against another process that does the same: wheels in `dist` are always complete.

    Raises:
        SystemExit: it cannot be downloaded or packed; in one line.
    """
    command = ["pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    _run(f"download {pin}", "check the package index", *command, "--dest", str(work), pin)
    (wheel,) = work.glob("*.whl")
    _run(f"unpack {wheel.name}", "run it again", "wheel", "unpack", "--dest", str(work), str(wheel))
    (metadata,) = work.glob("*/*.dist-info/METADATA")
    metadata.write_text(without(metadata.read_text("utf-8"), unwanted), "utf-8")
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dist) as made:
        _run(f"pack {pin}", "run it again", "wheel", "pack", "--dest-dir", made, str(metadata.parents[1]))
        (packed,) = Path(made).glob("*.whl")
        packed.replace(dist / packed.name)
    for earlier in dist.glob(f"{wheel.name.split('-')[0]}-*.whl"):
        if earlier.name != packed.name:
            earlier.unlink(missing_ok=True)


def is_built(pin: str, unwanted: list[str], dist: Path) -> bool:
    """Whether `dist` has the wheel of NAME==VERSION without the unwanted requirements."""
    name, _, version = pin.partition("==")
    for wheel in dist.glob(f"{name.replace('-', '_')}-{version}-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            (metadata,) = (entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA"))
            text = archive.read(metadata).decode("utf-8")
        return without(text, unwanted) == text
    return False


def without(metadata: str, unwanted: list[str]) -> str:
    """The metadata of a wheel without the requirements for some packages; nothing else changes."""
    names = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in unwanted)
    return re.sub(rf"(?im)^Requires-Dist:\s*({names})(?![\w.-]).*\n", "", metadata)


def _run(what: str, fix: str, *command: str) -> None:
    """Runs a Python module; if it fails, exits with the action, the last line of its output, and the fix."""
    done = subprocess.run([sys.executable, "-m", *command], stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].removeprefix("ERROR: ")
        sys.exit(f"repack: cannot {what} ({reason}); {fix}")


if __name__ == "__main__":
    main()
