"""What README, tutorial and docstrings tell a user to type works, over some pages of the sample corpus.

The commands are typed without a schema, as a user types them, so they use target dev's own; other tests name theirs.
"""

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ragops
from ragops.demo.corpus import write_corpus
from tests.e2e.bundles import BIN, REPOSITORY, Bundle

# The pages that answer what README and docstrings ask, and a few others.
TOPICS = ["typesseq", "types", "with", "context-managers", "truth", "objects"]
# Typed by a user, and tested elsewhere or not at all: what it is, and by what.
ELSEWHERE = {
    "make demo": "it installs the environment; tests/unit/test_makefile.py, and the workflow of pull requests",
    "source .venv/bin/activate": "the tests run in it",
    next(line for line in (REPOSITORY / "README.md").read_text("utf-8").splitlines() if line.startswith("curl -N")): (
        "it needs the server; tests/e2e/test_serve.py"
    ),
    "localbundle lab": "it waits for Ctrl-C; tests/e2e/test_lab.py",
    "localbundle up -t dev": "the fixture keeps Spark running",
    "localbundle down -t dev": "the fixture does it",
    "localbundle run release -t dev": "minutes; tests/e2e/test_release.py",
    "ragops evaluate retrieval": "the criteria are for the whole corpus; tests/integration/quality",
}
# What sections of the tutorial must print.
PRINTED = {
    "Run the job again": ("nothing to publish",),
    "Search and ask": ("comma which makes a tuple", "I cannot find the answer"),
    "Ask about your own documents": ("4 fish", "5 fish", "older than the tables"),
    "Measure": ("questions 20, errors 0",),
}


@pytest.fixture(scope="module")
def documented(bundle: Bundle) -> Bundle:
    """The bundle with some of the sample corpus in the index of target dev, and Spark kept running."""
    landing = bundle.home / "Volumes" / "spark_catalog" / bundle.schema() / "landing"
    write_corpus(landing, TOPICS)
    bundle.run("localbundle", "run", "refresh", "-t", "dev")
    return bundle


def commands(text: str) -> list[str]:
    """The lines of shell blocks that are not tested elsewhere."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line not in ELSEWHERE]


def tutorial() -> dict[str, list[str]]:
    """The commands of each section of the tutorial, by its heading; each section can be followed on its own."""
    sections = re.split(r"^## ", (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {section.partition("\n")[0]: commands(section) for section in sections}
    return {heading: lines for heading, lines in found.items() if lines}


def typed(bundle: Bundle, line: str) -> str:
    """What a shell prints for a line typed in the bundle's folder, with the environment activated."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PWD": str(bundle.root)}
    done = subprocess.run(
        ["bash", "-c", line], cwd=bundle.root, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("heading", tutorial())
def test_a_section_of_the_tutorial(documented: Bundle, heading: str) -> None:
    """Its commands in their order, as a user types them."""
    printed = "".join(typed(documented, line) for line in tutorial()[heading])
    assert [part for part in PRINTED.get(heading, ()) if part not in printed] == []


def test_every_expected_output_belongs_to_a_section_of_the_tutorial() -> None:
    assert PRINTED.keys() <= tutorial().keys()


def test_the_quick_start_of_the_readme(documented: Bundle) -> None:
    folder = documented.root / "own documents"
    folder.mkdir()
    (folder / "otter.md").write_text("# The otter\n\nThe otter eats 4 fish before noon.\n")
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    printed = [typed(documented, line.replace("/path/to/folder", f"'{folder}'")) for line in commands(readme)]
    _, shown = re.findall(r"```text\n(.*?)```", readme, re.DOTALL)
    answers = [line for line in shown.splitlines() if line and not line.startswith("$")]
    assert {_without_figures(line) for line in answers} <= {
        _without_figures(line) for line in "".join(printed).splitlines()
    }


def _without_figures(line: str) -> str:
    return re.sub(r"\d{6}-\w{8}|\d[\d.,]*", "#", " ".join(line.split()))


def test_the_lines_of_python_of_the_readme(documented: Bundle) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    file = documented.root / "readme.py"
    file.write_text(code, encoding="utf-8")
    done = documented.run(str(Path(sys.executable).name), str(file))
    assert "not the parentheses [1]. ['library/typesseq.docx']" in done.stdout
    assert "abstained" in done.stdout


def test_the_examples_of_the_public_interface(documented: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that need no Spark; the others are the next test."""
    monkeypatch.chdir(documented.root)
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    for name in ("TRACKING_URI", "REGISTRY_URI", "DISABLE_TELEMETRY", "SQLALCHEMYSTORE_POOLCLASS"):
        monkeypatch.setenv(f"MLFLOW_{name}", "")  # so that what the examples set is taken back
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    for name in ragops.__all__:
        for test in finder.find(getattr(ragops, name), name):
            runner.run(test)
    assert (runner.failures, runner.tries > 15) == (0, True)


def test_the_stages_of_the_public_interface(documented: Bundle, tmp_path: Path) -> None:
    """One after the other, from a folder to an index in a schema of its own."""
    (tmp_path / "heron.md").write_text("# The heron\n\nThe heron sleeps under the old bridge.\n")
    code = f"""
import json
from ragops import (load_usecase, open_searcher, open_workspace, publish_index, refresh_chunks, refresh_documents,
                    refresh_embeddings)

use_case, workspace = load_usecase(), open_workspace("dev", schema="stages")
workspace.create_schema()
reports = [refresh_documents(use_case, workspace, {str(tmp_path)!r}), refresh_chunks(use_case, workspace),
           refresh_embeddings(use_case, workspace), publish_index(use_case, workspace)]
found = open_searcher(use_case, workspace).search("Where does the heron sleep?")
print(json.dumps([[report.added for report in reports], found[0].passage.path]))
"""
    done = documented.run("localbundle", "exec", "-t", "dev", "--", sys.executable, "-c", code)
    assert json.loads(done.stdout.strip().splitlines()[-1]) == [[1, 1, 1, 1], "heron.md"]
