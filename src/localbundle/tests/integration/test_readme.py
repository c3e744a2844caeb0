"""README.md: its bundle is created from its blocks, and every command in it is run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    return [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.strip()]


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    (bundle, _), (notebook,) = blocks("yaml"), blocks("python")
    (tmp_path / "databricks.yml").write_text(bundle)
    (tmp_path / "hello.py").write_text(notebook)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": "200"}
    outputs = {}
    for line in commands():
        if line == "pip install .":  # see test_wheel.py
            continue
        done = subprocess.run(shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        outputs[line] = done.stdout
    assert "no findings" in outputs["localbundle validate"]
    assert "3 rows in a Delta table" in outputs["localbundle run hello"]
    assert "5 rows in a Delta table" in outputs["localbundle run hello --params rows=5 --only count"]
    assert [out for line, out in outputs.items() if line.startswith("localbundle exec")] == ["dev\n"]


def test_the_laptops_values_of_the_readme_are_valid(tmp_path: Path) -> None:
    from localbundle.definitions.target import read_laptop

    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/laptop.yml").write_text(blocks("yaml")[1])
    assert read_laptop(tmp_path).variables == {"llm": "small"}
