import fcntl
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from localbundle.errors import BundleError
from localbundle.workspace.jars import FULL_JARS, class_path, delta_coordinates, delta_jars, find_java, spark_home

REQUIRES = ["importlib_metadata<=8.7.1,>=1.0.0", "pyspark<=4.2.0,>=4.0.1"]
INSTALLED = delta_coordinates(version("pyspark"), version("delta-spark"), requires("delta-spark") or ())
NAMES = [f"{artifact}-{release}.jar" for _, artifact, release in INSTALLED]


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


def test_without_java_one_is_downloaded_and_a_failure_names_the_fix(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cjdk.java_home", lambda **wanted: tmp_path / f"jdk{wanted['version']}")
    result: list[str] = []
    assert find_java(result.append) == tmp_path / "jdk17"
    assert result == ["downloading a JDK 17 (once)"]

    def offline(**wanted):
        raise OSError("offline")

    monkeypatch.setattr("cjdk.java_home", offline)
    with pytest.raises(BundleError, match=r"no Java >= 17 found .*\(offline\); install a JDK or set JAVA_HOME"):
        find_java(print)


@pytest.mark.parametrize(("spark", "artifact"), [("4.1.4", "delta-spark_4.1_2.13"), ("4.2.0", "delta-spark_4.2_2.13")])
def test_delta_is_the_one_for_the_spark_that_is_installed(spark: str, artifact: str) -> None:
    assert delta_coordinates(spark, "4.4.0", REQUIRES) == (
        ("io.delta", artifact, "4.4.0"),
        ("io.delta", "delta-storage", "4.4.0"),
    )


@pytest.mark.parametrize("spark", ["3.5.2", "4.3.0"])
def test_a_spark_without_delta_is_one_line(spark: str) -> None:
    line = (
        rf"^delta-spark 4.4.0 has no jar for pyspark {spark}; install pyspark<=4.2.0,>=4.0.1, or another delta-spark$"
    )
    with pytest.raises(BundleError, match=line):
        delta_coordinates(spark, "4.4.0", REQUIRES)


def test_jars_in_the_cache_are_used_without_looking_anything_up(tmp_path, cache) -> None:
    cache.mkdir(parents=True)
    for name in NAMES:
        (cache / name).touch()
    assert delta_jars(tmp_path / "no java", pytest.fail) == [cache / name for name in NAMES]


def test_a_failed_download_is_one_line_and_leaves_no_partial_jar(tmp_path, cache) -> None:
    java = make_java(tmp_path / "jdk", "echo '  module not found: io.delta#x'; exit 1")
    result: list[str] = []
    with pytest.raises(BundleError, match=r"delta-spark.* cannot be downloaded \(module not found.*.*jar"):
        delta_jars(java, result.append)
    assert result == [f"downloading {':'.join(INSTALLED[0])} (once)"]
    assert not list(cache.glob("*"))


def test_no_two_processes_download_at_once(cache, tmp_path, monkeypatch) -> None:
    fetched: list[str] = []

    def fetch(java, coordinates, file) -> None:
        with (cache.parent / "jars.lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.touch()
        fetched.append(file.name)

    monkeypatch.setattr("localbundle.workspace.jars._fetch", fetch)
    delta_jars(tmp_path, print)
    assert fetched == NAMES
    delta_jars(tmp_path, print)
    assert fetched == NAMES


def test_the_class_path_begins_with_ours_and_delta_and_names_each_jar_of_the_installed_spark_once(tmp_path) -> None:
    delta = tmp_path / "delta.jar"
    ours, first, *others = class_path([delta])
    assert ours.is_file() and ours.parent.name == "spark_extensions"
    assert first == delta
    assert len(set(others)) == len(others)
    assert all(jar.is_file() and jar.parent == spark_home() / "jars" for jar in others)
    for name in FULL_JARS:  # a renamed jar would only be slow
        assert len([jar for jar in others if jar.name.startswith((f"{name}-", f"{name}_"))]) >= 1, name
