from pathlib import Path

import pytest

from ragops.platform.config_files import read_yaml


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("a: {k: 5}\nb: &base {k: 3}\nc: {<<: *base, k: 2, 1: one, '1': text}\n")
    assert read_yaml(file) == {"a": {"k": 5}, "b": {"k": 3}, "c": {"k": 2, 1: "one", "1": "text"}}


def test_words_and_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("{country: NO, mode: on, time: 12:30, zip: 00123, date: 2024-01-02, rate: 1e3, yes: yes}")
    assert read_yaml(file) == {
        "country": "NO", "mode": "on", "time": "12:30", "zip": 123, "date": "2024-01-02", "rate": 1000.0, "yes": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nk: 5\n# more\nk: 3\n", "is not YAML: line 4, duplicate key k, first set in line 2; correct it"),
        (b"a:\n  k: 5\n  b: {}\n  k: 3\n", "is not YAML: line 4, duplicate key k, first set in line 2; correct it"),
        (b"a: {k: 5, k: 3}\n", "is not YAML: line 1, duplicate key k, first set in line 1; correct it"),
        (b"a: &x {k: *x, j: [{k: 5}, {k: 5, k: 3}]}\n", "line 1, duplicate key k, first set in line 1; correct it"),
        (b"a: [\n", "is not YAML: line 2, did not find expected node content; correct it"),
        (b"a: \x07\n", "is not YAML: "),
        (b"a: \xe9\n", "byte 3 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_fault_is_reported_in_one_line_with_its_position(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "a.yml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="^(is not YAML: |byte )") as raised:
        read_yaml(file)
    assert message in str(raised.value) and "\n" not in str(raised.value)
