import subprocess
from pathlib import Path

import pytest
from localbundle.definitions.bundle import load_bundle
from localbundle.definitions.local_values import checkout, normalized_name, short_name

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]


@pytest.mark.parametrize(
    ("text", "name"), [("Jo.Doe", "jo_doe"), ("dev jo] ", "dev_jo"), ("größe__x", "größe_x"), ("_", "")]
)
def test_a_name_is_made_of_letters_digits_and_single_underscores(text: str, name: str) -> None:
    assert normalized_name(text) == name


def test_the_short_name_has_no_domain() -> None:
    assert short_name("Jo.Doe@example.com") == "jo_doe"


def test_a_bundle_outside_of_git_has_no_branch(tmp_path: Path) -> None:
    assert checkout(tmp_path) == {"bundle_root_path": "."}


def test_git_is_that_of_the_checkout_and_a_target_may_set_the_branch(write, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    subprocess.run([*GIT, "init", "-q", "-b", "feature", "."], cwd=tmp_path, check=True)
    subprocess.run([*GIT, "remote", "add", "origin", "https://me:secret@example.com/a.git"], cwd=tmp_path, check=True)
    subprocess.run([*GIT, "commit", "-q", "--allow-empty", "-m", "a"], cwd=tmp_path, check=True)
    write(**{"below/databricks.yml": "bundle: {name: tiny}\ntargets: {t: {git: {branch: main}}}"})
    git = load_bundle(tmp_path / "below").config["bundle"]["git"]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True).stdout.strip()
    assert git == {
        "actual_branch": "feature", "branch": "main", "commit": commit, "origin_url": "https://example.com/a.git",
        "bundle_root_path": "below",
    }  # fmt: skip
