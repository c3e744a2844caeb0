from pathlib import Path

import pytest

from localbundle.errors import BundleError
from localbundle.workspace.jars import delta_jars, find_java

NAMES = ["delta-spark_4.2_2.13-4.4.0.jar", "delta-storage-4.4.0.jar"]


def make_java(home: Path, script: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return home


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/localbundle/jars"


def test_java_home_is_used_if_it_is_new_enough(tmp_path, monkeypatch) -> None:
    old = make_java(tmp_path / "old", "echo 'openjdk version \"11.0.2\"' >&2")
    new = make_java(tmp_path / "new", "echo 'openjdk version \"21\" 2023-09-19' >&2")
    monkeypatch.setenv("JAVA_HOME", str(old))
    monkeypatch.setenv("PATH", f"{new}/bin:/bin:/usr/bin")
    assert find_java(print) == new
    monkeypatch.setenv("JAVA_HOME", str(new))
    assert find_java(print) == new


def test_without_java_one_is_fetched_and_a_failure_says_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cjdk.java_home", lambda **wanted: tmp_path / f"jdk{wanted['version']}")
    told: list[str] = []
    assert find_java(told.append) == tmp_path / "jdk17"
    assert told == ["fetching a JDK 17 (once)"]

    def offline(**wanted):
        raise OSError("offline")

    monkeypatch.setattr("cjdk.java_home", offline)
    with pytest.raises(BundleError, match=r"no Java >= 17 found .*\(offline\); install a JDK or set JAVA_HOME"):
        find_java(print)


def test_jars_in_the_cache_are_used_without_looking_anything_up(tmp_path, cache) -> None:
    cache.mkdir(parents=True)
    for name in NAMES:
        (cache / name).touch()
    assert delta_jars(tmp_path / "no java", pytest.fail) == [cache / name for name in NAMES]


def test_a_failed_fetch_is_one_line_and_leaves_no_half_jar(tmp_path, cache) -> None:
    java = make_java(tmp_path / "jdk", "echo '  module not found: io.delta#x'; exit 1")
    told: list[str] = []
    with pytest.raises(BundleError, match=r"delta-spark.* cannot be fetched \(module not found.*put it at .*jar"):
        delta_jars(java, told.append)
    assert told == ["fetching io.delta:delta-spark_4.2_2.13:4.4.0 (once)"]
    assert not list(cache.glob("*"))
