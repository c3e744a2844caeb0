"""Volumes refuse the same calls as on Databricks in every Python process, unless that is switched off."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from localbundle.volumes.strict import VARIABLE

COMMAND = str(Path(sys.executable).parent / "localbundle")
RENAME = "a volume on Databricks cannot rename: write the whole file under its final name"
APPEND = "a volume on Databricks cannot append: write a whole file for each batch"
COPY = (
    "a volume on Databricks keeps no modes, owners or times: "
    "copy with shutil.copyfile, not with copy, copy2, copytree or move"
)
BUNDLE = """
bundle: {name: strict}
targets: {dev: {default: true}}
resources:
  schemas: {docs: {catalog_name: spark_catalog, name: docs}}
  volumes: {land: {catalog_name: spark_catalog, schema_name: docs, name: land}}
  jobs:
    write:
      tasks:
        - {task_key: notebook, notebook_task: {notebook_path: notebook.py}}
        - {task_key: child, notebook_task: {notebook_path: child.py}}
        - {task_key: worker, notebook_task: {notebook_path: worker.py}}
        - {task_key: tree, notebook_task: {notebook_path: tree.py}}
        - {task_key: plain, notebook_task: {notebook_path: plain.py}}
"""
VOLUME = """
import os, subprocess, sys
from pathlib import Path
volume = Path(os.environ["LOCALBUNDLE_HOME"], "Volumes/spark_catalog/docs/land")
"""
NOTEBOOKS = {
    "notebook.py": """
        (volume / "draft").write_text("whole")
        (volume / "draft").rename(volume / "final")
        """,
    "child.py": """
        code = "import os, sys; open(sys.argv[1], 'w').close(); os.replace(sys.argv[1], sys.argv[1] + '.final')"
        grandchild = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"
        done = subprocess.run(
            [sys.executable, "-c", grandchild, code, volume / "child"], stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr.splitlines()[-1])
        """,
    "worker.py": """
        def note(frames):
            for frame in frames:
                with open(notes, "a") as file:
                    file.write(frame.to_json())
                yield frame

        notes = str(volume / "notes")
        assert spark.range(3).mapInPandas(note, "id long").count() == 3
        """,
    "tree.py": """
        import shutil, tempfile
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "leaf").write_text("text")
            shutil.copytree(folder, volume / "copied")
        """,
    # What a volume supports.
    "plain.py": """
        import shutil
        (volume / "folder").mkdir()
        with open(volume / "folder" / "new", "x") as file:
            file.write("one")
        (volume / "folder" / "new").write_text("another")
        shutil.copyfile(volume / "folder" / "new", volume / "folder" / "copy")
        dbutils.fs.cp("/Volumes/spark_catalog/docs/land/folder", "/Volumes/spark_catalog/docs/land/tree", True)
        dbutils.fs.mv("/Volumes/spark_catalog/docs/land/tree/copy", "/Volumes/spark_catalog/docs/land/tree/moved")
        dbutils.fs.put("/Volumes/spark_catalog/docs/land/tree/put", "text")
        assert sorted(file.name for file in (volume / "tree").iterdir()) == ["moved", "new", "put"]
        shutil.rmtree(volume / "tree")
        (volume / "folder" / "copy").unlink()
        shutil.rmtree(volume / "folder")
        spark.range(3).write.parquet(str(volume / "numbers"))
        assert spark.read.parquet(str(volume / "numbers")).count() == 3
        """,
}


@dataclass(frozen=True)
class Workspace:
    root: Path
    strict: bool

    @property
    def volume(self) -> Path:
        return self.root / ".localbundle/dev/Volumes/spark_catalog/docs/land"

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([COMMAND, *arguments], cwd=self.root, capture_output=True, text=True, timeout=500)

    def switch(self, strict: bool) -> None:
        (self.root / "environments/laptop.yml").write_text(f"strict_volumes: {str(strict).lower()}\n")


@pytest.fixture(scope="module", params=[True, False], ids=["strict", "plain"])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("volumes")
    (root / "environments").mkdir()
    (root / "databricks.yml").write_text(BUNDLE)
    for name, text in NOTEBOOKS.items():
        (root / name).write_text(f"# Databricks notebook source\n{VOLUME}\n{textwrap.dedent(text)}")
    workspace = Workspace(root, request.param)
    if not workspace.strict:
        workspace.switch(False)
    assert workspace.call("up").returncode == 0
    yield workspace
    workspace.call("down")


def test_tasks_find_strict_volumes(workspace: Workspace) -> None:
    done = workspace.call("run", "write")
    result = done.stdout.splitlines()
    if workspace.strict:
        start, draft = "OSError: [Errno 38] Function not implemented", workspace.volume / "draft"
        child = workspace.volume / "child"
        assert done.returncode == 1
        assert f"notebook: {start}; {RENAME}: '{draft}' -> '{workspace.volume}/final'" in result
        assert f"child: RuntimeError: {start}; {RENAME}: '{child}' -> '{child}.final'" in result
        leaf, start = workspace.volume / "copied/leaf", "Error: [Errno 1] Operation not permitted"
        assert f"tree: {start}; {COPY}: '{leaf}' (and 1 more)" in result
        assert any(APPEND in line and f"{workspace.volume}/notes" in line for line in result), done.stdout
        assert "plain: success" in done.stdout
    else:
        assert done.returncode == 0, done.stdout
        assert "volumes are plain folders: strict_volumes is false in environments/laptop.yml" in result
        assert (workspace.volume / "final").read_text() == "whole"


def test_commands_find_strict_volumes(workspace: Workspace) -> None:
    workspace.volume.mkdir(parents=True, exist_ok=True)
    (workspace.volume / "old").write_text("text")
    done = workspace.call("exec", "--", "sh", "-c", f'{sys.executable} -c \'import os; os.rename("old", "new")\' 2>&1')
    assert done.returncode != 0 and RENAME not in done.stdout  # outside the volume it is an ordinary failure
    code = f"import os; os.chdir({str(workspace.volume)!r}); os.rename('old', 'new')"
    done = workspace.call("exec", "--", sys.executable, "-c", code)
    if workspace.strict:
        assert done.returncode == 1
        last = "OSError: [Errno 38] Function not implemented"
        assert done.stderr.splitlines()[-1] == f"{last}; {RENAME}: 'old' -> 'new'"
    else:
        assert done.returncode == 0, done.stderr


def test_the_users_pythonpath_and_sitecustomize_are_kept(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text("import os; os.environ['CUSTOMIZED'] = 'yes'")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = f"import mine, os; print(os.environ['CUSTOMIZED'], bool(os.environ[{VARIABLE!r}]))"
    assert workspace.call("exec", "--", sys.executable, "-c", code).stdout == f"yes {workspace.strict}\n"


def test_a_server_with_other_rules_is_not_used(workspace: Workspace) -> None:
    workspace.switch(not workspace.strict)
    done = workspace.call("exec", "--", "true")
    workspace.switch(workspace.strict)
    was = str(workspace.strict).lower()
    assert done.returncode == 2
    assert done.stderr.endswith(
        f"error: Spark of target dev was started with strict_volumes: {was}, which has changed since; "
        "stop it with `localbundle down -t dev`, then try again\n"
    )
