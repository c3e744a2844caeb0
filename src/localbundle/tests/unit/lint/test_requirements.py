from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import Text
from localbundle.lint.requirements import read_lines, required

PROJECT = """
[build-system]
requires = ["hatchling"]

[project]
name = "My.Package"
dependencies = [
  'numpy>=1.26',
  "not a requirement",
]

[project.optional-dependencies]
one = ["pandas>=2"]
"Other_One" = [
  "numpy>=1.26",
  "my-package[one]",
]
all = ["my_package[other-one,all]"]
"""


def bundle(root: Path) -> Bundle:
    (root / "pyproject.toml").write_text(PROJECT)
    return Bundle(root, "tiny", "dev", {"artifacts": {"mine": {"type": "whl", "path": "."}}}, {})


def placed(root: Path, line: str) -> set[tuple[str, int]]:
    """Each requirement with its line in a file; 0 where it is the line itself that asks for it."""
    return {(str(found), getattr(text, "line", 0)) for text, found in required(bundle(root), line)}


def lines(root: Path, text: str) -> list[tuple[int, str]]:
    file = root / "requirements.txt"
    file.write_text(text)
    return [(line.line, str(line)) for line in read_lines(file)]


def test_of_a_lock_with_hashes_the_requirements_are_read_at_their_first_line(tmp_path) -> None:
    text = "# uv\n\nnumpy==2.3.5 ; os_name == 'posix' \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\npandas==2.2.3\n"
    assert lines(tmp_path, text) == [(3, "numpy==2.3.5 ; os_name == 'posix'"), (6, "pandas==2.2.3")]


def test_comments_options_and_an_open_end_are_no_part_of_a_requirement(tmp_path) -> None:
    text = "  numpy>=1  # as the runtime\ntorch @ https://x.org/t#egg=t\npandas --no-binary :all:\npyarrow \\\n  ==1 \\"
    assert [line for _, line in lines(tmp_path, text)] == [
        "numpy>=1", "torch @ https://x.org/t#egg=t", "pandas", "pyarrow   ==1",
    ]  # fmt: skip


def test_a_byte_order_mark_does_not_belong_to_a_requirement(tmp_path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xef\xbb\xbftorch==2.14.0\r\nnumpy==1\r\n")
    assert list(read_lines(tmp_path / "requirements.txt")) == ["torch==2.14.0", "numpy==1"]


@pytest.mark.parametrize("line", ["numpy==1.26.4  # why", "numpy==1.26.4 --no-cache-dir"])
def test_a_line_of_a_list_is_read_as_one_of_a_file(tmp_path, line: str) -> None:
    assert placed(tmp_path, line) == {("numpy==1.26.4", 0)}


def test_a_files_name_may_be_quoted(tmp_path) -> None:
    (tmp_path / "a b.txt").write_text("numpy==1\n")
    assert {name for name, _ in placed(tmp_path, '-r "a b.txt"')} == {"numpy==1"}


@given(st.lists(st.sampled_from(["numpy==1", "numpy==1 \\\n --hash=sha256:0", "# numpy", "", "-r other.txt"])))
def test_every_requirement_has_the_number_of_its_line(tmp_path_factory, parts) -> None:
    written = "\n".join(parts)
    root = tmp_path_factory.mktemp("lines")
    for number, line in lines(root, written):
        assert written.splitlines()[number - 1].startswith(line)


def test_a_file_may_name_others_relative_to_itself_and_itself_too(tmp_path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/a.txt").write_text("-r b.txt\n--requirement=../c.txt\nnumpy\n-c d.txt\n--index-url x\n")
    (tmp_path / "locks/b.txt").write_text("-r a.txt\npandas\n-r missing.txt\n")
    (tmp_path / "c.txt").write_text("torch\n")
    assert placed(tmp_path, "-r locks/a.txt") == {("pandas", 2), ("torch", 1), ("numpy", 3)}


@pytest.mark.parametrize(
    ("extras", "found"),
    [
        ("", {("numpy>=1.26", 8)}),
        ("[one]", {("numpy>=1.26", 8), ("pandas>=2", 13)}),
        ("[other.one, unheard]", {("numpy>=1.26", 8), ("numpy>=1.26", 15), ("pandas>=2", 13)}),
        ("[all]", {("numpy>=1.26", 8), ("numpy>=1.26", 15), ("pandas>=2", 13)}),
    ],
)
@pytest.mark.parametrize("wheel", ["dist/*.whl", "./dist/my_package-*.whl"])
def test_a_wheel_of_the_bundle_requires_what_its_project_says(tmp_path, wheel, extras, found) -> None:
    got = {(name, line) for name, line in placed(tmp_path, wheel + extras) if not name.startswith("my")}
    assert got == found


def test_a_requirement_without_a_line_of_its_own_is_at_the_line_that_installs_it(tmp_path) -> None:
    library = Text("dist/*.whl", tmp_path / "databricks.yml", 7)
    root = bundle(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["numpy\\u003e=1"]\n')
    assert [(str(found), text) for text, found in required(root, library)] == [("numpy>=1", library)]


@pytest.mark.parametrize("wheel", ["elsewhere/*.whl", "dist/other-*.whl", "/Volumes/a/b/c/*.whl"])
def test_of_other_wheels_nothing_is_known_but_their_name(tmp_path, wheel) -> None:
    assert placed(tmp_path, wheel) == set()


@pytest.mark.parametrize(
    "line",
    [
        "/Volumes/a/b/torch-2.6.0%2Bcu124-cp312-cp312-linux_x86_64.whl",
        "torch @ https://example.org/whl/torch-2.6.0+cu124-cp312-cp312-linux_x86_64.whl",
    ],
)
def test_a_wheel_file_is_a_pin_of_its_version(tmp_path, line) -> None:
    assert placed(tmp_path, line) == {("torch==2.6.0+cu124", 0)}


@given(st.text())
def test_no_line_leads_the_reader_astray(tmp_path_factory, line) -> None:
    list(required(bundle(tmp_path_factory.mktemp("bundle")), line))
