from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.yamlfile import Text
from localbundle.lint.packages import intended, replaces
from localbundle.lint.requirements import read_lines
from localbundle.lint.runtimes import Runtime, known
from packaging.requirements import Requirement

GPUS = "16.4.x-gpu-ml-scala2.12"
runtimes = st.sampled_from(sorted(known().runtimes.values(), key=lambda runtime: runtime.name))
numbers = st.integers(0, 30)


def said(line: str, runtime: str = GPUS) -> str | None:
    return replaces(Requirement(line), known().runtimes[runtime])


def version(parts: list[int]) -> str:
    return ".".join(map(str, parts))


@st.composite
def admitting(draw) -> tuple[Runtime, str]:
    """A runtime, and a requirement that is built so that it admits what the runtime ships."""
    runtime = draw(runtimes)
    name = draw(st.sampled_from(sorted(runtime.packages)))
    shipped = runtime.packages[name]
    parts = [int(part) for part in shipped.split(".")]
    index = draw(st.integers(0, len(parts) - 1))
    higher = version([*parts[:index], parts[index] + draw(st.integers(1, 9)), *draw(st.lists(numbers, max_size=2))])
    lower = version([*parts[:index], max(parts[index] - draw(numbers), 0)])
    clauses = st.sampled_from([
        f"=={shipped}", f"~={shipped}", f"=={version(parts[: index + 1])}.*", f">={shipped}", f"<={shipped}",
        f"<{higher}", f"<={higher}", f"!={higher}", f">={lower}", f"=={shipped}+local.1",
    ])  # fmt: skip
    return runtime, name + ",".join(draw(st.lists(clauses, max_size=3)))


@given(admitting())
def test_a_requirement_that_admits_the_shipped_version_replaces_nothing(case) -> None:
    runtime, line = case
    assert replaces(Requirement(line), runtime) is None


@given(runtimes, st.data())
def test_any_other_pin_replaces_and_names_both_versions_and_the_runtime(runtime, data) -> None:
    name = data.draw(st.sampled_from(sorted(runtime.packages)))
    shipped = runtime.packages[name]
    other = version(data.draw(st.lists(numbers, min_size=3, max_size=3)))
    message = replaces(Requirement(f"{name}=={other}"), runtime)
    if other == shipped:
        assert message is None
    else:
        assert message and f"{name} {shipped} ({runtime.name})" in message


@given(runtimes, st.sampled_from(["requests", "scikit-learn", "numpy-financial", "pandas-stubs", "torchvision"]))
def test_other_packages_are_nobodys_business(runtime, name) -> None:
    assert replaces(Requirement(f"{name}==0.1"), runtime) is None


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("python_version >= '3.12'", True),
        ("python_full_version < '3.13'", True),
        ("python_version < '3.12'", False),
        ("sys_platform == 'linux' and platform_machine == 'x86_64'", True),
        ("platform_system == 'Darwin' or os_name == 'nt'", False),
        ("implementation_name == 'pypy'", False),
        ("extra == 'gpu'", False),
    ],
)
def test_markers_are_those_of_the_runtime_and_not_of_this_machine(marker, applies) -> None:
    assert (said(f"numpy==2.3.5; {marker}") is not None) == applies


def test_python_is_the_runtimes_own() -> None:
    assert said("numpy==1.0; python_version < '3.11'", "14.3.x-scala2.12")
    assert not said("numpy==1.0; python_version < '3.11'", "15.4.x-scala2.12")


def test_names_are_compared_as_pip_compares_them() -> None:
    assert said("PyDantic==2.14.4") == f"the runtime's pydantic 2.8.2 ({GPUS}); leave it out or allow 2.8.2"


def test_a_file_replaces_whatever_its_version_is() -> None:
    wanted = "the runtime's torch 2.6.0 (16.4.x-gpu-ml-scala2.12); leave it out"
    assert said("torch @ https://example.org/torch-2.6.0-cp312-cp312-linux_x86_64.whl") == wanted
    assert said("nobodys @ https://example.org/nobodys-1-py3-none-any.whl") is None


@pytest.mark.parametrize(
    ("line", "runtime", "replaced"),
    [
        ("torch==2.9.0+cu130", "18.x-gpu-ml-scala2.13", True),
        ("torch==2.9.0+cu128", "18.x-gpu-ml-scala2.13", False),
        ("torch==2.12.0+cu130", "19.x-gpu-ml-scala2.13", False),
        ("torch==2.12.0+cu128", "19.x-gpu-ml-scala2.13", True),
    ],
)
def test_a_build_of_torch_for_another_cuda_replaces(line: str, runtime: str, replaced: bool) -> None:
    """The version is the same; the driver that it needs is not."""
    assert bool(said(line, runtime)) == replaced


def test_what_a_runtime_does_not_ship_may_be_installed() -> None:
    assert said("torch==2.14.0", "16.4.x-scala2.12") is None


def test_on_serverless_any_pyspark_replaces_databricks_connect() -> None:
    assert "Databricks Connect" in (said("pyspark", "serverless-v4") or "")
    assert "Databricks Connect" in (said("databricks-connect==17.0.0", "serverless-v4") or "")


def test_every_runtime_of_the_table_says_what_the_rule_needs() -> None:
    for runtime in known().runtimes.values():
        needed = {"numpy", "pandas", "protobuf", "pyarrow", "pydantic"}
        needed |= {"torch"} if "-ml" in runtime.name else set()
        needed |= set() if runtime.is_serverless else {"pyspark"}
        assert (runtime.name, set(runtime.packages)) == (runtime.name, needed)
        assert Path(runtime.name).name == runtime.name and runtime.python.startswith("3.")


def read(tmp_path: Path, line: str) -> Text:
    file = tmp_path / "requirements.txt"
    file.write_text(f"# a comment\n{line}\n")
    (text,) = read_lines(file)
    return text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("numpy==2.3.5  # replaces 1.26.4: the model needs it", "the model needs it"),
        ("numpy==2.3.5 # replaces 1.26.4:x", "x"),
        ("numpy==2.3.5  # replaces 1.26.3: of another runtime", ""),
        ("numpy==2.3.5  # replaces 1.26.4:", ""),
        ("numpy==2.3.5  # new", ""),
        ("numpy==2.3.5", ""),
    ],
)
def test_a_replacement_is_intended_if_its_line_names_the_version_and_a_reason(
    tmp_path: Path, line: str, reason: str
) -> None:
    text = read(tmp_path, line)
    assert (str(text), intended(text, "1.26.4")) == ("numpy==2.3.5", reason)


def test_a_replacement_elsewhere_is_never_intended() -> None:
    assert intended("numpy==2.3.5  # replaces 1.26.4: a line of a YAML file", "1.26.4") == ""
