from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import Text
from localbundle.errors import BundleError
from localbundle.packages.lines import Line, LineReader


def reader(root: Path) -> LineReader:
    return LineReader(Bundle(root, "b", "dev", {}, {}), "task t of job x")


def read(root: Path, line: str) -> list[Line]:
    (root / "resources").mkdir(exist_ok=True)
    return list(reader(root).read(Text(line, root / "resources/x.job.yml", 7)))


def texts(root: Path, line: str) -> list[str]:
    return [line.text for line in read(root, line)]


@pytest.mark.parametrize(
    "line",
    [
        "rich", "rich>=13,<15", "rich[jupyter] >= 13", 'rich; python_version < "3"', "rich == 14.*", "zope.interface",
        "rich @ https://example.org/rich-14.0-py3-none-any.whl", "rich==14.0 --hash=sha256:abc",
    ],
)  # fmt: skip
def test_a_requirement_stays_as_it_is(tmp_path: Path, line: str) -> None:
    (found,) = read(tmp_path, line)
    assert found.text == line
    assert found.requirement is not None


@pytest.mark.parametrize(
    "line", ["--index-url https://example.org/simple", "--pre", "-i https://example.org", "--no-index"]
)
def test_an_option_stays_as_it_is(tmp_path: Path, line: str) -> None:
    (found,) = read(tmp_path, line)
    assert (found.text, found.is_option, found.requirement) == (line, True, None)


@pytest.mark.parametrize("line", ["git+https://example.org/a.git@main", "https://example.org/a-1-py3-none-any.whl"])
def test_a_url_stays_as_it_is(tmp_path: Path, line: str) -> None:
    (found,) = read(tmp_path, line)
    assert (found.text, found.is_option, found.path) == (line, False, None)


def test_a_comment_and_an_empty_line_install_nothing(tmp_path: Path) -> None:
    assert texts(tmp_path, "# rich") == texts(tmp_path, " ") == []
    assert texts(tmp_path, "rich  # for tables") == ["rich"]


def test_paths_are_relative_to_the_file_that_has_them(tmp_path: Path) -> None:
    (line,) = read(tmp_path, "../dist/*.whl[all, more]")
    assert line.path == tmp_path / "dist/*.whl"
    assert (line.is_wheel, line.extras) == (True, ("all", "more"))
    (tmp_path / "lib").mkdir()
    assert texts(tmp_path, "../lib") == [f"{tmp_path}/lib"]
    assert texts(tmp_path, "-e ../lib") == texts(tmp_path, "-e '../lib'") == [f"-e {tmp_path}/lib"]
    assert texts(tmp_path, "--find-links=../lib") == [f"--find-links {tmp_path}/lib"]


def test_a_path_of_a_volume_is_in_the_local_workspace(tmp_path: Path) -> None:
    (line,) = read(tmp_path, "/Volumes/main/rag/libs/a-1-py3-none-any.whl")
    assert line.path == tmp_path / ".localbundle/dev/Volumes/main/rag/libs/a-1-py3-none-any.whl"
    assert read(tmp_path, "dbfs:/Volumes/main/rag/libs/a-1-py3-none-any.whl")[0].path == line.path


def test_a_requirements_file_is_its_lines(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "# what we need\n--index-url https://example.org/simple\nrich==14.0 \\\n    --hash=sha256:abc \\\n"
        "    --hash=sha256:def\n\nsix  # old\n-r more/other.txt\n-c more/pins.txt\n"
    )
    (tmp_path / "more").mkdir()
    (tmp_path / "more/pins.txt").write_text("idna<4\n")
    (tmp_path / "more/other.txt").write_text("idna\n../dist/a-1-py3-none-any.whl\n-r ../requirements.txt\n")
    found = read(tmp_path, "-r ../requirements.txt")
    assert [line.text for line in found] == [
        "--index-url https://example.org/simple", "rich==14.0 --hash=sha256:abc --hash=sha256:def",
        "six", "idna", f"{tmp_path}/dist/a-1-py3-none-any.whl", f"-c {tmp_path}/more/pins.txt",
    ]  # fmt: skip
    assert {line.top for line in found} == {f"-r {tmp_path}/requirements.txt"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tiny alpha&&", "`tiny alpha&&` is not a requirement"),
        ("rich=>13", "`rich=>13` is not a requirement"),
        ("-r ../none.txt", "requirements file ../none.txt does not exist; create it or correct the path"),
        ("-e ../none", "folder ../none does not exist; create it or correct the path"),
        ("../none", "folder or archive ../none does not exist; create it"),
        ("-r /Volumes/a/b/c/r.txt", r"file /Volumes/a/b/c/r.txt does not exist; copy it to /.*/c/r.txt or"),
        ("s3://bucket/a-1-py3-none-any.whl", "a storage that a laptop does not have; put it in the bundle's folder"),
        ("a @ abfss://c@s.example.org/a-1-py3-none-any.whl", "is in a storage that a laptop does not have"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_an_error_at_its_place(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(BundleError, match=f"task t of job x: .*{reason}") as raised:
        read(tmp_path, line)
    assert (raised.value.file, raised.value.line) == ("resources/x.job.yml", 7)
    assert "\n" not in str(raised.value)


def test_a_wrong_line_of_a_requirements_file_is_an_error_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("rich\n\nsix==\n")
    with pytest.raises(BundleError, match="requirements.txt:3: task t of job x: `six==` is not a requirement"):
        read(tmp_path, "-r ../requirements.txt")


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_in_one_line(line: str) -> None:
    try:
        found = list(reader(Path("/nowhere")).read(line))
    except BundleError as error:
        assert len(error.message.splitlines()) == 1
    else:
        assert len(found) <= 1
