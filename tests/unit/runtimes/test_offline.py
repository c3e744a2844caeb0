from pathlib import Path

import pytest

from environments.lock import Conflict, File, Resolution, Runtime
from tests.runtimes import offline

RUNTIME = Runtime("18.x-gpu", "3.12", {"torch": "2.9.0", "pydantic": "2.11.0"})
FILE = File(RUNTIME, "vllm", ("vllm",))


def test_pins_are_those_of_the_runtime_and_of_the_file(tmp_path: Path) -> None:
    FILE.path(tmp_path).parent.mkdir(parents=True)
    FILE.path(tmp_path).write_text("# made\npydantic==2.14.4\nvllm==0.13.0\n", "utf-8")
    assert offline.pins(FILE, tmp_path) == {"torch": "2.9.0", "pydantic": "2.14.4", "vllm": "0.13.0"}


def test_without_a_file_the_pins_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "resolve", lambda *_: Resolution(added={"vllm": "0.13.0"}))
    assert offline.pins(FILE, tmp_path) == {**RUNTIME.packages, "vllm": "0.13.0"}


def test_a_runtime_without_a_compatible_vllm_has_no_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise Conflict("no vLLM for its torch")

    monkeypatch.setattr(offline, "resolve", refused)
    assert offline.pins(FILE, tmp_path) is None


@pytest.mark.parametrize("build", ["2.13.0+cpu", "2.13.0"])
def test_the_torch_of_a_build_for_cpus_is_read_without_its_local_part(build: str) -> None:
    requires = [f'torch=={build}; platform_machine != "none"', 'torch==1; platform_machine == "none"', "torchaudio"]
    assert offline.torch_of(requires) == "2.13.0"
